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


def test_import_is_quick_and_loads_nothing_heavy():
    for _ in range(2):  # the first may have to compile, or wait for others
        found = fresh_import()
        assert found["heavy"] == []
        if found["beyond_torch"] < 1.5:
            return
    raise AssertionError(f"beyond torch it takes {found['beyond_torch']:.1f} s")
