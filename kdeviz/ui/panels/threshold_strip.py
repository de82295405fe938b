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

from kdeviz.analysis import Analysis, cached, estimated_total
from kdeviz.decision import CELLS, Confusion, Decision, rate_interval, threshold_steps
from kdeviz.wording import count, number, percent

STEPS = 400
KEY, PLAIN_KEY = "threshold", "line"
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
    "Samples below it are flagged; a nat is the unit of log density: one lower is a density 2.72 times "
    "smaller. Moving it replaces the rule in the sidebar by this very number. The "
    "alarms are counted on training samples, each judged by a model that has not seen it; in brackets "
    "their 95 % interval."
)
_PLAIN = "Where the line is"
_NOTE = (
    "Without labels nothing more can be said than this: it comes from training samples, each judged by a "
    "model that has not seen it. For precision and recall, load labels (Load data, in the sidebar), or mark "
    "samples and use the marks as labels."
)


def _html() -> str:
    metrics = "".join(
        f'<div><dt title="{html.escape(text)}">{title}</dt><dd class="value" data-part="{name}"></dd>'
        f'<dd class="interval" data-interval="{name}"></dd></div>'
        for name, (title, text) in _METRICS.items()
    )
    cells = "".join(
        f'<button type="button" data-cell="{cell}" title="{html.escape(text)} '
        f'Press to list these samples, again to list all.">{title} <b data-part="{cell}"></b></button>'
        for cell, (title, text) in _CELL_WORDS.items()
    )
    return (
        '<div class="frame"><div class="threshold"><div class="slider">'
        f'<div class="head"><span title="{html.escape(_SLIDER_HELP)}">{_SLIDER}</span><output></output></div>'
        f'<input type="range" min="0" step="1" aria-label="{_SLIDER}">'
        '<div class="quiet" data-part="flagged"></div><div class="quiet" data-part="alarms"></div>'
        f'<div class="quiet note">{_NOTE}</div></div>'
        f'<dl class="metrics">{metrics}</dl><div class="cells">{cells}</div></div></div>'
    )


def _plain_html() -> str:
    """The slider alone, and what it does."""
    return (
        '<div class="frame"><div class="threshold plain"><div class="slider">'
        '<div class="head"><span>◀ flag fewer</span><b data-part="flagged"></b>'
        '<span data-part="alarms"></span><span>flag more ▶</span></div>'
        f'<input type="range" min="0" step="1" aria-label="{_PLAIN}"></div></div></div>'
    )


_HERE = Path(__file__).parent
_STRIPS = {
    key: st.components.v2.component(
        f"kdeviz.{key}",
        html=markup,
        js=(_HERE / "threshold.js").read_text("utf-8"),
        css=(_HERE / "threshold.css").read_text("utf-8"),
    )
    for key, markup in ((KEY, _html()), (PLAIN_KEY, _plain_html()))
}


def show_strip(
    key: str,
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
        key: `KEY`; or `PLAIN_KEY`, for a room, with no number but samples and alarms.
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
        "labelled": decision.labelled,
        "at": step_of(decision.threshold, ends),
        "threshold": number(decision.threshold),
        "now": now(decision),
        "intervals": _intervals(decision),
        "states": states,
        "state_of": state_of,
        "thresholds": thresholds,
        "cell": cell,
    }
    _STRIPS[key](key=key, data=json.dumps(sent).encode(), on_moved_change=on_move, on_cell_change=on_cell)


def moved(key: str) -> dict[str, Any]:
    """To be asked by `on_move` of the strip with this key: {"to": step, "about": ..., "moves": ...}."""
    return dict(st.session_state[key]["moved"] or {})


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
    return _words(decision.analysis, decision.n_flagged, alarms.alarms, alarms.rows, decision.confusion)


@cached
def _every_step(
    analysis: Analysis, low: float, high: float
) -> tuple[list[dict[str, str]], list[int], list[str]]:
    """The different words, which of them each step has, and the thresholds."""
    steps = threshold_steps(analysis, low, high, STEPS)
    confusions = map(steps.confusion, range(STEPS + 1))
    counts = list(zip(steps.flagged.tolist(), steps.alarms.tolist(), confusions, strict=True))
    known = {one: place for place, one in enumerate(dict.fromkeys(counts))}
    states = [_words(analysis, flagged, alarms, steps.training, cells) for flagged, alarms, cells in known]
    return states, [known[one] for one in counts], list(map(number, steps.thresholds.tolist()))


def _words(
    analysis: Analysis, flagged: int, alarms: int, training: int, counts: Confusion | None
) -> dict[str, str]:
    words = {"flagged": _flagged(analysis, flagged), "alarms": _alarms(analysis, alarms, training)}
    if counts is not None:
        about = "" if analysis.preview is None else "about "
        words |= {name: _share(getattr(counts, name), about) for name in _METRICS}
        cells = (about + count(_in_all(analysis, value)) for value in counts)
        words |= dict(zip(CELLS, cells, strict=True))
    return words


def _alarms(analysis: Analysis, alarms: int, training: int) -> str:
    of = "training samples" if analysis.learned_anomalous else "normal samples"
    if not training:
        return f"alarms per 1 000 {of}: not known"
    shares = alarms / training, *rate_interval(alarms, training)
    rate, low, high = (number(1000 * share) for share in shares)
    return f"{rate} alarms per 1 000 {of} ({low} to {high})"


def _flagged(analysis: Analysis, flagged: int) -> str:
    preview = analysis.preview
    if preview is None:
        return f"{count(flagged)} of {count(len(analysis.scores))} flagged"
    total = estimated_total(flagged, len(preview.rows), len(preview.whole))
    ends = f"{count(total.low)} to {count(total.high)}"
    return f"about {count(total.value)} of {count(len(preview.whole))} flagged ({ends})"


def _in_all(analysis: Analysis, value: int) -> int:
    """As many as that are in all rows, if this is a preview."""
    preview = analysis.preview
    return value if preview is None else round(value * len(preview.whole) / len(preview.rows))


def _share(value: float, about: str) -> str:
    return about + percent(value) if np.isfinite(value) else "–"


def _intervals(decision: Decision) -> dict[str, str]:
    """Of the metrics, where they are known."""
    metrics = decision.metrics
    ends = {} if metrics is None else {name: getattr(metrics, name).interval for name in _METRICS}
    return {
        name: f"{number(100 * low)} to {number(100 * high)} %"
        for name, (low, high) in ends.items()
        if np.isfinite([low, high]).all()
    }
