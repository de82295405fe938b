"""ONNX: one file for every language and device that has an ONNX runtime."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdeviz import __version__
from kdeviz.decision import Decision
from kdeviz.output.formats.model_format import ModelFormat, Scored
from kdeviz.output.formats.onnx_graph import INPUT, OUTPUTS, model_proto

_DESCRIPTION = (
    "PCA + Gaussian-KDE anomaly classifier. log_density in nats, lower is more anomalous; p_value: the share "
    "of new normal rows that score so low (NaN where the model has no held-out scores); probability on a "
    "logistic curve; is_anomalous: below the threshold, and for rows with NaN."
)


class Onnx(ModelFormat):
    """ONNX, any batch size."""

    name = "onnx"
    title = "ONNX"
    suffix = ".onnx"
    words = (
        "One ONNX file for any batch size. It takes `features` and gives `log_density`, `p_value`, "
        "`probability` and `is_anomalous`. It holds the training points as the model sees them, from which "
        "the training rows can be computed back as far as the kept components tell them apart, and the "
        "held-out scores, but no ids, labels or texts; settings, threshold and the names of the features are "
        "in its metadata."
    )
    takes_float32 = True
    of_arrays = True
    needs = ("onnx", "onnxruntime")
    install = "pip install 'kdeviz[onnx]'"

    def loading(self, decision: Decision, file: str) -> str:
        """See `ModelFormat`."""
        return f"""\
import onnxruntime
session = onnxruntime.InferenceSession({file!r})
outputs = session.run(None, {{"features": rows.astype("float32")}})
log_density, p_value, probability, is_anomalous = outputs"""

    def write(self, decision: Decision, path: Path) -> None:
        """See `ModelFormat`."""
        path.write_bytes(onnx_bytes(decision))

    def check(self, decision: Decision, path: Path, rows: NDArray[np.float32]) -> Scored:
        """See `ModelFormat`; also in batches of one, and of none."""
        import onnxruntime

        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        parts = [session.run([*OUTPUTS], {INPUT: batch}) for batch in (rows[:0], rows[:1], rows[1:])]
        log_density, p_value, probability, flagged = map(np.concatenate, zip(*parts, strict=True))
        return Scored("ONNX Runtime", onnxruntime.__version__, log_density, probability, p_value, flagged)


def onnx_bytes(decision: Decision) -> bytes:
    """The content of the file."""
    content: bytes = model_proto(decision, metadata(decision), _DESCRIPTION).SerializeToString()
    return content


def metadata(decision: Decision) -> dict[str, str]:
    """What a file says of the model, texts by name."""
    model = decision.analysis.classifier
    return {
        "kdeviz_version": __version__,
        "settings": json.dumps(model.settings.to_dict(), sort_keys=True),
        "threshold": repr(decision.threshold),
        "midpoint": repr(decision.curve.midpoint),
        "steepness": repr(decision.curve.steepness),
        "data_digest": model.data_digest,
        "feature_names": json.dumps(model.feature_names),
        "training_points": str(len(model.training_rows)),
        "held_out_scores": str(len(decision.analysis.calibration)),
    }
