"""A column of the samples, as it is searched, filtered and sorted by: numbers, a few values, or texts."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_MOST_VALUES = 50
"""As many different texts can be chosen among."""
_MOST_NUMBERS = 12
_LOOKED_AT = 2000

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Numbers:
    """A number for each of M samples.

    Attributes:
        values: (M,), NaN where a sample has none.
    """

    values: Floats

    def found(self, text: str) -> Mask:
        """(M,) True where the number is the one that the text says."""
        wanted = number_in(text)
        return np.zeros(len(self.values), bool) if wanted is None else self.values == wanted

    def between(self, low: float, high: float) -> Mask:
        """(M,) True from low to high, both included."""
        return (self.values >= low) & (self.values <= high)

    @property
    def keys(self) -> Floats:
        """(M,) to sort by, NaN where there is no value."""
        return self.values

    def ends(self, kept: Mask) -> tuple[float, float]:
        """The least and the greatest finite number of these of (M,); (0, 0) without any."""
        finite = self.values[kept & np.isfinite(self.values)]
        return (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Values:
    """One of a few values for each of M samples.

    Attributes:
        codes: (M,) places in `names`; -1 where a sample has no value.
        names: in the order to sort by.
        numeric: whether they are numbers, so that a search for 3 does not find 13.
    """

    codes: NDArray[np.int64]
    names: tuple[str, ...]
    numeric: bool = False

    def found(self, text: str) -> Mask:
        """(M,) True where the value holds the text, in upper or lower case, or is the number it says."""
        if self.numeric:
            wanted = number_in(text)
            held = [wanted is not None and float(name) == wanted for name in self.names]
        else:
            held = Texts.of(self.names).found(text).tolist()
        return np.array([*held, False], bool)[self.codes]

    def one_of(self, names: tuple[str, ...]) -> Mask:
        """(M,) True where the value is one of these; "" stands for no value."""
        return np.array([*(name in names for name in self.names), "" in names], bool)[self.codes]

    @property
    def keys(self) -> Floats:
        """(M,) to sort by, NaN where there is no value."""
        return np.where(self.codes < 0, np.nan, self.codes)

    def counts(self, kept: Mask) -> NDArray[np.int64]:
        """How many of these of (M,) have each of the names, and last how many have none."""
        return np.bincount(self.codes[kept] % (len(self.names) + 1), minlength=len(self.names) + 1)


@dataclass(frozen=True, eq=False)
class Texts:
    """A text for each of M samples.

    Attributes:
        cells: (M,) strings, null where a sample has none.
    """

    cells: pa.Array

    @classmethod
    def of(cls, texts: Sequence[str | None] | NDArray[np.str_]) -> Texts:
        """From strings; what cannot be written as UTF-8 becomes question marks."""
        import pyarrow as pa  # `import kdeviz` does without it

        try:
            return cls(pa.array(texts, pa.large_string()))
        except UnicodeEncodeError:
            whole = [None if text is None else str(text).encode(errors="replace").decode() for text in texts]
            return cls(pa.array(whole, pa.large_string()))

    def found(self, text: str) -> Mask:
        """(M,) True where the text stands as it is written, in upper or lower case."""
        import pyarrow.compute as pc

        found = np.zeros(len(self.cells), bool)
        for form in _forms(text):
            held = pc.match_substring(self.cells, form, ignore_case=True)
            found |= pc.fill_null(held, False).to_numpy(False)
        return found

    @cached_property
    def keys(self) -> Floats:
        """(M,) to sort by, NaN where there is no text: as numbers where all are, else alphabetical."""
        import pyarrow as pa
        import pyarrow.compute as pc

        try:
            keys = pc.cast(self.cells, pa.float64())
        except pa.ArrowInvalid:
            ranks = pc.rank(pc.utf8_lower(self.cells), tiebreaker="dense")
            keys = pc.if_else(pc.is_valid(self.cells), ranks, None)
        return np.asarray(keys.to_numpy(False), np.float64)


@dataclass(frozen=True, eq=False)
class Notes:
    """Texts of a few of M samples, as people write them beside their marks.

    Attributes:
        texts: by sample.
        samples: M.
    """

    texts: Mapping[int, str]
    samples: int

    def found(self, text: str) -> Mask:
        """(M,) True where the text stands as it is written, in upper or lower case."""
        mask = np.zeros(self.samples, bool)
        if self.texts:
            mask[list(self.texts)] = Texts.of(list(self.texts.values())).found(text)
        return mask

    @property
    def keys(self) -> Floats:
        """(M,) to sort by, NaN where there is no note."""
        keys = np.full(self.samples, np.nan)
        if self.texts:
            keys[list(self.texts)] = Texts.of(list(self.texts.values())).keys
        return keys


Column = Numbers | Values | Texts | Notes


def number_in(text: str) -> float | None:
    """The finite number that a text says and nothing else, if it does."""
    try:
        value = float(text) if "_" not in text else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _forms(text: str) -> set[str]:
    """Letters with marks are written as one sign or as two, by the habit of a file system."""
    clean = text.encode(errors="replace").decode()
    return {unicodedata.normalize(form, clean) for form in ("NFC", "NFD")}


def column_of(cells: pd.Series[Any]) -> Column:
    """The column of these cells, whatever pandas holds them in."""
    from pandas.api.types import is_bool_dtype, is_complex_dtype, is_numeric_dtype

    if is_numeric_dtype(cells.dtype) and not (is_bool_dtype(cells.dtype) or is_complex_dtype(cells.dtype)):
        return _of_numbers(cells.to_numpy(np.float64, na_value=np.nan))
    return _of_texts(_texts(cells))


def _of_numbers(values: Floats) -> Column:
    """Numbers of which there are few are chosen by name."""
    few = _distinct(_some(values))
    if len(few) <= _MOST_NUMBERS:
        few = _distinct(values)
    if not 0 < len(few) <= min(_MOST_NUMBERS, len(values) // 2):
        return Numbers(values)
    codes = np.searchsorted(few, np.nan_to_num(values, nan=few[0]))
    names = tuple(str(int(value)) if value.is_integer() else repr(value) for value in few.tolist())
    return Values(np.where(np.isnan(values), -1, codes), names, numeric=True)


def _distinct(values: Floats) -> Floats:
    """Those that are there, ascending; all of them NaN if one is infinite, which nobody chooses by name."""
    found = np.unique(values)
    found = found[~np.isnan(found)]
    return found if np.isfinite(found).all() else values


def _of_texts(texts: Texts) -> Column:
    cells = texts.cells
    if len(_some(cells).unique()) > _MOST_VALUES + 1:  # one more for none
        return texts
    encoded = cells.dictionary_encode()
    if not 0 < len(encoded.dictionary) <= min(_MOST_VALUES, len(cells) // 2):
        return texts
    names = [str(name) for name in encoded.dictionary.to_pylist()]
    codes = np.asarray(encoded.indices.fill_null(-1).to_numpy(False), np.int64)
    order = np.argsort(Texts.of(names).keys, kind="stable")
    places = np.empty(len(names) + 1, np.int64)
    places[order], places[-1] = np.arange(len(names)), -1
    return Values(places[codes], tuple(names[i] for i in order))


def _some(cells: Any) -> Any:
    """Every so many-th of an array, of either kind."""
    step = max(1, len(cells) // _LOOKED_AT)
    return cells[::step] if isinstance(cells, np.ndarray) else cells.take(np.arange(0, len(cells), step))


def _texts(cells: pd.Series[Any]) -> Texts:
    import pandas as pd
    import pyarrow as pa

    if isinstance(cells.dtype, pd.StringDtype):
        found: Any = pa.array(cells)
        whole: pa.Array = found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
        return Texts(whole.cast(pa.large_string()))
    if isinstance(cells.dtype, pd.CategoricalDtype):
        names, codes = Texts.of([str(name) for name in cells.cat.categories]), cells.cat.codes.to_numpy()
        return Texts(names.cells.take(pa.array(codes, mask=codes < 0)))
    missing: NDArray[np.bool_] = cells.isna().to_numpy(bool)
    return Texts.of([None if none else str(cell) for cell, none in zip(cells, missing, strict=True)])
