"""Threads of the programs wait without taking a core."""

import subprocess
import sys

import pytest

SET_UP = "from kdeviz.data import sleep_while_waiting, threads_sleep; sleep_while_waiting(); "
COUNT = "import numpy, threadpoolctl as t; print([p['num_threads'] for p in t.threadpool_info()])"


def said_by(code, monkeypatch, **environment):
    for name in ("OMP_WAIT_POLICY", "OPENBLAS_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.mark.parametrize(("chosen", "threads"), [({}, "[1]"), ({"OPENBLAS_NUM_THREADS": "2"}, "[2]")])
def test_numpy_decomposes_with_one_thread_unless_the_user_chose(chosen, threads, monkeypatch):
    assert said_by(SET_UP + COUNT, monkeypatch, **chosen) == threads


@pytest.mark.parametrize("module", ["kdeviz.cli", "kdeviz.data.threads"])
def test_threads_are_set_up_before_numpy_is_loaded(module, monkeypatch):
    said = said_by(
        f"import sys, {module}; print([m in sys.modules for m in ('numpy', 'torch')])", monkeypatch
    )
    assert said == "[False, False]"


@pytest.mark.parametrize(("chosen", "sleep"), [({}, "True"), ({"OMP_WAIT_POLICY": "active"}, "False")])
def test_torchs_threads_sleep_unless_the_user_chose(chosen, sleep, monkeypatch):
    assert said_by(SET_UP + "print(threads_sleep())", monkeypatch, **chosen) == sleep
