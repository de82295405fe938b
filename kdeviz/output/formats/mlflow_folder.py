"""A model in MLflow's pyfunc flavour."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdeviz import __version__
from kdeviz.decision import Decision
from kdeviz.output.formats.model_format import ModelFormat, Scored
from kdeviz.output.formats.native import model_bytes
from kdeviz.output.formats.probes import synthetic_rows
from kdeviz.output.mlflow import check_installed

_LOADER = "kdeviz.output.formats.mlflow_loader"
_EXAMPLES = 2


class MlflowModel(ModelFormat):
    """A folder."""

    name = "mlflow"
    title = "MLflow model"
    suffix = ""
    words = (
        "A folder that `mlflow models serve` and `mlflow.pyfunc.load_model` open, with the names of the "
        "features as its signature and a synthetic example. It gives a table of log density, p-value, "
        "probability and verdict, and takes kdeviz to run."
    )
    needs = ("mlflow",)
    install = "pip install 'kdeviz[mlflow]'"

    def loading(self, decision: Decision, file: str) -> str:
        """See `ModelFormat`."""
        return f"""\
import mlflow
import pandas
model = mlflow.pyfunc.load_model({file!r})
names = model.metadata.get_input_schema().input_names()
table = model.predict(pandas.DataFrame(rows, columns=names))
log_density, flagged = table["log_density"], table["is_anomalous"]"""

    def write(self, decision: Decision, path: Path) -> None:
        """See `ModelFormat`."""
        mlflow = check_installed()
        example = _frame(decision, synthetic_rows(decision.fitted_model)[:_EXAMPLES])
        with _quiet(), tempfile.TemporaryDirectory() as folder:
            stored = Path(folder) / "model.safetensors"
            stored.write_bytes(model_bytes(decision))
            mlflow.pyfunc.save_model(
                str(path),
                loader_module=_LOADER,
                data_path=str(stored),
                signature=_signature(mlflow, example),
                input_example=example,
                pip_requirements=[f"kdeviz=={__version__}"],
                metadata={"kdeviz_version": __version__},
            )

    def check(self, decision: Decision, path: Path, rows: NDArray[np.float32]) -> Scored:
        """See `ModelFormat`."""
        mlflow = check_installed()
        found = mlflow.pyfunc.load_model(str(path)).predict(_frame(decision, rows))
        p_value = found["p_value"].to_numpy()
        return Scored(
            "MLflow",
            mlflow.__version__,
            found["log_density"].to_numpy(),
            found["probability"].to_numpy(),
            None if np.isnan(p_value).all() else p_value,
            found["is_anomalous"].to_numpy(),
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the steps of a save, which MLflow tells on stderr; its warnings are told."""
    logger = logging.getLogger("mlflow.pyfunc")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)


def _frame(decision: Decision, rows: NDArray[np.float32]) -> Any:
    """Rows under the names of the features, or under their numbers."""
    import pandas as pd

    names = decision.analysis.classifier.feature_names or [str(i) for i in range(rows.shape[1])]
    return pd.DataFrame(rows.astype(np.float64), columns=list(names))


def _signature(mlflow: Any, example: Any) -> Any:
    kinds, column = mlflow.types.DataType, mlflow.types.ColSpec
    scores = [column(kinds.double, name) for name in ("log_density", "p_value", "probability")]
    return mlflow.models.ModelSignature(
        mlflow.types.Schema([column(kinds.double, name) for name in example.columns]),
        mlflow.types.Schema([*scores, column(kinds.boolean, "is_anomalous")]),
    )
