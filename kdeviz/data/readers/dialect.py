"""How a text table is written, told from its first lines: delimiter, quotes, marks of numbers."""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

from kdeviz.data.readers.cells import Evidence, Marks, is_blank
from kdeviz.data.readers.vectors import looks_like_vectors

DELIMITERS = ("\t", ";", "|", ",", " ")
"""In order of preference; a space stands for runs of spaces and tabs."""
_SAMPLE_BYTES = 1 << 20
_SAMPLE_LINES = 200
_SAMPLE_CELLS = 200_000
_EDGE = 1000  # columns at either end of a wide table that are looked at
_COMMENT = re.compile(r"[#%]|//")
_SEP = re.compile(r'"?sep=(.?)"?', re.IGNORECASE)
_SINGLE = re.compile(rb"(^|[,;\t|] ?)'([^'\n]*)'(?= ?(?:[,;\t|]|$))", re.MULTILINE)
_BRACKETED = re.compile(rb"(^|[,;\t|] ?)(\[[^\[\]\n]*[,; ][^\[\]\n]*\])(?= ?(?:[,;\t|]|$))", re.MULTILINE)
_IN_BRACKETS = re.compile(rb"\s*\[[^\[\]]*\]\s*")
_OUTER_BRACKETS = re.compile(rb"^[ \t]*\[[ \t]*|[ \t]*\][ \t]*$", re.MULTILINE)
_FEW_LINES = 20
_NUMBERS = re.compile(r"[+-]?[\d.,]+(?:[eE][+-]?\d+)?")


class Head(NamedTuple):
    """What stands before the first line of cells.

    Attributes:
        start: where that line begins.
        comments: the comment lines before it, without their marks.
        delimiter: from a line sep=;
        counts: (rows, dimensions), from the first line of a word2vec file.
    """

    start: int
    comments: list[str]
    delimiter: str | None
    counts: tuple[int, int] | None


class Dialect(NamedTuple):
    """How the cells of a text are told apart.

    Attributes:
        delimiter: one of `DELIMITERS`.
        quoted: whether quotes can hold delimiters and line ends.
        escaped: whether a backslash protects a quote, as Spark writes it.
        spaced: whether spaces follow delimiters.
        rows: cells of the first lines.
    """

    delimiter: str
    quoted: bool
    escaped: bool
    spaced: bool
    rows: list[list[str]]


def read_head(data: bytes) -> Head:
    """Skip blank lines, comments and what Excel and word2vec write first."""
    start, comments, delimiter = 0, [], None
    while start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        line = data[start:end].decode(errors="replace").strip()
        if match := _SEP.fullmatch(line):
            delimiter = match[1] or "\t"
        elif _COMMENT.match(line):
            comments.append(line.lstrip("#%/ "))
        elif line and not line.strip(",;\t| "):
            pass  # a line of delimiters only, as Excel writes an empty row
        elif line:
            break
        start = end + 1
    counts = re.fullmatch(rb"(\d+) (\d+)\s*\n(?=(.+))[\s\S]*", data[start : start + (1 << 16)])
    if counts and len(counts[3].split()) == int(counts[2]) + 1:
        return Head(data.index(b"\n", start) + 1, comments, " ", (int(counts[1]), int(counts[2])))
    return Head(min(start, len(data)), comments, delimiter, None)


def with_double_quotes(data: bytes) -> bytes:
    """The text with double quotes where every line has cells in single ones, or in mere brackets."""
    if b'"' in data:
        return data
    lines = [line for line in data[:_SAMPLE_BYTES].split(b"\n")[:_FEW_LINES] if line.strip()]
    if lines and all(map(_IN_BRACKETS.fullmatch, lines)):
        return _OUTER_BRACKETS.sub(b"", data)
    for cell, some in ((_SINGLE, lines), (_BRACKETED, lines[1:] or lines)):
        if some and all(map(cell.search, some)):
            return cell.sub(rb'\1"\2"', data)
    return data


def find_dialect(data: bytes, delimiter: str | None) -> Dialect:
    """The delimiter and quoting under which the first lines have equally many cells, each of one kind.

    `data` begins with the first line of cells; `delimiter` is None where it is not known.
    """
    sample = _sample(data)
    options = [
        Dialect(mark, quoted, escaped, False, rows)
        for mark in ([delimiter] if delimiter else DELIMITERS)
        for quoted, escaped in _quotings(data, sample)
        if (rows := split_rows(sample, mark, quoted, escaped))
    ]
    if not options:
        return Dialect(delimiter or ",", False, False, False, [])
    best = max(options, key=_fit)  # the first of equals
    if max(map(len, best.rows)) < 2:
        best = next((o for o in options if o.delimiter == ","), best)
    later = [cell for row in best.rows for cell in row[1:] if best.delimiter != " "]
    spaced = 2 * sum(cell[:1] == " " for cell in later) > len(later)
    return best._replace(spaced=spaced)


