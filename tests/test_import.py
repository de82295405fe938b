import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOADED = """
import json, sys
import numpy, torch
before = set(sys.modules)
import kdeviz, kdeviz.decision, kdeviz.model
packages = {name.partition(".")[0] for name in set(sys.modules) - before} - sys.stdlib_module_names
print(json.dumps(sorted(packages)))
"""


def test_import_loads_little_beside_torch():
    done = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert set(json.loads(done.stdout)) <= {"cachetools", "kdeviz", "lazy_loader", "msgspec", "numpy"}


LITTLE = """
import json, os, sys
import numpy as np
from kdeviz.cli import main
os.chdir(sys.argv[1])
np.save("rows.npy", np.random.default_rng(0).normal(size=(200, 20)))
packages = {"streamlit", "plotly", "pandas", "scipy.special", "sklearn", "onnx", "mlflow", "skops",
            "openvino", "distributed", "ray", "fsspec", "rich", "kdeviz.preflight", "kdeviz.sweep"}
for command in (
    "fit rows.npy -o m.safetensors", "info m.safetensors", "score m.safetensors rows.npy -o scores"
):
    try:
        main(command.split())
    except SystemExit as left:
        assert not left.code, command
    print(json.dumps([command.split()[0], *sorted(packages & set(sys.modules))]))
"""


def test_a_fit_and_its_scores_load_nothing_that_they_do_not_use(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", LITTLE, tmp_path], cwd=ROOT, capture_output=True, text=True, check=True
    )
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    # pyarrow imports pandas when it is given an array.
    assert told == [["fit"], ["info"], ["score", "pandas"]]


HELP = """
import json, sys
from kdeviz.cli import main
for command in (["--version"], ["--help"], ["fit", "--help"], ["score", "--help"], ["runs", "--help"]):
    try:
        main(command)
    except SystemExit as left:
        assert not left.code
packages = {"torch", "numpy", "pandas", "pyarrow", "scipy", "sklearn", "streamlit", "plotly", "llvmlite"}
print(json.dumps(sorted(packages & set(sys.modules))))
"""


def test_help_computes_nothing():
    done = subprocess.run([sys.executable, "-c", HELP], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == []
