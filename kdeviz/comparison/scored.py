"""What can be compared: samples with the decision of one model about them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdeviz.analysis import analysis_of_model, known_points, opened_analysis
from kdeviz.data import EmbeddingSet, OnBlock
from kdeviz.decision import Decision, stored_decision
from kdeviz.model import KDEClassifier
from kdeviz.settings import name_of


@dataclass(frozen=True, eq=False)
class Scored:
    """M samples as one model sees them.

    Attributes:
        name: in a person's words.
        decision: about these samples.
        inspected_digest: of their features, which a kept run does not hold.
        fixes: what was applied to the data; None if that is not known.
    """

    name: str
    decision: Decision
    inspected_digest: str
    fixes: tuple[str, ...] | None = None

    @property
    def scores(self) -> NDArray[Any]:
        """(M,) log densities in nats; held-out for rows that the model was fitted on."""
        return self.decision.analysis.scores

    @property
    def ids(self) -> NDArray[np.str_]:
        """(M,) names of the samples."""
        return self.decision.analysis.inspected.ids

    @property
    def flagged(self) -> NDArray[np.bool_]:
        """(M,) True where the model says anomalous."""
        return self.decision.flagged

    @property
    def of_training(self) -> bool:
        """Whether the samples are the very rows that the model was given to learn from."""
        digest = self.decision.analysis.classifier.data_digest
        return bool(digest) and digest == self.inspected_digest


def scored_decision(
    decision: Decision, name: str | None = None, fixes: tuple[str, ...] | None = None
) -> Scored:
    """The inspected samples of a decision, named after the settings without a name."""
    analysis = decision.analysis
    return Scored(name or name_of(analysis.settings), decision, analysis.inspected.digest, fixes)


def scored_model(
    model: KDEClassifier, data: EmbeddingSet, name: str | None = None, on_block: OnBlock | None = None
) -> Scored:
    """Samples as a loaded model scores them: the numbers of `kdeviz score`.

    A model without a threshold gets that of the default rule, which is then in the decision.

    Raises:
        DataError: wrong shape, NaN or infinity.
    """
    return scored_decision(stored_decision(analysis_of_model(model, data, on_block)), name)


def decision_with_data(scored: Scored, train: EmbeddingSet, inspected: EmbeddingSet) -> Decision | None:
    """The decision around the data that it is about: nothing is fitted or scored again.

    It explains and describes samples as the analysis did that the scores come from. Where training rows are
    the scored ones, `inspected` is `train` itself.

    Returns:
        None if these are not the data that the model was fitted on and has scored.

    Raises:
        DataError: every training row is excluded.
    """
    known = scored.decision.analysis
    model = known.classifier
    fits = model.data_digest == train.to_fit.digest and scored.inspected_digest == inspected.digest
    if not fits or len(known.scores) != len(inspected):
        return None
    fitted_on = model.training_rows.cpu().numpy()
    if train.excluded is not None:
        fitted_on = np.flatnonzero(~train.excluded)[fitted_on]
    about = {name: getattr(known, name) for name in ("warnings", "timings", "provenance")}
    points = known_points(model, inspected)
    if train is inspected:
        points[fitted_on] = np.arange(len(fitted_on))  # of equal rows each has its own
    about |= {"fitted_on": fitted_on, "points": points}
    analysis = opened_analysis(model, train, inspected, known.scores, known.held_out_scores, **about)
    return replace(scored.decision, analysis=analysis)
