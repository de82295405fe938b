"""A few lines of numpy beside kdeviz's own model file."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdeviz.decision import Decision
from kdeviz.errors import ExportError
from kdeviz.output.formats.model_format import ModelFormat, Scored
from kdeviz.output.formats.native import model_bytes
from kdeviz.wording import one_line

_SCRIPT = '''\
"""Scores of a kdeviz model with nothing but numpy: python SCRIPT rows.npy prints a line for each row."""
import json, pathlib, sys
import numpy as np

raw = pathlib.Path(__file__).with_suffix(".safetensors").read_bytes()
start = 8 + int.from_bytes(raw[:8], "little")
header, body, kinds = json.loads(raw[8:start]), raw[start:], {"F64": "<f8", "F32": "<f4", "I64": "<i8"}
threshold = json.loads(header.pop("__metadata__")["kdeviz"])["threshold"]
part = lambda h: np.frombuffer(body[slice(*h["data_offsets"])], kinds[h["dtype"]]).reshape(h["shape"])
t = {name: part(h) for name, h in header.items()}
HELD_OUT

def score(rows):  # (M, D), to log densities, p-values and verdicts
    s = (np.asarray(rows, float) - t["pca_model.mean"])UNITS @ t["pca_model.singular_vectors"]
    s = s / LENGTH
    z, y = (s - t["kde_model.mean"]) @ t["kde_model.bw_transform"], t["kde_model.dataset"]
    sums = np.array([np.logaddexp.reduce(-0.5 * ((y - row) ** 2).sum(1)) for row in z])
    log_density = sums - np.log(len(y)) + t["kde_model.log_norm"]
    p_value = P_VALUE
    return log_density, p_value, ~(log_density >= threshold)  # a row with NaN does not pass

if __name__ == "__main__":
    columns = np.transpose(score(np.load(sys.argv[1])))
    np.savetxt(sys.stdout, columns, fmt="%.9g", header="log_density p_value flagged")
'''
_UNITS = """ * np.divide(1, d := t["pca_model.deviations"], out=0 * d, where=d > 0)"""
_LENGTHS = {
    True: """t["max_length"]""",
    False: "np.maximum(np.linalg.norm(s, axis=1, keepdims=True), 1e-300)",
}
# Copies, which are not independent, count once.
_DISTINCT = """[np.unique(t["NAMES"], axis=0, return_index=True)[1]]"""
_P_VALUE = """np.where(np.isnan(log_density), np.nan, held.searchsorted(log_density, "right") / len(held))"""
_NO_P_VALUE = "np.full(len(z), np.nan)  # the model holds no held-out scores"
_PLAIN_NAME = re.compile(r"[\w. -]+")
_RUN = """\
import runpy, sys
sys.modules["torch"] = None
import numpy
script, rows, scores = sys.argv[1:]
names = ("log_density", "p_value", "flagged")
numpy.savez(scores, **dict(zip(names, runpy.run_path(script)["score"](numpy.load(rows)))))
"""


class NumpyScript(ModelFormat):
    """.py and .safetensors."""

    name = "numpy"
    title = "numpy script"
    suffix = ".py"
    companions = (".safetensors",)
    of_arrays = True
    words = (
        "kdeviz's own model file and a short script that reads it: no torch, no kdeviz, nothing but numpy. "
        "It gives log densities, p-values and verdicts. It is slow, and short enough to be read."
    )

    def loading(self, decision: Decision, file: str) -> str:
        """See `ModelFormat`."""
        return f"""\
import runpy
log_density, p_value, flagged = runpy.run_path({file!r})["score"](rows)"""

    def write(self, decision: Decision, path: Path) -> None:
        """See `ModelFormat`."""
        path.with_suffix(".safetensors").write_bytes(model_bytes(decision))
        path.write_text(_script(decision, path.name), encoding="utf-8")

    def check(self, decision: Decision, path: Path, rows: NDArray[np.float32]) -> Scored:
        """See `ModelFormat`; in a process that cannot import torch. Rows without a score must not pass."""
        with tempfile.TemporaryDirectory() as folder:
            given, found = Path(folder) / "rows.npy", Path(folder) / "scores.npz"
            np.save(given, np.concatenate([rows, _without_score(rows)]))
            command = [sys.executable, "-P", "-c", _RUN, str(path), str(given), str(found)]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise ExportError(f"the script fails: {one_line(done.stderr[-300:], 300)}")
            with np.load(found) as scores:
                told = {name: scores[name] for name in scores.files}
        if not (told["flagged"][len(rows) :].all() and np.isnan(told["p_value"][len(rows) :]).all()):
            raise ExportError("the script lets rows with NaN or infinity pass")
        if not decision.analysis.calibrated:
            del told["p_value"]
        return Scored("numpy", np.__version__, **{name: values[: len(rows)] for name, values in told.items()})


def _without_score(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """A row with NaN, and one with infinity."""
    bad = np.repeat(rows[:1], 2, axis=0)
    bad[:, 0] = np.nan, np.inf
    return bad


def _script(decision: Decision, name: str) -> str:
    """The lines that this model needs, and no others."""
    settings, calibrated = decision.analysis.settings, decision.analysis.calibrated
    lines = {
        "UNITS": _UNITS if settings.standardise else "",
        "LENGTH": _LENGTHS[settings.scaling.is_unit],
        "HELD_OUT\n": _held_out(decision),
        "P_VALUE": _P_VALUE if calibrated else _NO_P_VALUE,
        "SCRIPT": name if _PLAIN_NAME.fullmatch(name) else "this_script.py",  # a quote would end the text
    }
    script = _SCRIPT
    for place, line in lines.items():
        script = script.replace(place, line)
    return script


def _held_out(decision: Decision) -> str:
    if not decision.analysis.calibrated:
        return ""
    model = decision.analysis.classifier
    names = "training_groups" if len(model.training_groups) else "training_keys"
    distinct = _DISTINCT.replace("NAMES", names) if len(model.training_keys) else ""
    # The lowest of all stands for the row itself, which counts as one of them.
    return f"""held = np.sort([-np.inf, *t["held_out_scores"]{distinct}])\n"""
