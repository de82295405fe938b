"""The strip with the threshold's slider, as the browser gets it: its numbers for every step are there before.

Streamlit's own slider tells the server nothing until it is let go, and then the whole page is drawn. Here the
numbers follow the slider in the browser; only where it comes to rest is told.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from kdeviz.analysis import Analysis, cached
from kdeviz.decision import CELLS, Confusion, Decision, rate_interval, threshold_steps
from kdeviz.wording import count, number, percent

STEPS = 400
KEY = "threshold"
_CELL_WORDS = {
    "caught": ("Caught", "Labelled anomalous, and flagged."),
    "missed": ("Missed", "Labelled anomalous, not flagged."),
    "false alarms": ("False alarms", "Labelled normal, and flagged."),
    "passed": ("Passed", "Labelled normal, not flagged."),
}
_METRICS = {
    "precision": ("Precision", "Of the flagged samples with a label, the share that is anomalous."),
    "recall": ("Recall", "Of the anomalous samples, the share that is flagged."),
    "f1": (
        "F1",
        "Harmonic mean of precision and recall: high only when both are. A threshold that was chosen by "
        "these labels looks better here than it will be.",
    ),
}
_SLIDER = "Threshold on log density, nats"
_SLIDER_HELP = (
    "Samples below it are flagged. Moving it replaces the rule in the sidebar by this very number. The "
    "alarms are counted on training samples, each judged by a model that has not seen it; in brackets "
    "their 95 % interval."
)
_NOTE = (
    "Without labels nothing more can be said than this: it comes from training samples, each judged by a "
    "model that has not seen it."
)


def _html() -> str:
    metrics = "".join(
        f'<div><dt title="{html.escape(text)}">{title}</dt><dd class="value" data-part="{name}"></dd>'
        f'<dd class="interval" data-interval="{name}"></dd></div>'
        for name, (title, text) in _METRICS.items()
    )
    cells = "".join(
        f'<button type="button" data-cell="{cell}" title="{html.escape(_CELL_WORDS[cell][1])} '
        f'Press to list these samples, again to list all.">{_CELL_WORDS[cell][0]} '
        f'<b data-part="{cell}"></b></button>'
        for cell in ("caught", "missed", "false alarms", "passed")
    )
    return (
        '<div class="frame"><div class="threshold"><div class="slider">'
        f'<div class="head"><span title="{html.escape(_SLIDER_HELP)}">{_SLIDER}</span><output></output></div>'
        f'<input type="range" min="0" step="1" aria-label="{_SLIDER}">'
        '<div class="quiet" data-part="flagged"></div><div class="quiet" data-part="alarms"></div>'
        f'<div class="quiet note">{_NOTE}</div></div>'
        f'<dl class="metrics">{metrics}</dl><div class="cells">{cells}</div></div></div>'
    )


_HERE = Path(__file__).parent
_strip = st.components.v2.component(
    "kdeviz.threshold",
    html=_html(),
    js=(_HERE / "threshold.js").read_text("utf-8"),
    css=(_HERE / "threshold.css").read_text("utf-8"),
)


def show_strip(
    decision: Decision,
    ends: tuple[float, float],
    about: str,
    moves: int,
    cell: str | None,
    on_move: Callable[[], None],
    on_cell: Callable[[], None],
) -> None:
    """Draw slider and numbers.

    Args:
        decision: what the numbers are when nothing is dragged.
        ends: of the slider, in nats.
        about: a move that was made on another strip than this does not count.
        moves: the number of the last move that was heard, by which the browser knows what this answers.
        cell: which of `CELLS` is selected.
        on_move: called when the slider comes to rest, see `moved`.
        on_cell: called when a cell was pressed, see `pressed`.
    """
    states, state_of, thresholds = _every_step(decision.analysis, *ends)
    sent = {
        "about": about,
        "moves": moves,
        "cell": cell,
        "labelled": decision.labelled,
        "at": step_of(decision.threshold, ends),
        "threshold": _nats(decision.threshold),
        "now": now(decision),
        "intervals": _intervals(decision),
        "states": states,
        "state_of": state_of,
        "thresholds": thresholds,
    }
    data = json.dumps(sent).encode()
    _strip(key=KEY, data=data, on_moved_change=on_move, on_cell_change=on_cell)


def moved() -> dict[str, Any]:
    """To be asked by `on_move`: {"to": step, "about": ..., "moves": ...}."""
    return dict(st.session_state[KEY]["moved"] or {})


def pressed() -> str:
    """To be asked by `on_cell`: one of `CELLS`."""
    cell = str(st.session_state[KEY]["cell"])
    return cell if cell in CELLS else CELLS[0]


def threshold_at(analysis: Analysis, ends: tuple[float, float], step: int) -> float:
    """The threshold at a step of the slider, in nats."""
    thresholds = threshold_steps(analysis, *ends, STEPS).thresholds
    return float(thresholds[min(max(step, 0), STEPS)])


def step_of(threshold: float, ends: tuple[float, float]) -> int:
    """The step nearest to a threshold."""
    low, high = ends
    return round(STEPS * (float(np.clip(threshold, low, high)) - low) / (high - low))


def now(decision: Decision) -> dict[str, str]:
    """The words for a decision, by the part of the strip."""
    alarms = decision.expected_alarms
    return _words(decision.n_flagged, len(decision.flagged), alarms.alarms, alarms.rows, decision.confusion)


@cached
def _every_step(
    analysis: Analysis, low: float, high: float
) -> tuple[list[dict[str, str]], list[int], list[str]]:
    """The different words, which of them each step has, and the thresholds."""
    steps = threshold_steps(analysis, low, high, STEPS)
    known: dict[tuple[int, int, Confusion | None], int] = {}
    state_of: list[int] = []
    states: list[dict[str, str]] = []
    for step in range(STEPS + 1):
        counts = int(steps.flagged[step]), int(steps.alarms[step]), steps.confusion(step)
        if counts not in known:
            known[counts] = len(states)
            states.append(_words(counts[0], len(analysis.scores), counts[1], steps.training, counts[2]))
        state_of.append(known[counts])
    return states, state_of, [_nats(float(threshold)) for threshold in steps.thresholds]


def _words(
    flagged: int, inspected: int, alarms: int, training: int, counts: Confusion | None
) -> dict[str, str]:
    rate, low, high = (
        number(1000 * share) for share in (alarms / max(training, 1), *rate_interval(alarms, training))
    )
    words = {
        "flagged": f"{count(flagged)} of {count(inspected)} flagged",
        "alarms": f"{rate} alarms per 1 000 normals ({low} to {high})",
    }
    if counts is not None:
        words |= {name: _share(getattr(counts, name)) for name in _METRICS}
        words |= {cell: count(value) for cell, value in zip(CELLS, counts, strict=True)}
    return words


def _share(value: float) -> str:
    return percent(value) if np.isfinite(value) else "–"


def _intervals(decision: Decision) -> dict[str, str]:
    """Of the metrics, where they are known."""
    metrics = decision.metrics
    ends = {} if metrics is None else {name: getattr(metrics, name).interval for name in _METRICS}
    return {
        name: f"{number(100 * low)} to {number(100 * high)} %"
        for name, (low, high) in ends.items()
        if np.isfinite([low, high]).all()
    }


def _nats(threshold: float) -> str:
    return f"{threshold:.2f}"
