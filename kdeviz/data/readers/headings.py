"""Whether the first line of a text table names its columns, and what columns without names are called."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from kdeviz.data.readers import roles
from kdeviz.data.readers.cells import Marks, is_blank
from kdeviz.data.readers.vectors import looks_like_vectors
from kdeviz.errors import DataError


class Headings(NamedTuple):
    """The names of the columns, and whether the first line held them."""

    names: list[str]
    in_first_line: bool


def find_headings(
    rows: list[list[str]], comments: list[str], delimiter: str, marks: Marks
) -> Headings | None:
    """Names from the first line, or from the last comment before it; None when there are none.

    Args:
        rows: cells of the first lines.
        comments: the comment lines before them, without their marks.
        delimiter: what stands between cells, to split the comment by.
        marks: how numbers are written.
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

    Args:
        columns: cells of the first rows, by column.
        marks: how numbers are written.
    """
    numeric = [_is_numeric(column, marks) for column in columns]
    fractions = [_has_fractions(column) for column in columns]
    names, count = [], 0
    for i, column in enumerate(columns):
        others = fractions[:i] + fractions[i + 1 :]
        of_fractions = len(others) > 1 and all(
            fractions[j] for j in range(len(columns)) if numeric[j] and j not in (0, len(columns) - 1)
        )
        name = _name_by_content(i, column, columns, numeric[i], of_fractions and not fractions[i])
        if name and name in names:
            name = f"{name} {i}"
        if name == "f":
            name, count = f"f{count}", count + 1
        names.append(name)
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


def _name_by_content(
    place: int,
    column: Sequence[str],
    columns: Sequence[Sequence[str]],
    numeric: bool,
    is_whole_beside_fractions: bool,
) -> str:
    cells = [cell.strip() for cell in column]
    if not any(cells):
        return ""
    if not numeric and _is_vector(next((cell for cell in cells if cell), "")):
        return "embedding"
    distinct = len(set(cells)) == len(cells)
    if numeric and not is_whole_beside_fractions:
        return "f"
    last = place == len(columns) - 1
    if numeric:
        if place == 0 and distinct and len(cells) > 2:
            return "id"
        return "label" if last and len(cells) > 2 and set(cells) <= {"0", "1", "-1"} else "f"
    if distinct and (place == 0 or len(cells) > 2):
        return "id"
    return "label" if last or len(set(cells)) <= max(2, len(cells) // 4) else "text"


def _counts(numbers: list[str], marks: Marks) -> bool:
    """Whether numbers rise in equal steps: 0, 1, 2 ... or wavelengths."""
    try:
        values = [float(number.replace(",", ".") if marks.decimal == "," else number) for number in numbers]
    except ValueError:
        return False
    if len(values) == 2:
        return values in ([0, 1], [1, 2])
    steps = [b - a for a, b in pairwise(values)]
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