def split_rows(text: str, delimiter: str, quoted: bool, escaped: bool = False) -> list[list[str]]:
    """The cells of a text, quotes removed; Python's csv module refuses cells above 128 KiB."""
    if not quoted:
        lines = (line for line in text.split("\n") if line.strip())
        return [line.split() if delimiter == " " else line.split(delimiter) for line in lines]
    if delimiter == " ":
        text = re.sub(r"(?m)^[ \t]+|[ \t]+$", "", text)
    inside = r'[^"\\]*(?:(?:\\.|"")[^"\\]*)*' if escaped else r'[^"]*(?:""[^"]*)*'
    mark = r"[ \t]+" if delimiter == " " else re.escape(delimiter)
    bare = r"[^ \t\n]*" if delimiter == " " else rf"[^{mark}\n]*"
    token = re.compile(rf'(?:[ ]*"({inside})"({bare})|({bare}))({mark}|\n|\Z)', re.DOTALL)
    rows: list[list[str]] = [[]]
    for match in token.finditer(text):
        whole, rest, plain, end = match.groups()
        cell = plain if whole is None else whole.replace('""', '"').replace('\\"', '"') + rest
        if end == "\n" and not rows[-1] and not cell.strip():
            continue
        rows[-1].append(cell)
        if end == "\n":
            rows.append([])
        elif not end:
            break
    return [row for row in rows if len(row) > 1 or any(cell.strip() for cell in row)]


def number_marks(rows: list[list[str]], decimal: str | None) -> tuple[Marks, str]:
    """How numbers are written, and a cell that can be read in two ways when nothing else decides."""
    rows = [row[:_EDGE] + row[-_EDGE:] if len(row) > 2 * _EDGE else row for row in rows]
    found = [Evidence.of(cell.strip() for cell in column) for column in zip(*rows, strict=False)]
    thousands = next((e.thousands for e in found if e.thousands), "")
    points, commas = (sum(bool(getattr(e, kind)) for e in found) for kind in ("point", "comma"))
    doubtful = next((e.doubtful for e in found if e.doubtful), "")
    mark = decimal or ("," if commas > points else ".")
    if mark == "." and doubtful and not thousands and (points or decimal):
        thousands = ","
    if (
        mark == ","
        and not thousands
        and any(re.fullmatch(r"[+-]?[1-9]\d{0,2}\.\d{3}", c.strip()) for r in rows for c in r)
    ):
        thousands = "."
    undecided = bool(doubtful) and decimal is None and not points and not commas
    return Marks(mark, "" if thousands == mark else thousands), doubtful if undecided else ""


def _sample(data: bytes) -> str:
    """The first lines, whole: at least three, not much more than a megabyte."""
    end = min(len(data), _SAMPLE_BYTES)
    for _ in range(3):
        if end < len(data):
            newline = data.find(b"\n", end)
            end = len(data) if newline < 0 else newline + 1
    lines = data[:end].decode(errors="replace").split("\n")
    if end < len(data) and len(lines) > 4:
        lines = lines[: len(lines) - 3 if end > 2 * _SAMPLE_BYTES else len(lines)]
    most = max(4, min(_SAMPLE_LINES, _SAMPLE_CELLS // (1 + max(map(lines[0].count, DELIMITERS)))))
    return "\n".join(_first_rows(lines, most))


def _first_rows(lines: list[str], most: int) -> list[str]:
    """The lines of so many rows, not cut inside of quotes: a printed vector can take a hundred lines."""
    rows = kept = 0
    is_open = False
    for number, line in enumerate(lines, 1):
        is_open ^= line.count('"') % 2 == 1
        if not is_open:
            rows, kept = rows + 1, number
        if rows == most:
            break
    return lines[:kept] if rows > 1 else lines[:most]


def _quotings(data: bytes, sample: str) -> list[tuple[bool, bool]]:
    if b'"' not in data:
        return [(False, False)]
    return [(True, False), (False, False)] + ([(True, True)] if '\\"' in sample else [])


def _fit(option: Dialect) -> float:
    """How well a delimiter splits: the share of rows of one width, times how plain the worst column is."""
    rows = option.rows
    body = rows[1:] or rows
    width, times = Counter(map(len, body)).most_common(1)[0]
    if width < 2:
        return 0.3
    columns = list(zip(*(row for row in body if len(row) == width), strict=True))
    plain = [sum(_plainness(cell, option) for cell in column) / len(column) for column in columns]
    if option.delimiter == " " and sum(share == 1 for share in plain) < len(plain) / 2:
        return 0.1  # words, not columns
    fits_header = abs(len(rows[0]) - width) < 2
    ignores_quotes = not option.quoted and any('"' in cell for row in rows for cell in row)
    share = times / len(body) * (1.0 if fits_header else 0.6) * (0.9 if ignores_quotes else 1.0)
    return share * min(plain) + 1e-3 * sum(plain) / len(plain)


def _plainness(cell: str, option: Dialect) -> float:
    """1 for a number, a blank or a word; less for what may be several cells."""
    cell = cell.strip()
    if _NUMBERS.fullmatch(cell) or is_blank(cell):
        return 1.0
    if cell.count('"') % 2:
        return 0.2
    if option.delimiter == " ":
        return 0.9 if not re.search(r"[,;|]", cell) else 0.5
    if cell[-1:] in ("]", ")", "}") and looks_like_vectors([cell], named=True):
        return 0.98
    parts = re.split(r"[ ;|\t,]+", cell)
    if len(parts) > 1 and all(_NUMBERS.fullmatch(part) for part in parts):
        return 0.9
    others = [mark for mark in "\t;|," if mark != option.delimiter and mark in cell]
    return 0.5 if others and not (option.quoted and " " in cell) else 0.99
