"""Processes that tests start, and end."""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
PATIENCE = 120.0  # seconds; other tests run beside


def begin(code, *arguments, **environment):
    """Start Python on this code."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**ENVIRONMENT, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process):
    """(exit status, stdout, stderr), once it has ended."""
    try:
        out, err = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return process.returncode, out, err


def wait_for(true, process=None):
    """Until something is true; while a process lives, if one is given."""
    latest = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < latest
        assert process is None or process.poll() is None, process.stderr.read()
        time.sleep(0.01)
