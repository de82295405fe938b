"""Whether the first line of a text table names its columns, and what columns without names are called."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from kdeviz.data.readers import roles
from kdeviz.data.readers.cells import Marks, is_blank
from kdeviz.data.readers.vectors import looks_like_vectors
from kdeviz.errors import DataError

_EDGE = 1000
"""Columns at either end of a table that decide whether its first line is a header."""
_WHOLE = re.compile(r"-?\d{1,3}", re.ASCII)
_ROWS_OF_CLASS = 4  # so many rows for each whole number at least, where all other numbers have fractions
_CODES = frozenset({"0", "1", "-1"})


class Headings(NamedTuple):
    """The names of the columns, and whether the first line held them."""

    names: list[str]
    in_first_line: bool


def find_headings(
    rows: list[list[str]], comments: list[str], delimiter: str, marks: Marks
) -> Headings | None:
    """Names from the first line, or from the last comment before it; None when there are none.

    `rows` are cells of the first lines; `comments` come without their marks, and `delimiter` splits them.
    """
    first, body = rows[0], rows[1:]
    if is_header(first, body, marks):
        return Headings([name.strip() for name in first], True)
    if comments:
        parts = comments[-1].split() if delimiter == " " else comments[-1].split(delimiter)
        names = [part.strip().strip('"') for part in parts]
        if len(names) == len(first) > 1 and is_header(names, rows, marks):
            return Headings(names, False)
    return None


def is_header(first: Sequence[str], body: list[list[str]], marks: Marks) -> bool:
    """Whether a first line names the columns: words over numbers, or numbers that count the columns."""
    cells = [cell.strip() for cell in first]
    numbers = [cell for cell in cells if marks.is_number(cell)]
    if len(numbers) > 1 and len(numbers) >= len(cells) - 3 and _counts(numbers, marks):
        return True
    if len(cells) > 2 * _EDGE:  # the columns of a wide table are alike
        body = [row[:_EDGE] + row[-_EDGE:] for row in body if len(row) >= len(cells)] or body
        cells = cells[:_EDGE] + cells[-_EDGE:]
    if not body:
        return not numbers and not any(looks_like_vectors([cell], named=False) for cell in cells)
    over_numbers = [
        cell
        for cell, column in zip(cells, zip(*_even(body), strict=True), strict=False)
        if _is_numeric(column, marks)
    ]
    if over_numbers:
        valued = sum(
            marks.is_number(cell) or _is_vector(cell) or (is_blank(cell) and cell != "")
            for cell in over_numbers
        )
        return 2 * valued < len(over_numbers)
    return _names_text(cells, body)


def default_names(columns: Sequence[Sequence[str]], marks: Marks) -> list[str]:
    """f0, f1, ... for numbers; id, label and text for what stands beside them; "" for nothing at all.

    `columns` are cells of the first rows, by column.
    """
    numeric = [_is_numeric(column, marks) for column in columns]
    fractions = [_has_fractions(column) for column in columns]
    inner = [fractions[i] for i in range(1, len(columns) - 1) if numeric[i]]
    alone = sum(numeric) == 1  # codes of one column are no embedding
    features = itertools.count()
    names: list[str] = []
    others: set[str] = set()
    for i, column in enumerate(columns):
        whole = bool(inner) and all(inner) and not fractions[i]
        name = _beside(column, i == 0, i == len(columns) - 1, numeric[i], whole)
        if name is None and alone and i == len(columns) - 1 and len(column) > 2 and _are_codes(column):
            name = "label"
        if name is None:
            names.append(f"f{next(features)}")
            continue
        names.append(f"{name} {i}" if name in others else name)
        others |= {name} if name else set()
    return names


def fitted_names(names: list[str], width: int, last_is_blank: bool, where: str) -> list[str]:
    """As many names as rows have cells, where one side ends in a delimiter or R left out the row names.

    Raises:
        DataError: the numbers differ otherwise.
    """
    while len(names) > width and not names[-1]:
        names = names[:-1]
    if len(names) == width - 1:
        return [*names, ""] if last_is_blank else ["", *names]
    if len(names) != width:
        raise DataError(
            f"{where}: the header line names {len(names)} columns and the rows have {width} cells; give "
            "every column one name, and put quotes around cells that hold the delimiter"
        )
    return names


def _beside(column: Sequence[str], first: bool, last: bool, numeric: bool, whole: bool) -> str | None:
    """What a column beside the features is called by its cells; None for a feature.

    `whole` says that its numbers are whole ones and that all features have fractions.
    """
    cells = [cell.strip() for cell in column]
    kinds = set(cells)
    if kinds == {""}:
        return ""
    if _is_vector(next(cell for cell in cells if cell)):
        return "embedding"
    several = len(cells) > 2
    differ = len(kinds) == len(cells)
    if numeric:
        is_id = first and several and ((whole and differ) or (not last and _counts_rows(cells)))
        is_label = whole and several and ((last and kinds <= _CODES) or _are_classes(kinds, len(cells)))
        return "id" if is_id else "label" if is_label else None
    if differ and (first or several):
        return "id"
    return "label" if last or len(kinds) <= max(2, len(cells) // 4) else "text"


def _are_codes(column: Sequence[str]) -> bool:
    return {cell.strip() for cell in column} <= _CODES


def _are_classes(kinds: set[str], rows: int) -> bool:
    return 1 < len(kinds) <= rows // _ROWS_OF_CLASS and all(map(_WHOLE.fullmatch, kinds))


def _counts_rows(cells: Sequence[str]) -> bool:
    return cells[0] in ("0", "1") and list(cells) == [str(int(cells[0]) + i) for i in range(len(cells))]


def _counts(numbers: list[str], marks: Marks) -> bool:
    """Whether numbers rise in equal steps: 0, 1, 2 ... or wavelengths."""
    try:
        values = [float(number.replace(",", ".") if marks.decimal == "," else number) for number in numbers]
    except ValueError:
        return False
    if len(values) == 2:
        return values in ([0, 1], [1, 2])
    steps = [b - a for a, b in itertools.pairwise(values)]
    return steps[0] > 0 and all(math.isclose(step, steps[0], rel_tol=1e-6) for step in steps)


def _names_text(cells: list[str], body: list[list[str]]) -> bool:
    """Whether words over words are names: they are, unless they occur again below."""
    if any(roles.is_role(cell) for cell in cells if cell):
        return True
    columns = zip(*_even(body), strict=True)
    return not any(
        cell and cell in map(str.strip, column) for cell, column in zip(cells, columns, strict=False)
    )


def _even(rows: list[list[str]]) -> list[list[str]]:
    """Rows with as many cells as the longest one."""
    width = max(map(len, rows))
    return [row + [""] * (width - len(row)) for row in rows]


def _is_numeric(column: Sequence[str], marks: Marks) -> bool:
    """Whether most cells that are not blank are numbers, or vectors of them."""
    cells = [cell.strip() for cell in column if not is_blank(cell.strip())]
    return bool(cells) and 2 * sum(marks.is_number(cell) or _is_vector(cell) for cell in cells) > len(cells)


def _is_vector(cell: str) -> bool:
    return looks_like_vectors([cell], named=False)


def _has_fractions(column: Sequence[str]) -> bool:
    return any("." in cell or "," in cell for cell in column)
