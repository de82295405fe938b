"""Vectors written as text: "[0.1, 0.2]", "0.1 0.2", "array([0.1, 0.2])", base64, and the like."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kdeviz.data.readers.arrow_lists import listed
from kdeviz.data.readers.cells import Marks
from kdeviz.data.readers.source import Source
from kdeviz.data.readers.values import cast_or_none
from kdeviz.errors import DataError

_ELLIPSIS = re.compile(r"\.\.\.|…")
_AROUND = (
    r"(?:np\.|numpy\.|torch\.)?(?:array|tensor|ndarray|DenseVector|Vectors?\.dense|Vector)\b|[\[\](){}\"']"
)
_INSTEAD = (
    (r"(?:np\.|numpy\.)?(?:float|int|bfloat)\d*\(([^()]*)\)", r"\1"),
    (r",\s*(?:dtype|device|requires_grad|grad_fn|shape)\s*=\s*[\w.:'<>]+", ""),
    (_AROUND, " "),
    (r"\b(?:None|null|NULL|nan|NaN)\b", "nan"),
)
"""What stands around numbers as Python, numpy, torch, Spark or a database prints them; for RE2 and re."""
_OUTSIDE = " \t\n\r,;|"
_SEPARATED = re.compile(r"[\s,;|]")
_SPARSE = re.compile(r"\s*(?:SparseVector)?\(\s*(\d+)\s*,\s*\[([^\]]*)\]\s*,\s*\[([^\]]*)\]\s*\)\s*")
_FEWEST = 3  # numbers, for a column whose name does not say that it holds vectors
_FEWEST_BARE = 8  # whole numbers, the same without brackets around them: texts can hold some
_SAMPLE, _LOOKED_AT = 20, 100
_MOSTLY = 0.8


def looks_like_vectors(values: list[str], named: bool) -> bool:
    """Whether the first texts of a column that are not blank are vectors.

    Fewer numbers are enough where the column is `named` so.
    """
    sample = values[:_SAMPLE]
    if not sample:
        return False
    if named and all(_of_base64(value) is not None for value in sample):
        return True
    lengths = [length for value in sample if (length := _length(value, named))]
    if named:  # the others are errors, which are named when the column is read
        return 2 * len(lengths) > len(sample)
    return len(lengths) >= _MOSTLY * len(sample) and len(set(lengths)) == 1


def vectors(column: pa.Array, name: str, start: int, source: Source) -> pa.Array:
    """Texts as lists of numbers, null where a text is blank.

    Raises:
        DataError: a text is no vector, or was abbreviated; it is named by its row, counted from `start`.
    """
    cells = pc.utf8_trim_whitespace(column)
    blank = pc.is_in(pc.utf8_lower(cells), pa.array(["", "nan", "none", "null"]))
    cells = pc.if_else(blank, pa.scalar(None, cells.type), cells)
    texts = [text for text in cells.slice(0, _LOOKED_AT).to_pylist() if text is not None]
    first = next((text for text in texts if _length(text, named=True)), texts[0] if texts else "")
    if _of_base64(first) is not None:
        return pa.array(_decoded(cells, name, start, source), pa.list_(pa.float32()))
    if _SPARSE.fullmatch(first):
        return pa.array(_filled(cells, name, start, source), pa.list_(pa.float64()))
    if (row := pc.index(pc.match_substring_regex(cells, _ELLIPSIS.pattern), True).as_py()) >= 0:
        raise DataError(
            f"{source.name}: {name} in row {start + row} was abbreviated when it was saved, its numbers are "
            "lost behind '...'; save the whole vectors, as one column per dimension or as lists in parquet"
        )
    bare = _bare(cells)
    separator = _separator(_bare_text(first))
    parts = pc.split_pattern_regex(bare, r"\s+") if separator == " " else pc.split_pattern(bare, separator)
    numbers = pc.utf8_trim_whitespace(parts.flatten())
    if _has_comma_decimals(first, separator):
        numbers = pc.replace_substring(numbers, ",", ".")
    if (numbers := cast_or_none(numbers, pa.float64())) is None:
        row, text = _first_bad(column)
        raise DataError(f"{source.name}: {name} in row {start + row} {_is_no('vector of numbers', text)}")
    return listed(numbers, pc.list_value_length(parts))


def _bare(cells: pa.Array) -> pa.Array:
    """Numbers and separators only."""
    for pattern, instead in _INSTEAD:
        cells = pc.replace_substring_regex(cells, pattern, instead)
    return pc.utf8_trim(cells, _OUTSIDE)


def _bare_text(text: str) -> str:
    """The same of one text."""
    for pattern, instead in _INSTEAD:
        text = re.sub(pattern, instead, text)
    return text.strip(_OUTSIDE)


def _separator(bare: str) -> str:
    """What stands between the numbers of a vector."""
    for separator in (";", "|"):
        if separator in bare:
            return separator
    if "," in bare and not _has_comma_decimals(bare, " "):
        return ","
    return " "


def _has_comma_decimals(text: str, separator: str) -> bool:
    """Whether commas are decimal marks: digits on both sides, and something else between the numbers."""
    if "," not in text or separator == ",":
        return False
    return not re.search(r",\s", text) and bool(re.search(r"\d,\d+[\s;|]", text)) and "." not in text


def _length(text: str, named: bool) -> int:
    """How many numbers a text holds; 0 when it is no vector, or too short to be sure."""
    text = text.strip()
    if not _SEPARATED.search(text):
        return 0
    if _ELLIPSIS.search(text):
        return 1 if named and text[:1] in "[(" else 0
    bracketed = text[:1] in "[({" or re.match(_AROUND, text) is not None
    bare = _bare_text(text)
    separator = _separator(bare)
    parts = bare.split() if separator == " " else bare.split(separator)
    marks = Marks("," if _has_comma_decimals(bare, separator) else ".")
    if not all(marks.is_number(part.strip()) or part.strip() == "nan" for part in parts):
        return 0
    clear = bracketed or all("." in part or "," in part for part in parts)
    fewest = 2 if named else _FEWEST if clear else _FEWEST_BARE
    return len(parts) if len(parts) >= fewest else 0


def _first_bad(column: pa.Array) -> tuple[int, str]:
    """The first text that is no vector like the others."""
    for row, text in enumerate(column.to_pylist()):
        if text and text.strip() and not _length(text, named=True):
            return row, text
    return 0, column[0].as_py() or ""


def _is_no(what: str, text: str) -> str:
    return f"is no {what} ({text[:40]!r}); correct it, or choose another embedding_column"


def _filled(cells: pa.Array, name: str, start: int, source: Source) -> Iterator[NDArray[Any] | None]:
    """Spark's sparse vectors, (size,[indices],[values]), filled up with zeros."""
    texts = cells.to_pylist()
    matches = [None if text is None else _SPARSE.fullmatch(text) for text in texts]
    source.check(8 * sum(int(match[1]) for match in matches if match), name)
    for row, (text, match) in enumerate(zip(texts, matches, strict=True), start):
        vector = None if match is None else _dense(*match.groups())
        if vector is None and text is not None:
            what = _is_no("sparse vector (size,[indices],[values])", text)
            raise DataError(f"{source.name}: {name} in row {row} {what}")
        yield vector


