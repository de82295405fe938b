"""What the columns of a table hold: few enough values to choose among, numbers, or texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kdeviz.decision.finding.columns import Column, Floats, Numbers, Texts, Values

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

MOST_VALUES = 50
"""As many different texts can be chosen among."""
_MOST_NUMBERS = 12
_LOOKED_AT = 2000


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
    if len(_some(cells).unique()) > MOST_VALUES + 1:  # one more for none
        return texts
    encoded = cells.dictionary_encode()
    if not 0 < len(encoded.dictionary) <= min(MOST_VALUES, len(cells) // 2):
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
