"""What MLflow calls to open a model that kdeviz wrote; its path stands in the model's MLmodel file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kdeviz.decision import p_values
from kdeviz.output.formats.native import read_decision

if TYPE_CHECKING:
    import pandas as pd


class ServedModel:
    """A decision behind MLflow's `predict`."""

    def __init__(self, path: str) -> None:
        self._decision = read_decision(path)

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """(M, D) rows to a table of log_density, p_value, probability and is_anomalous.

        Raises:
            DataError: wrong shape, NaN or infinity.
        """
        import pandas as pd

        decision = self._decision
        scores = decision.fitted_model.log_density(np.asarray(model_input)).cpu().numpy()
        calibration = decision.analysis.calibration
        columns = {
            "log_density": scores,
            "p_value": p_values(calibration, scores) if len(calibration) else np.full(len(scores), np.nan),
            "probability": decision.curve(scores),
            "is_anomalous": scores < decision.threshold,
        }
        return pd.DataFrame(columns)


def _load_pyfunc(path: str) -> ServedModel:
    """MLflow looks for this name."""
    return ServedModel(path)
