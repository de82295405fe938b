"""Peak memory above the inputs while scoring, each case in a process of its own (Linux: it resets VmHWM)."""

from __future__ import annotations

import subprocess
import sys

_CASE = r"""
import ctypes, pathlib, re, sys, torch
from kdeviz import KDEClassifier
n, m, d, k = map(int, sys.argv[1:])
g = torch.Generator().manual_seed(0)
model = KDEClassifier(k)
model.fit(torch.randn(n, d, generator=g))
queries = torch.randn(m, d, generator=g)
model.log_density(queries[:10])
def status(name):
    return int(re.search(name + r":\s+(\d+) kB", pathlib.Path("/proc/self/status").read_text())[1])
ctypes.CDLL(None).malloc_trim(0)  # else memory freed by the fit is used again unseen
pathlib.Path("/proc/self/clear_refs").write_text("5")
before = status("VmRSS")
model.log_density(queries)
print((status("VmHWM") - before) / 1024)
"""
CASES = ((2000, 1000, 64, 16), (40_000, 10_000, 64, 16), (40_000, 60_000, 64, 16), (500, 1_000_000, 32, 4))


def run() -> list[tuple[tuple[int, int, int, int], float]]:
    return [(case, _measured(case)) for case in CASES]


def _measured(case: tuple[int, int, int, int]) -> float:
    command = [sys.executable, "-c", _CASE, *map(str, case)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
