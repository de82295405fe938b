"""Fitting the probability curve: to the spread of normal scores, or to labels."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.data import ANOMALOUS, NORMAL
from kdeviz.decision.given import check_kind, check_number, check_whole, given_labels, given_numbers
from kdeviz.decision.metrics.intervals import rate_interval
from kdeviz.decision.metrics.separation import labelled_rows
from kdeviz.errors import DataError
from kdeviz.model import ProbabilityCurve, logistic

_REACH = 10.0
"""How many interquartile ranges beyond the quartiles of the normal scores a fit looks."""


class Reliability(NamedTuple):
    """Predicted against observed, in the B bins of predicted probability that are not empty."""

    mean_prediction: NDArray[np.float64]  # (B,), ascending
    observed: NDArray[np.float64]  # (B,) share of the bin's rows that is anomalous
    counts: NDArray[np.int64]  # (B,) labelled rows
    low: NDArray[np.float64]  # (B,) ends of the exact binomial interval of `observed`
    high: NDArray[np.float64]  # (B,)


class PlattFit(NamedTuple):
    """A curve fitted to labels, and how good the probabilities of two curves are on these labels.

    "After" is held out: each row's probability comes from a curve that has not seen that row.
    """

    curve: ProbabilityCurve
    brier_before: float
    brier_after: float
    reliability_before: Reliability
    reliability_after: Reliability


def curve_from_spread(normal_scores: NDArray[Any], threshold: float) -> ProbabilityCurve:
    """A curve that crosses 1/2 at the threshold and is as wide as the normal scores are spread.

    The curve is the distribution function of a logistic density with scale 1 / steepness, whose interquartile
    range is 2 ln 3 / steepness (Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions, volume
    2, chapter 23). The steepness makes that the interquartile range of the scores:

        steepness = 2 ln 3 / (Q3 - Q1)

    so a score one interquartile range below the threshold gets probability 0.9. No labels are used: it is a
    scale to read scores on, not a calibrated probability. Up to a quarter of the scores may be outliers.

    Args:
        normal_scores: (n,) held-out log densities in nats. Equal quartiles, up to the rounding of
            float32, have no spread; then the steepness is the default one. Scores of -inf are left out.
        threshold: nats.

    Raises:
        DataError: no score is finite.
        OptionError: the threshold is not finite.
    """
    check_number("threshold", threshold)
    spread = _quartiles(given_numbers(normal_scores, "normal scores", nan=True))[2]
    if spread == 0:
        return ProbabilityCurve(float(threshold))
    return ProbabilityCurve(float(threshold), 2 * math.log(3) / spread)


def platt(
    scores: NDArray[Any],
    labels: NDArray[np.int8],
    folds: int = 5,
    seed: int = 0,
    before: ProbabilityCurve | None = None,
) -> PlattFit:
    """Fit the curve to labelled rows by logistic regression on log density.

    The labels are replaced by Platt's targets, (N+ + 1) / (N+ + 2) for the N+ anomalous rows and
    1 / (N- + 2) for the N- normal ones, and nothing else is penalised. So a perfect separation, where plain
    logistic regression makes a step of the curve, gives a finite steepness that grows with the evidence, and
    with more rows the targets fade; a penalty would depend on the unit of the scores.

    Log densities have heavy lower tails, and a logistic fit gives far rows leverage: one row at -1e30 would
    flatten the curve. For the fit alone, scores are therefore clipped to ten interquartile ranges of the
    normal scores (where these are all alike, ten nats) beyond their quartiles. The curve is applied to scores
    as they are.

    The probabilities are those of a population with the labelled rows' share of anomalous samples.

    Source: Platt, Probabilistic outputs for support vector machines, 1999; the pitfalls: Lin, Lin and Weng, A
    note on Platt's probabilistic outputs, Machine Learning 68, 2007.

    Args:
        scores: (M,) log densities in nats; of training rows, held-out. -inf is allowed.
        labels: (M,) of NORMAL, ANOMALOUS, UNKNOWN; unlabelled rows are left out.
        folds: how many parts the rows are divided into for the judgement "after", each part holding the same
            share of both labels; never more than there are rows of the rarer label.
        seed: of that division.
        before: the curve to compare with; the default curve if None.

    Raises:
        DataError: there are not two rows of each label, a score is NaN or +inf, or the labels contradict the
            scores: anomalous rows do not have the lower ones.
        OptionError: less than two folds, or an argument of another kind.
    """
    check_whole("folds", folds, 2)
    check_whole("seed", seed, 0)
    before = ProbabilityCurve() if before is None else before
    check_kind("before", before, ProbabilityCurve)
    rows, anomalous = labelled_rows(scores, labels)
    rows = rows.astype(np.float64)
    if min(anomalous.sum(), (~anomalous).sum()) < 2:
        raise DataError(
            "only one row has one of the labels: label at least two normal and two anomalous rows"
        )
    unfitted = before(rows)
    curve = _platt_curve(rows, anomalous)
    held_out = _cross_fitted(rows, anomalous, folds, seed)
    truth = np.where(anomalous, ANOMALOUS, NORMAL).astype(np.int8)
    return PlattFit(
        curve,
        brier(unfitted, truth),
        brier(held_out, truth),
        reliability(unfitted, truth),
        reliability(held_out, truth),
    )


def _platt_curve(rows: NDArray[np.float64], anomalous: NDArray[np.bool_]) -> ProbabilityCurve:
    slope, intercept = _logistic_regression(rows, anomalous)
    if slope >= 0:
        raise DataError(
            f"the {anomalous.sum()} rows labelled anomalous do not have lower log densities than the "
            f"{(~anomalous).sum()} normal ones: check the labels, or keep the default curve"
        )
    return ProbabilityCurve(-intercept / slope, -slope)


def _cross_fitted(
    rows: NDArray[np.float64], anomalous: NDArray[np.bool_], folds: int, seed: int
) -> NDArray[np.float64]:
    """Each row's probability from a fit to the other folds."""
    from sklearn.model_selection import StratifiedKFold

    probabilities, far = np.empty(len(rows)), np.clip(rows, -1e100, 1e100)
    rarer = int(min(anomalous.sum(), (~anomalous).sum()))
    parts = StratifiedKFold(min(folds, rarer), shuffle=True, random_state=seed)
    for seen, unseen in parts.split(rows, anomalous):
        # As ProbabilityCurve does, but here the slope can have the wrong sign.
        slope, intercept = _logistic_regression(rows[seen], anomalous[seen])
        probabilities[unseen] = logistic(slope * far[unseen] + intercept)
    return probabilities


