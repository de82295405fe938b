"""Two models in words: their settings, and the samples that only one of them flags."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from kdeviz.comparison.compare import Comparison, Setting
from kdeviz.decision import LABEL_WORDS, Decision, SampleView, sample_view
from kdeviz.errors import OptionError
from kdeviz.explain import Components, Explanation, explain
from kdeviz.settings import bandwidth_in_words, components_in_words
from kdeviz.wording import count, number, percent, score_this_low

_NOT_KNOWN = "not known"
_DIGEST_SHOWN = 8
_NO_DISTANCE = 1e-12


class SettingRow(NamedTuple):
    """One property of both, as people read it."""

    name: str
    first: str
    second: str
    differs: bool


def settings_table(comparison: Comparison) -> tuple[SettingRow, ...]:
    """The settings side by side, as plain text; two values that differ never read the same."""
    return tuple(_setting_row(setting) for setting in comparison.settings)


def _setting_row(setting: Setting) -> SettingRow:
    first, second = _in_words(setting.name, setting.first), _in_words(setting.name, setting.second)
    if setting.differs and first == second:
        first, second = repr(setting.first), repr(setting.second)
    return SettingRow(setting.name, first, second, setting.differs)


def _in_words(name: str, value: Any) -> str:
    if value is None:
        return _NOT_KNOWN
    match name:
        case "components":
            return components_in_words(value)
        case "bandwidth":
            return bandwidth_in_words(value)
        case "threshold" | "curve midpoint":
            return f"{number(value)} nats"
        case "curve steepness":
            return f"{number(value)} per nat"
        case "training data" | "inspected data":
            return str(value)[:_DIGEST_SHOWN]
        case "fixes":
            return ", ".join(value) or "none"
        case "seed":
            return str(value)
    return count(value) if isinstance(value, int) else str(value)


def disagreement_table(comparison: Comparison, side: str) -> pd.DataFrame:
    """The samples that only this side, "first" or "second", flags, the most anomalous for it first.

    Columns: sample (number among the common samples), first_row and second_row (in what each has scored), id,
    label (in words; only with labels), first_rank and second_rank (among the common samples),
    first_log_density and second_log_density, first_above_threshold and second_above_threshold (nats; negative
    below).

    Raises:
        OptionError: another side.
    """
    if side not in ("first", "second"):
        raise OptionError(f"side={side!r} is not possible: choose first or second")
    samples = comparison.disagreements.only_first if side == "first" else comparison.disagreements.only_second
    densities = [
        scores[samples].astype(np.float64) for scores in (comparison.first_scores, comparison.second_scores)
    ]
    columns: dict[str, Any] = {
        "sample": samples,
        "first_row": comparison.first_rows[samples],
        "second_row": comparison.second_rows[samples],
        "id": comparison.ids[samples],
    }
    if comparison.labels is not None:
        columns["label"] = [LABEL_WORDS[int(label)] for label in comparison.labels[samples]]
    return pd.DataFrame(
        {
            **columns,
            "first_rank": comparison.first_ranks[samples],
            "second_rank": comparison.second_ranks[samples],
            "first_log_density": densities[0],
            "second_log_density": densities[1],
            "first_above_threshold": densities[0] - comparison.first.decision.threshold,
            "second_above_threshold": densities[1] - comparison.second.decision.threshold,
        }
    )


def why_words(decision: Decision, row: int, explanation: Explanation | None = None) -> tuple[str, ...]:
    """Why one inspected row has its place, in a few plain sentences; they hold ids, which are user text.

    The decision has its data, perhaps from `decision_with_data`; `explanation` is that of this row, if it is
    there already.

    Raises:
        OptionError: there is no such row.
    """
    analysis = decision.analysis
    why = explain(analysis, row, neighbours=1, features=1) if explanation is None else explanation
    words = [
        _place(decision, sample_view(decision, row)),
        _components(why.components),
        f"Nearest training sample: {analysis.train.ids[why.neighbours.rows[0]]}.",
    ]
    if why.residual.something:
        larger = percent(why.residual.larger_than)
        words.append(f"What the components leave out is larger than in {larger} of the training samples.")
    return tuple(words)


def _place(decision: Decision, sample: SampleView) -> str:
    away = sample.above_threshold
    side = "below" if away < 0 else "above"
    where = f"{number(abs(away))} nats {side} its threshold" if away else "exactly at its threshold"
    rare = "" if sample.p_value is None else f"; {score_this_low(sample.p_value).lower()}"
    return (
        f"Rank {count(sample.rank)} of {count(sample.total)}, {where}{rare}; {decision.curve.name} "
        f"{number(sample.probability)}."
    )


def _components(components: Components) -> str:
    if components.squared_distance <= _NO_DISTANCE:
        return "No distance to the nearest usual samples."
    # Under "norm" a part may be negative: what makes the sample odd is the largest positive one.
    most = int(components.contribution.argmax())
    share = percent(float(components.contribution[most]) / components.squared_distance)
    return f"Component {most + 1} adds most: {share} of the squared distance to the nearest usual samples."
