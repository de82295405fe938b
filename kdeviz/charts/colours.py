"""What samples of the projection can be coloured by."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdeviz.analysis import Analysis
from kdeviz.charts.theme import Theme
from kdeviz.decision import LABEL_WORDS, Decision, metadata_columns
from kdeviz.errors import OptionError
from kdeviz.explain import residuals


def colour_choices(decision: Decision) -> list[str]:
    """What the projection can be coloured by; log density comes first."""
    own = _own_colours(decision.analysis)
    return [*own, *metadata_columns(decision.analysis.inspected, own)]


def colour_of(analysis: Analysis, colour_by: str, flagged: NDArray[np.bool_]) -> NDArray[Any]:
    """(M,) numbers, or strings for categories.

    Raises:
        OptionError: there is no such colour.
    """
    if colour_by == "log density":
        return analysis.scores
    if colour_by == "verdict":
        return np.where(flagged, "flagged", "not flagged")
    if colour_by == "residual":
        return residuals(analysis)
    if colour_by == "label" and analysis.inspected.labels is not None:
        return np.array([LABEL_WORDS[int(label)] for label in analysis.inspected.labels])
    return _column(analysis, colour_by)


def category_colours(values: Collection[str], theme: Theme) -> dict[str, str]:
    """A colour for each value that has a meaning of its own, and for the first others."""
    meaning = {
        "normal": theme.normal,
        "not flagged": theme.normal,
        "flagged": theme.anomalous,
        "anomalous": theme.anomalous,
        "not labelled": theme.muted,
    }
    colours = {name: meaning[name] for name in values if name in meaning}
    without = [name for name in values if name not in meaning]
    return colours | dict(zip(without, theme.categories, strict=False))


def _column(analysis: Analysis, colour_by: str) -> NDArray[Any]:
    own = _own_colours(analysis)
    columns = metadata_columns(analysis.inspected, own)
    if colour_by not in columns:
        raise OptionError(f"colour_by={colour_by!r} is not known: choose from {[*own, *columns]}")
    column = columns[colour_by]
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    return column.astype("string").fillna("(none)").to_numpy(dtype=np.str_)


def _own_colours(analysis: Analysis) -> list[str]:
    known = ["label"] if analysis.inspected.labels is not None else []
    return ["log density", "verdict", *known, "residual"]
