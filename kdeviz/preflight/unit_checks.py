"""Features in different units: one that outweighs all others."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from kdeviz.data import Rows
from kdeviz.preflight.evidence import Evidence, many
from kdeviz.preflight.findings import Finding
from kdeviz.preflight.scan import evenly
from kdeviz.settings import Offer
from kdeviz.wording import percent

STANDARDISE = Offer("Standardise features", {"standardise": True})

_MOST = 0.5
_NEARLY_ALL = 0.95
_TIMES = 10.0
_BULK = (0.05, 0.95)
_GAP = 1 / 3
_SAMPLE_BYTES = 16 * 2**20
_MOST_ROWS = 4096
_NAMED = 3


def units(seen: Evidence, standardise: bool) -> Finding:
    """Whether one feature, or some, carry most of the variance of the training rows.

    It has to spread ten times as wide as a usual one as well, by the range of its middle 90 %: a feature that
    a few far rows make large is no matter of units. Nor are features that carry less and less, as principal
    components do: a tenth has to carry nearly all, or each of at most half has to spread ten times as wide as
    any other. Nor is one whose values leave a third of that range empty: they fall into groups, whose
    distance standardising would hide.
    """
    if standardise:
        return Finding("units", "ok", "Features are standardised: their units do not count.")
    rows = _sample(seen)
    low, high = np.quantile(rows, _BULK, axis=0)
    spread, share = high - low, _shares(rows)
    order = np.argsort(-share, kind="stable")
    first = order[0]
    varying = spread[spread > 0]
    # "lower": of two features, the smaller one is the usual one.
    usual = float(np.quantile(varying, 0.5, method="lower")) if len(varying) else np.inf
    heavy = order[: int((np.cumsum(share[order]) < _NEARLY_ALL).sum()) + 1]
    alone = (
        share[first] >= _MOST and spread[first] >= _TIMES * usual and len(heavy) <= max(len(share) // 10, 1)
    )
    if not (alone or _stand_out(spread, heavy)) or _falls_apart(rows[:, first], low[first], high[first]):
        return Finding("units", "ok", "No feature outweighs all others.")
    sentence = (
        f"{_named(seen, first)} alone carries {percent(share[first])} of the variance"
        f"{_together(seen, heavy, share)}: features in large units outweigh all others, and the model sees "
        "little else. Standardise the features, unless their sizes are meant to count."
    )
    all_named = len(heavy) <= 1 + _NAMED
    return Finding("units", "warning", sentence, None, np.sort(heavy), offer=STANDARDISE, named=all_named)


def _stand_out(spread: NDArray[np.float64], heavy: NDArray[np.int64]) -> bool:
    others = np.delete(spread, heavy)
    return len(heavy) <= len(others) and 0 < _TIMES * others.max() <= spread[heavy].min()


def _sample(seen: Evidence) -> NDArray[np.float64]:
    """Some training rows."""
    most = min(max(_SAMPLE_BYTES // (8 * seen.features.shape[1]), 64), _MOST_ROWS)
    rows = Rows(seen.features).select(evenly(seen.fitted, most))
    return rows.block(0, len(rows), torch.float64, torch.device("cpu")).numpy()


def _falls_apart(values: NDArray[np.float64], low: float, high: float) -> bool:
    middle = np.sort(values[(values >= low) & (values <= high)])
    return bool(np.diff(middle).max(initial=0.0) > _GAP * (high - low))


def _shares(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """(D,) of the variance."""
    centred = rows - rows.mean(0)
    variances = np.square(centred / (np.abs(centred).max() or 1.0)).mean(0)
    return np.asarray(variances / (variances.sum() or 1.0))


def _named(seen: Evidence, column: np.int64) -> str:
    names = seen.data.feature_names
    return f"The feature “{names[column]}”" if names else f"Feature {column}"


def _together(seen: Evidence, heavy: NDArray[np.int64], share: NDArray[np.float64]) -> str:
    """The features that carry nearly all, where that is more than one."""
    names, others = seen.data.feature_names, heavy[1:]
    if not len(others):
        return ""
    if len(others) > _NAMED:
        said = many(len(others), "other")
    else:
        said = ", ".join(f"“{names[column]}”" if names else str(column) for column in others)
    return f", with {said} {percent(share[heavy].sum())}"
