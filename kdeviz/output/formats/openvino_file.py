"""OpenVINO's own files, made from the ONNX graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdeviz.decision import Decision
from kdeviz.output.formats.model_format import ModelFormat, Scored
from kdeviz.output.formats.onnx_file import metadata, onnx_bytes
from kdeviz.output.formats.onnx_graph import INPUT, OUTPUTS

_EXACT = {"INFERENCE_PRECISION_HINT": "f32", "EXECUTION_MODE_HINT": "ACCURACY"}


class OpenVino(ModelFormat):
    """.xml and .bin."""

    name = "openvino"
    title = "OpenVINO"
    suffix = ".xml"
    companions = (".bin",)
    words = (
        "An `.xml` and a `.bin` for Intel's runtime, with the outputs of the ONNX file. Weights stay in "
        "float32. OpenVINO shortens numbers when it computes, unless it is told not to: compile with the two "
        "options that the model card shows."
    )
    limits = (
        "OpenVINO has no double precision: where some components vary a thousand times less than others, or "
        "features vary little beside their size, it loses the digits that count; use ONNX instead"
    )
    takes_float32 = True
    of_arrays = True
    needs = ("openvino", "onnx")
    install = "pip install 'kdeviz[openvino]'"

    def loading(self, decision: Decision, file: str) -> str:
        """See `ModelFormat`."""
        return f"""\
import openvino
exact = {_EXACT!r}
model = openvino.compile_model({file!r}, "CPU", exact)
found = model({{"features": rows.astype("float32")}})
log_density, flagged = found["log_density"], found["is_anomalous"]"""

    def write(self, decision: Decision, path: Path) -> None:
        """See `ModelFormat`."""
        import openvino

        # Not convert_model, which tells Intel over the network what it converts.
        model = openvino.Core().read_model(onnx_bytes(decision))
        for name, value in metadata(decision).items():
            model.set_rt_info(value, ["kdeviz", name])
        for name, value in _EXACT.items():
            model.set_rt_info(value, ["runtime_options", name])
        openvino.save_model(model, path, compress_to_fp16=False)

    def check(self, decision: Decision, path: Path, rows: NDArray[np.float32]) -> Scored:
        """See `ModelFormat`; also in a batch of one."""
        import openvino

        model = openvino.compile_model(path, "CPU", _EXACT)

        def outputs(batch: NDArray[np.float32]) -> list[NDArray[Any]]:
            found = model({INPUT: batch})
            return [np.array(found[name]) for name in OUTPUTS]

        parts = [outputs(rows[:1]), outputs(rows[1:])]
        log_density, p_value, probability, flagged = map(np.concatenate, zip(*parts, strict=True))
        version = openvino.get_version().partition("-")[0]
        return Scored("OpenVINO", version, log_density, probability, p_value, flagged.astype(bool))
