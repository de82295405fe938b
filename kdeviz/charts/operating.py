"""Every threshold, and the present one among them: what the ROC, precision and F1 charts have in common."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, cached
from kdeviz.charts.parts import disc, scatter, span_words
from kdeviz.charts.score_ranges import score_range
from kdeviz.charts.theme import Part, Theme
from kdeviz.data import ANOMALOUS, NORMAL
from kdeviz.decision import Bootstrap, Decision, Estimate, OperatingPoints, operating_points
from kdeviz.errors import OptionError
from kdeviz.wording import number

AT = "threshold %{customdata[0]:.4g} nats"
MANNERS = {"showlegend": False, "dragmode": "pan"}
_CLICKED = {"size": 9, "opacity": 0}  # too faint to see, there to be clicked
_ROOM_BELOW = 0.1  # of the y axis, for a line of text


class OperatingNumbers(NamedTuple):
    """Every threshold on the labelled samples, and the present one among them."""

    points: OperatingPoints
    """Thinned for drawing."""
    threshold: float
    here: OperatingPoints
    """One point: the present threshold, with the ends that its rates need; see `at`."""
    metrics: Bootstrap
    normal: int
    anomalous: int
    bulk: tuple[float, float]
    """Log densities that an axis should show."""

    @property
    def at(self) -> tuple[float, float, float, float]:
        """False-positive rate, recall, precision and F1 at the present threshold."""
        here = self.here
        return float(here.fpr[1]), float(here.tpr[1]), float(here.precision[1]), float(here.f1[1])

    @property
    def some_flagged(self) -> bool:
        """Whether any labelled sample is below the present threshold."""
        return bool(self.here.true_positives[1] or self.here.false_positives[1])

    @property
    def base_rate(self) -> float:
        """Share of the labelled samples that is anomalous: the precision of guessing."""
        return self.anomalous / (self.anomalous + self.normal)

    @property
    def best_f1(self) -> tuple[float, float]:
        """The best F1 of all thresholds, and where it is."""
        f1 = self.points.f1
        best = int(np.argmax(f1))
        return float(f1[best]), float(self.points.thresholds[best])

    @property
    def shown(self) -> tuple[float, float]:
        """Ends of an axis of thresholds: the bulk, and the present one unless it is infinite."""
        lowest, highest = self.bulk
        if np.isfinite(self.threshold):
            lowest, highest = min(lowest, self.threshold), max(highest, self.threshold)
        return (lowest, highest) if lowest < highest else (lowest - 0.5, highest + 0.5)


def operating_numbers(decision: Decision) -> OperatingNumbers:
    """The ROC, precision-recall and F1 curves.

    Raises:
        OptionError: there are no labels of both kinds.
    """
    if decision.labels is None or decision.metrics is None:
        raise OptionError(
            "these curves need samples labelled normal and anomalous: load labels, or mark some"
        )
    counts, labels = decision.confusion, decision.labels
    assert counts is not None
    normal, anomalous = int((labels == NORMAL).sum()), int((labels == ANOMALOUS).sum())
    here = OperatingPoints(
        np.array([-np.inf, decision.threshold, np.inf]),
        np.array([0, counts.true_positives, anomalous]),
        np.array([0, counts.false_positives, normal]),
    )
    points, bulk = _points(decision.analysis), score_range(decision.analysis)
    return OperatingNumbers(points, decision.threshold, here, decision.metrics, normal, anomalous, bulk)


@cached
def _points(analysis: Analysis) -> OperatingPoints:
    return operating_points(analysis.scores, np.asarray(analysis.inspected.labels)).thinned()


def threshold_curve(
    x: NDArray[Any], y: NDArray[Any], hovered: NDArray[Any], line: Part, hover: str, name: str = "thresholds"
) -> Part:
    """A curve whose points are thresholds.

    What is `hovered` begins with the thresholds: a click takes the first number.
    """
    shown = {
        "customdata": hovered,
        "marker": _CLICKED,
        "line": line,
        "hovertemplate": f"{hover}<extra></extra>",
    }
    return scatter(x, y, "lines+markers", name, **shown)


def present_threshold(x: float, y: float, along: float, threshold: float, theme: Theme) -> list[Part]:
    """A ring and its name, which stays inside: `along` is the share of the x axis to the left of it.

    None of an infinite threshold.
    """
    if not (math.isfinite(x) and math.isfinite(y)):
        return []
    below, right = y > _ROOM_BELOW, along < 0.5
    return [
        scatter(
            [x],
            [y],
            "markers+text",
            "present threshold",
            text=[f"threshold {number(threshold)}"],
            textposition=f"{'bottom' if below else 'top'} {'right' if right else 'left'}",
            textfont={"color": theme.text, "size": 12.5},
            cliponaxis=False,
            hoverinfo="skip",
            marker=disc(theme.text, 0.15),
            showlegend=False,
        )
    ]


def with_interval(estimate: Estimate) -> str:
    """A number and its interval, where that is known."""
    return number(estimate.value) + span_words(*estimate.interval)
