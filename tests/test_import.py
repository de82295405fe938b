import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
CODE = """
import json, sys, time
start = time.perf_counter()
import torch
after_torch = time.perf_counter()
import kdeviz, kdeviz.decision, kdeviz.model
done = time.perf_counter()
heavy = {"streamlit", "plotly", "pandas", "pyarrow", "sklearn", "scipy"} & set(sys.modules)
print(json.dumps({"beyond_torch": done - after_torch, "heavy": sorted(heavy)}))
"""


def fresh_import():
    done = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


LITTLE = """
import json, sys
import numpy as np
from kdeviz.cli import main
np.save(f"{sys.argv[1]}/rows.npy", np.random.default_rng(0).normal(size=(200, 20)))
try:
    main(["fit", f"{sys.argv[1]}/rows.npy", "-o", f"{sys.argv[1]}/m.safetensors"])
except SystemExit as left:
    assert not left.code
packages = {"streamlit", "plotly", "pandas", "scipy.special", "sklearn", "onnx", "mlflow", "skops"}
print(json.dumps(sorted(packages & set(sys.modules))))
"""


def test_a_fit_loads_nothing_that_it_does_not_use(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", LITTLE, tmp_path], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_import_is_quick_and_loads_nothing_heavy():
    for _ in range(2):  # the first may have to compile, or wait for others
        found = fresh_import()
        assert found["heavy"] == []
        if found["beyond_torch"] < 1.5:
            return
    raise AssertionError(f"beyond torch it takes {found['beyond_torch']:.1f} s")
