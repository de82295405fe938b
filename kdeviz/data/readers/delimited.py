"""Text tables: CSV, TSV and their many relatives, and word vectors; told apart by content, cut by Arrow."""

from __future__ import annotations

import re

from kdeviz.data.readers.content import NoRowsError
from kdeviz.data.readers.cutting import cut, rest_of
from kdeviz.data.readers.dialect import Dialect, find_dialect, read_head, with_double_quotes
from kdeviz.data.readers.grid import grid_content, told_marks
from kdeviz.data.readers.headings import default_names, find_headings, fitted_names
from kdeviz.data.readers.records import read_as_json
from kdeviz.data.readers.source import Source
from kdeviz.data.readers.tables import TableContent
from kdeviz.data.readers.text import read_text
from kdeviz.errors import DataError

_MAX_COLUMNS = 100_000
_SAMPLE_ROWS = 200
_PAIRS = re.compile(rb"[-+\w.]+(?: qid:\d+)?(?: +\d+:[-+\d.eE]+){2,} *(?:#.*)?\n")
_HEAD = 1 << 16


def read_delimited(source: Source) -> TableContent:
    """Read a whole text table; cells stay text until it is known what they are for."""
    with source.reading("text table"):
        data, notes = read_text(source)
        if (content := read_as_json(source, data, notes)) is not None:
            return content
        head = read_head(data)
        if head.comments and head.start == len(data):
            raise NoRowsError(f"{source.name}: there are no rows: every line begins with a comment mark (#)")
        data = with_double_quotes(data[head.start :])
        _refuse_pairs(source, data)
        dialect = find_dialect(data, head.delimiter)
        data, dialect = _without_titles(data, dialect, notes)
        if not dialect.rows:
            raise NoRowsError(f"{source.name}: there are no rows")
        _check_size(source, data, dialect)
        marks = told_marks(source, dialect.rows)
        headings = find_headings(dialect.rows, head.comments, dialect.delimiter, marks)
        in_first_line = headings is not None and headings.in_first_line
        body = dialect.rows[in_first_line:]
        if not body:
            raise NoRowsError(f"{source.name}: there are no rows")
        width = _width(body, len(dialect.rows[0]))
        cells = cut(source, rest_of(data, dialect) if in_first_line else data, dialect, width)
        if headings is not None:
            names = fitted_names(headings.names, width, _ends_blank(body, width), source.name)
        else:
            names = default_names([c.slice(0, _SAMPLE_ROWS).to_pylist() for c in cells.columns], marks)
            notes.append(f"No header line: the columns were named {', '.join(_few(names))}.")
        return grid_content(source, names, cells, marks, notes, headings is not None)


def _refuse_pairs(source: Source, data: bytes) -> None:
    """Refuse libsvm's lines of index:value, which leave out zeros."""
    if _PAIRS.match(data, 0, _HEAD):
        raise DataError(
            f"{source.name}: lines of index:value pairs, as libsvm writes them; save a table: "
            "x, y = sklearn.datasets.load_svmlight_file(path), np.savez(path, x=x.toarray(), y=y)"
        )


def _without_titles(data: bytes, dialect: Dialect, notes: list[str]) -> tuple[bytes, Dialect]:
    """Without lines of prose above a table of several columns."""
    widths = [len(row) for row in dialect.rows]
    titles = next((i for i, width in enumerate(widths) if width > 1), 0)
    if not titles or _width(dialect.rows[titles:], widths[titles]) < 3:
        return data, dialect
    for row in dialect.rows[:titles]:
        notes.append(f"The line {row[0].strip()[:40]!r} above the table was skipped.")
        data = rest_of(data.lstrip(b"\n"), dialect)
    return data.lstrip(b"\n"), dialect._replace(rows=dialect.rows[titles:])


def _check_size(source: Source, data: bytes, dialect: Dialect) -> None:
    """Refuse too many columns or cells: a cell of one character becomes a number of eight bytes."""
    columns = len(dialect.rows[0])
    if columns > _MAX_COLUMNS:
        raise DataError(
            f"{source.name}: {columns:,} columns, the limit is {_MAX_COLUMNS:,}; save it as parquet"
        )
    if 8 * len(data) > source.max_bytes:
        cells = data.count(dialect.delimiter.encode()) + data.count(b"\n") + 1
        source.check(8 * cells, f"{cells:,} cells")


def _width(rows: list[list[str]], first: int) -> int:
    """How many cells most rows have; as many as the first line where that is as good."""
    widths = [len(row) for row in rows]
    return max(set(widths), key=lambda width: (widths.count(width), width == first))


def _ends_blank(rows: list[list[str]], width: int) -> bool:
    return all(not row[-1].strip() for row in rows if len(row) == width)


def _few(names: list[str]) -> list[str]:
    return names if len(names) <= 4 else [*names[:3], "...", names[-1]]
