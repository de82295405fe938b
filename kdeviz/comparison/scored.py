"""What can be compared: samples with the scores and verdicts of one model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, Places, log_densities, rows_fitted_on
from kdeviz.data import EmbeddingSet, OnBlock
from kdeviz.decision import ThresholdRule
from kdeviz.model import KDEClassifier, ProbabilityCurve
from kdeviz.settings import Settings, name_of


@dataclass(frozen=True, eq=False)
class Scored:
    """M samples as one model sees them.

    Attributes:
        name: in a person's words.
        settings: of the model.
        scores: (M,) log densities in nats; leave-one-out for rows that the model was fitted on.
        ids: (M,) names of the samples.
        labels: (M,) of NORMAL, ANOMALOUS, UNKNOWN, or None.
        flagged: (M,) True where the model says anomalous.
        threshold: in nats.
        model: the fitted model.
        curve: log density to probability.
        rule: how the threshold was chosen; None if that is not known.
        fixes: what was applied to the data; None if that is not known.
        inspected_digest: of the features of these samples; None if that is not known.
        known_train_scores: (n,) leave-one-out scores of the training rows, if they are computed already.
    """

    name: str
    settings: Settings
    scores: NDArray[Any]
    ids: NDArray[np.str_]
    labels: NDArray[np.int8] | None
    flagged: NDArray[np.bool_]
    threshold: float
    model: KDEClassifier | None
    curve: ProbabilityCurve
    rule: ThresholdRule | None = None
    fixes: tuple[str, ...] | None = None
    inspected_digest: str | None = None
    known_train_scores: NDArray[Any] | None = None

    @cached_property
    def train_scores(self) -> NDArray[Any] | None:
        """(n,) leave-one-out scores of the training rows; computed by the model, None without one."""
        if self.known_train_scores is not None or self.model is None:
            return self.known_train_scores
        return _left_out(self.model)


def scored_analysis(
    analysis: Analysis,
    threshold: float,
    curve: ProbabilityCurve,
    rule: ThresholdRule | None = None,
    name: str | None = None,
    fixes: tuple[str, ...] | None = None,
) -> Scored:
    """The inspected samples of an analysis at a threshold, named after its settings without a name."""
    return Scored(
        name=name or name_of(analysis.settings),
        settings=analysis.settings,
        scores=analysis.scores,
        ids=analysis.inspected.ids,
        labels=analysis.inspected.labels,
        flagged=analysis.scores < threshold,
        threshold=threshold,
        model=analysis.classifier,
        curve=curve,
        rule=rule,
        fixes=fixes,
        inspected_digest=analysis.inspected.digest,
        known_train_scores=analysis.train_scores,
    )


def scored_model(
    model: KDEClassifier, data: EmbeddingSet, name: str | None = None, on_block: OnBlock | None = None
) -> Scored:
    """Samples as a loaded model scores them: the numbers of `kdeviz score`.

    A model without a threshold gets that of the default rule, which is then in `Scored.rule`.

    Raises:
        DataError: wrong shape, NaN or infinity.
    """
    left_out = _left_out(model)
    scores = log_densities(model, data, rows_fitted_on(model, data), on_block, left_out)
    rule = ThresholdRule() if model.threshold is None else None
    threshold = (
        model.threshold if model.threshold is not None else ThresholdRule().threshold(left_out, scores)
    )
    return Scored(
        name=name or name_of(model.settings),
        settings=model.settings,
        scores=scores,
        ids=data.ids,
        labels=data.labels,
        flagged=scores < threshold,
        threshold=threshold,
        model=model,
        curve=model.curve,
        rule=rule,
        inspected_digest=data.digest,
        known_train_scores=left_out,
    )


def analysis_of(scored: Scored, train: EmbeddingSet, inspected: EmbeddingSet) -> Analysis | None:
    """An analysis around a model that is there already: nothing is fitted or scored again.

    It explains and describes samples as the analysis did that the scores come from. It knows nothing of how
    the fit went: warnings, timings and provenance are empty.

    Args:
        scored: what the model says about `inspected`.
        train: the rows given for training.
        inspected: the scored rows; `train` itself if those are the training rows.

    Returns:
        None if the model is not there, or these are not the data that it was fitted on and has scored.

    Raises:
        DataError: every training row is excluded.
    """
    model = scored.model
    if model is None or model.data_digest != train.to_fit.digest:
        return None
    if scored.inspected_digest != inspected.digest or len(scored.scores) != len(inspected):
        return None
    left_out = scored.train_scores
    assert left_out is not None
    fitted_on = model.training_rows.cpu().numpy()
    if train.to_fit is not train and train.excluded is not None:
        fitted_on = np.flatnonzero(~train.excluded)[fitted_on]
    return Analysis(
        settings=scored.settings,
        classifier=model,
        train=train,
        inspected=inspected,
        fitted_on=fitted_on,
        train_scores=left_out,
        scores=scored.scores,
        warnings=(),
        timings={},
        provenance={},
        places=Places(model, train, inspected, fitted_on),
    )


def _left_out(model: KDEClassifier) -> NDArray[Any]:
    scores: NDArray[Any] = model.leave_one_out_scores().cpu().numpy()
    return scores