def _dense(size: str, indices: str, values: str) -> NDArray[Any] | None:
    """One of them; None where it contradicts itself."""
    places, numbers = ([part for part in some.split(",") if part.strip()] for some in (indices, values))
    if len(places) != len(numbers):
        return None
    try:
        dense = np.zeros(int(size))
        dense[[int(place) for place in places]] = [float(number) for number in numbers]
    except (ValueError, IndexError):
        return None
    return dense


def _of_base64(text: str) -> NDArray[np.float32] | None:
    """The float32 numbers in base64, as OpenAI's `encoding_format="base64"` gives them."""
    if len(text) < 16 or len(text) % 4 or not re.fullmatch(r"[A-Za-z0-9+/]+={0,2}", text):
        return None
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    if len(raw) % 4:
        return None
    numbers = np.frombuffer(raw, "<f4")
    with np.errstate(all="ignore"):
        sizes = np.abs(numbers)
        return numbers if ((sizes == 0) | ((sizes > 1e-12) & (sizes < 1e6))).all() else None


def _decoded(cells: pa.Array, name: str, start: int, source: Source) -> Iterator[NDArray[Any] | None]:
    for row, text in enumerate(cells.to_pylist(), start):
        numbers = None if text is None else _of_base64(text)
        if numbers is None and text is not None:
            what = _is_no("vector of float32 numbers in base64", text)
            raise DataError(f"{source.name}: {name} in row {row} {what}")
        yield numbers
