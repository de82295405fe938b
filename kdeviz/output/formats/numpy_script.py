"""Fifteen lines of numpy beside kdeviz's own model file."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdeviz.decision import Decision
from kdeviz.errors import ExportError
from kdeviz.output.formats.affine import unknown_scaling
from kdeviz.output.formats.model_format import ModelFormat, Scored
from kdeviz.output.formats.native import model_bytes
from kdeviz.wording import one_line

_SCRIPT = '''\
"""Scores of a kdeviz model with nothing but numpy: python SCRIPT rows.npy prints one log density a line."""
import json, pathlib, sys
import numpy as np

raw = pathlib.Path(__file__).with_suffix(".safetensors").read_bytes()
start = 8 + int.from_bytes(raw[:8], "little")
header = json.loads(raw[8:start])
about = json.loads(header.pop("__metadata__")["kdeviz"])
t = {}
for name, entry in header.items():
    begin, end = (start + offset for offset in entry["data_offsets"])
    kind = {"F64": "<f8", "F32": "<f4", "I64": "<i8"}[entry["dtype"]]
    t[name] = np.frombuffer(raw[begin:end], kind).reshape(entry["shape"])

def log_density(rows):
    x = np.asarray(rows, float) - t["pca_model.mean"]
    if len(t.get("pca_model.deviations", "")):  # the model standardises features
        x = np.divide(x, t["pca_model.deviations"], out=0 * x, where=t["pca_model.deviations"] > 0)
    s = x @ t["pca_model.singular_vectors"]
    length = np.linalg.norm(s, axis=1, keepdims=True)
    scale = about["settings"]["feature_scaling_method"] == "scale"
    s = s / (t["max_length"] if scale else length + (length == 0))
    z, y = (s - t["kde_model.mean"]) @ t["kde_model.bw_transform"], t["kde_model.dataset"]
    sums = [np.logaddexp.reduce(-0.5 * ((y - row) ** 2).sum(1)) for row in z]
    return np.array(sums) - np.log(len(y)) + t["kde_model.log_norm"]

if __name__ == "__main__":
    np.savetxt(sys.stdout, log_density(np.load(sys.argv[1])), fmt="%.9g")
'''
_RUN = """\
import runpy, sys
sys.modules["torch"] = None
import numpy
script, rows, scores = sys.argv[1:]
numpy.save(scores, runpy.run_path(script)["log_density"](numpy.load(rows)))
"""


class NumpyScript(ModelFormat):
    """.py and .safetensors."""

    name = "numpy"
    title = "numpy script"
    suffix = ".py"
    companions = (".safetensors",)
    words = (
        "kdeviz's own model file and a short script that reads it: no torch, no kdeviz, nothing but numpy. "
        "It gives log densities; the threshold is in the model card. It is slow, and short enough to be read."
    )

    def loading(self, decision: Decision, file: str) -> str:
        """See `ModelFormat`."""
        return f"""\
import runpy
log_density = runpy.run_path({file!r})["log_density"](rows)
flagged = log_density < {decision.threshold!r}"""

    def refusal(self, decision: Decision) -> str:
        """See `ModelFormat`."""
        return unknown_scaling(decision.analysis.classifier)

    def write(self, decision: Decision, path: Path) -> None:
        """See `ModelFormat`."""
        path.with_suffix(".safetensors").write_bytes(model_bytes(decision))
        path.write_text(_SCRIPT.replace("SCRIPT", path.name), encoding="utf-8")

    def check(self, decision: Decision, path: Path, rows: NDArray[np.float32]) -> Scored:
        """See `ModelFormat`; in a process that cannot import torch."""
        with tempfile.TemporaryDirectory() as folder:
            given, found = Path(folder) / "rows.npy", Path(folder) / "scores.npy"
            np.save(given, rows)
            command = [sys.executable, "-P", "-c", _RUN, str(path), str(given), str(found)]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise ExportError(f"the script fails: {one_line(done.stderr[-300:], 300)}")
            scores: NDArray[Any] = np.load(found)
        return Scored("numpy", np.__version__, scores)
