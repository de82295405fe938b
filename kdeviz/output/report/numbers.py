"""The numbers of a decision for programs, in full precision."""

from __future__ import annotations

import math
from typing import Any

from kdeviz.analysis import drift
from kdeviz.decision import Decision, Estimate


def decision_numbers(decision: Decision, inspected_digest: str) -> dict[str, Any]:
    """What the page tells, ready for JSON; None where a number is not known.

    The digest is of the features of the inspected rows, which need not be here.
    """
    analysis, model = decision.analysis, decision.analysis.classifier
    expected, counts, metrics = decision.expected_alarms, decision.confusion, decision.metrics
    unlike, p_values = drift(analysis), decision.p_values
    return {
        "inspected": len(analysis.scores),
        "flagged": decision.n_flagged,
        "threshold": _number(decision.threshold),
        "training_rows": len(model.training_rows),
        "components_kept": model.n_components_,
        "variance_kept": float(model.pca_model.explained_variance_ratio.sum()),
        "expected_alarms": {**expected._asdict(), "rate": expected.known_rate},
        "smallest_p_value": None if p_values is None else float(p_values.min()),
        "auroc": decision.auroc,
        "confusion": None if counts is None else counts._asdict(),
        "metrics": {}
        if metrics is None
        else {name: _estimate(value) for name, value in metrics._asdict().items() if value is not None},
        "drift": None if unlike is None else unlike._asdict(),
        "settings": analysis.settings.to_dict(),
        "data_digest": analysis.provenance.get("train_digest"),
        "inspected_digest": inspected_digest,
    }


def _estimate(estimate: Estimate) -> dict[str, float | str | None]:
    low, high = estimate.interval
    return {"value": _number(estimate.value), "low": _number(low), "high": _number(high)}


def _number(value: float) -> float | str | None:
    """JSON has no infinity, and no number that is none."""
    if math.isnan(value):
        return None
    return float(value) if math.isfinite(value) else str(value)
