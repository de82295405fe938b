"""Cells of text tables as numbers: decimal marks, thousands, blanks, and what is no number."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from kdeviz.data.readers.roles import words
from kdeviz.data.readers.values import cast_or_none

BLANKS = ("", "#n/a n/a", *words("na n/a <na> #n/a #na null none nan -nan 1.#ind -1.#ind"))
"""What tools write for a missing number, in lower case; pandas' list and Python's None."""
PLACEHOLDERS = frozenset(words("? - -- . * missing unknown #value! #div/0! #ref! nd n.a."))
"""What people write for one; not understood, but no reason to take a column for text."""

_SPACES = " \u00a0\u202f\u2009'’"
_EXPONENT = r"(?:[eEdD][+-]?\d+)?"
_POINT = re.compile(rf"[+-]?(?:\d+\.?\d*|\.\d+){_EXPONENT}|[+-]?inf(?:inity)?", re.ASCII | re.IGNORECASE)
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_COMMA = re.compile(rf"[+-]?(?:\d+,\d*|,\d+){_EXPONENT}", re.ASCII)
_ONE_GROUP = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", re.ASCII)
_GROUPS = re.compile(rf"[+-]?\d{{1,3}}(?:([.,{_SPACES}])\d{{3}})(?:\1\d{{3}})*(?:([.,])\d+)?", re.ASCII)


class Marks(NamedTuple):
    """How numbers are written: the decimal mark, and what separates thousands ("" for nothing)."""

    decimal: str = "."
    thousands: str = ""

    def is_number(self, cell: str) -> bool:
        """Whether a trimmed cell is a number in this writing."""
        cell = cell.replace("\u2212", "-")
        if self.decimal == "." and _POINT.fullmatch(cell):
            return True
        if self.decimal == "," and (_WHOLE.fullmatch(cell) or _COMMA.fullmatch(cell)):
            return True
        groups = _GROUPS.fullmatch(cell) if self.thousands else None
        return groups is not None and groups[1] == self.thousands and groups[2] in (None, self.decimal)


PLAIN = Marks()
"""As programs write numbers."""


class Evidence(NamedTuple):
    """What cells say about how numbers are written: a cell for every reading, and one that allows two."""

    point: str = ""
    comma: str = ""
    thousands: str = ""
    doubtful: str = ""

    @classmethod
    def of(cls, cells: Iterable[str]) -> Evidence:
        """The first cell of each kind, "" where there is none."""
        point = comma = thousands = doubtful = ""
        for cell in cells:
            groups = _GROUPS.fullmatch(cell)
            if _ONE_GROUP.fullmatch(cell):
                doubtful = doubtful or (cell if "," in cell else "")
            elif (
                groups
                and (groups[2] or cell.count(groups[1]) > 1 or groups[1] in _SPACES)
                and groups[1] != groups[2]
            ):
                thousands = thousands or groups[1]
                decimal = groups[2] or {",": ".", ".": ","}.get(groups[1], "")
                point, comma = point or cell * (decimal == "."), comma or cell * (decimal == ",")
            elif "." in cell and _POINT.fullmatch(cell):
                point = point or cell
            elif "," in cell and _COMMA.fullmatch(cell):
                comma = comma or cell
        return cls(point, comma, thousands, doubtful)


def is_blank(cell: str) -> bool:
    """Whether a trimmed cell says that a number is missing."""
    return cell.lower() in BLANKS


class NumberColumn:
    """A column of text, as it stands in the file, that is to become numbers."""

    def __init__(self, cells: pa.Array, marks: Marks) -> None:
        self._cells, self._marks = cells, marks

    def cast(self, kind: pa.DataType) -> pa.Array | None:
        """The numbers, null where they are missing; None when a cell is no number."""
        if self._marks == PLAIN and (numbers := cast_or_none(self._cells, kind)) is not None:
            return numbers
        return cast_or_none(self._plain, kind)

    def first_bad(self) -> tuple[int, str] | None:
        """Row and content of the first cell that is no number and not blank."""
        pairs = zip(self._cells.to_pylist(), self._plain.to_pylist(), strict=True)
        for row, (cell, plain) in enumerate(pairs):
            if plain is not None and not _POINT.fullmatch(plain) and plain.lower() != "nan":
                return row, cell
        return None

    def is_whole(self) -> bool:
        """Whether every number is written without a decimal mark or an exponent."""
        found = pc.match_substring_regex(self._plain, r"[^\d+-]")
        return not pc.any(found).as_py()

    def is_padded(self) -> bool:
        """Whether a whole number begins with a zero that numbers would lose, as in 007."""
        return bool(pc.any(pc.match_substring_regex(self._plain, r"^[+-]?0\d+$")).as_py())

    @cached_property
    def _plain(self) -> pa.Array:
        """Every cell as Arrow reads numbers, null for a blank; what is no number stays no number."""
        cells = pc.utf8_trim(self._cells, ' \t"\u00a0')
        cells = pc.replace_substring(cells, "\u2212", "-")
        decimal, thousands = self._marks
        if thousands:
            other = re.escape(decimal)
            grouped = rf"^[+-]?\d{{1,3}}({re.escape(thousands)}\d{{3}})+({other}\d+)?$"
            without = pc.replace_substring(cells, thousands, "")
            cells = pc.if_else(pc.match_substring_regex(cells, grouped), without, cells)
        if decimal == ",":
            cells = pc.replace_substring(pc.replace_substring(cells, ".", "!"), ",", ".")
        cells = pc.replace_substring_regex(cells, r"^\+", "")
        fortran = pc.match_substring_regex(cells, r"^-?[\d.]+[dD][+-]?\d+$")
        if pc.any(fortran).as_py():
            cells = pc.if_else(fortran, pc.replace_substring_regex(cells, "[dD]", "e"), cells)
        blank = pc.is_in(pc.utf8_lower(cells), pa.array(BLANKS))
        return pc.if_else(blank, pa.scalar(None, cells.type), cells)


def truths(cells: pa.Array) -> pa.Array | None:
    """Cells as truth values, null for a blank; None when one of them is something else."""
    words = pc.utf8_lower(pc.utf8_trim_whitespace(cells))
    blank = pc.is_in(words, pa.array(BLANKS))
    known = pc.or_(pc.is_in(words, pa.array(["true", "false"])), blank)
    if not pc.all(known).as_py():
        return None
    return pc.cast(pc.if_else(blank, pa.scalar(None, words.type), words), pa.bool_())
