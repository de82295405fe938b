"""The true density of made-up data, where a file tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

TRUE_LOG_DENSITY = "true log density"
"""The column that holds it: in nats, of the features as they stand in the file."""


def true_log_density(metadata: pd.DataFrame | None) -> NDArray[np.float64] | None:
    """(N,) the column of that name, NaN where it is empty; None where there is none, or not of numbers."""
    for name in () if metadata is None else metadata.columns:
        if str(name).strip().casefold().replace("_", " ") == TRUE_LOG_DENSITY:
            return _numbers(metadata, name)
    return None


def _numbers(metadata: Any, name: object) -> NDArray[np.float64] | None:
    import pandas as pd  # slow to import

    column = metadata[name]
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return None
    numbers: NDArray[np.float64] = column.to_numpy(dtype=np.float64, na_value=np.nan)
    return numbers