def brier(probabilities: NDArray[Any], labels: NDArray[np.int8]) -> float:
    """Mean squared distance of the probabilities from the labels, anomalous being 1; 0 is perfect.

    Source: Brier, Monthly Weather Review 78, 1950, in the form for two classes.

    Raises:
        DataError: no row has a label.
    """
    predicted, anomalous = _labelled_probabilities(probabilities, labels)
    return float(np.mean((predicted - anomalous) ** 2))


def reliability(
    probabilities: NDArray[Any], labels: NDArray[np.int8], bins: int = 10, level: float = 0.95
) -> Reliability:
    """How often samples were anomalous that were given about the same probability.

    Args:
        probabilities: (M,) of being anomalous.
        labels: (M,) of NORMAL, ANOMALOUS, UNKNOWN; unlabelled rows are left out.
        bins: of equal width over [0, 1]; a probability between two bins counts to the lower one.
        level: of the exact binomial interval of each observed share, see `metrics.rate_interval`.

    Raises:
        DataError: no row has a label.
        OptionError: no bins.
    """
    check_whole("bins", bins, 1)
    predicted, anomalous = _labelled_probabilities(probabilities, labels)
    place = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], predicted)
    totals = np.bincount(place, minlength=bins)
    filled = totals > 0
    events, counts = np.bincount(place[anomalous], minlength=bins)[filled], totals[filled]
    intervals = [rate_interval(*pair, level) for pair in zip(events.tolist(), counts.tolist(), strict=True)]
    low, high = np.array(intervals).T
    return Reliability(
        np.bincount(place, predicted, minlength=bins)[filled] / counts, events / counts, counts, low, high
    )


def _labelled_probabilities(
    probabilities: NDArray[Any], labels: NDArray[np.int8]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    probabilities = given_numbers(probabilities, "probabilities")
    labels = given_labels(labels, len(probabilities))
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise DataError("probabilities need to be from 0 to 1: pass log densities through a curve first")
    known = (labels == NORMAL) | (labels == ANOMALOUS)
    if not known.any():
        raise DataError(f"none of {len(labels)} rows has a label: label some rows as normal or anomalous")
    return probabilities[known].astype(np.float64), labels[known] == ANOMALOUS


def _logistic_regression(rows: NDArray[np.float64], anomalous: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and intercept of the log odds of being anomalous, from Platt's targets and clipped scores."""
    from sklearn.linear_model import LogisticRegression

    P, N = int(anomalous.sum()), int((~anomalous).sum())
    target = np.where(anomalous, (P + 1) / (P + 2), 1 / (N + 2))
    low, high, spread = _quartiles(rows[~anomalous])
    reach = _REACH * (spread or 1.0)
    rows = np.clip(rows, low - reach, high + reach)
    middle, width = (rows.min() + rows.max()) / 2, rows.max() - rows.min()
    if width == 0:
        return 0.0, math.log(target.sum() / (1 - target).sum())
    # A row with target t is t of an anomalous row and 1 - t of a normal one.
    model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-8)
    model.fit(
        np.tile((rows - middle) / width, 2)[:, None],
        np.repeat([True, False], len(rows)),
        sample_weight=np.append(target, 1 - target),
    )
    slope = float(model.coef_[0, 0]) / float(width)
    return slope, float(model.intercept_[0]) - slope * float(middle)


def _quartiles(scores: NDArray[Any]) -> tuple[float, float, float]:
    """First and third quartile of the finite scores, and their distance: 0 within float32's rounding."""
    finite = scores[np.isfinite(scores)].astype(np.float64)
    if len(finite) == 0:
        raise DataError(
            f"none of {len(scores)} normal samples has a finite log density: keep the default curve"
        )
    low, high = np.quantile(finite, [0.25, 0.75]).tolist()
    rounding = 4 * float(np.finfo(np.float32).eps) * max(abs(low), abs(high))
    return low, high, high - low if high - low > rounding else 0.0
