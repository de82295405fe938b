import logging
import os
import sys
from collections import Counter
from types import ModuleType

from kdeviz.data import sleep_while_waiting

# Before torch is loaded, here and in what tests start: workers share the cores instead of fighting for them.
sleep_while_waiting()
if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 0)):
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))

import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402
from cli_steps import Outcome  # noqa: E402
from coverage import Coverage  # noqa: E402
from hypothesis import settings  # noqa: E402
from log_steps import records_of  # noqa: E402
from xdist.scheduler import LoadScopeScheduling  # noqa: E402

from kdeviz.model.classifier import KDEClassifier  # noqa: E402

settings.register_profile("kdeviz", deadline=None, derandomize=True, database=None, max_examples=25)
settings.load_profile("kdeviz")


LAST = tuple(f"tests/browser/test_{name}.py" for name in ("cockpit", "find", "map", "nothing_lost"))
"""Run one by one when all else is done, by whoever is free: no worker waits for the one with the browser."""
TOGETHER = ("tests/browser/", "tests/cli/test_cli_sweep.py", "tests/test_packaging.py")
"""One worker runs all other tests of such a place, because they share what is slow to make."""
CASES_MEASURED = 2
"""Coverage is measured in so many cases of a test at most: it takes a third of the time and more on top."""
UNMEASURED = {"browser", "ui", "reliability"}
"""Folders of tests without coverage: it leaves out what they test, see pyproject.toml, or they take long."""
MEASURED = pytest.StashKey[bool]()
PAUSED: list[Coverage] = []


def pytest_make_parametrize_id(val):
    """Files made while tests are collected differ between workers, which must agree on all names."""
    return "bytes" if isinstance(val, bytes) and len(val) > 40 else None


def pytest_collection_modifyitems(items):
    cuda, cases = torch.cuda.is_available(), Counter()
    for item in items:
        cases[test := item.nodeid.partition("[")[0]] += 1
        item.stash[MEASURED] = cases[test] <= CASES_MEASURED and UNMEASURED.isdisjoint(item.path.parts)
        if "browser" in item.keywords:  # of a wait that ran out on a busy machine; the summary names it
            item.add_marker(pytest.mark.flaky(reruns=1, only_rerun="TimeoutError"))
        if "gpu" in item.keywords and not cuda:
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))
    items.sort(key=lambda item: item.nodeid.startswith(LAST) - (place_of(item.nodeid) in TOGETHER))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item):
    """Pause what measures, or let it go on: two in each worker, where pytest-cov starts a second one."""
    if item.stash[MEASURED]:
        while PAUSED:
            PAUSED.pop().start()
    else:
        while measuring := Coverage.current():
            measuring.stop()
            PAUSED.append(measuring)


def place_of(nodeid):
    """What one worker runs in one go: a place of `TOGETHER`, a test of `LAST`, a module of all others."""
    if nodeid.startswith(LAST):
        return nodeid
    return next(filter(nodeid.startswith, TOGETHER), nodeid.partition("::")[0])


class Distribution(LoadScopeScheduling):
    """To each worker the next place, in the order of the tests.

    With pytest 9.2, xdist 3.8 ignores its own marks for groups and says nothing.
    """

    def __init__(self, config, log):
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid):
        return place_of(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return Distribution(config, log)


def correlated_rows(n, d, seed=0, decades=1.0, offset=1.0):
    """(n, d) float64 Gaussian rows whose standard deviations fall over some decades, rotated and shifted."""
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(d, d)))
    spreads = 10.0 ** (-decades * np.arange(d) / max(d - 1, 1))
    return rng.normal(size=(n, d)) * spreads @ rotation + offset * rng.normal(size=d)


@pytest.fixture(scope="session")
def make_rows():
    return correlated_rows


@pytest.fixture(scope="session")
def rows64():
    """300 training rows of 12 dimensions; read-only, because every test shares them."""
    rows = correlated_rows(300, 12)
    rows.flags.writeable = False
    return rows


@pytest.fixture(scope="session")
def rows32(rows64):
    rows = rows64.astype(np.float32)
    rows.flags.writeable = False
    return rows


@pytest.fixture(scope="session")
def fitted(rows32):
    """A model on rows32; only to be read."""
    model = KDEClassifier(5)
    assert model.fit(rows32)
    return model


@pytest.fixture
def decomposed(monkeypatch):
    """How many rows each data set had whose principal axes were computed, none from before."""
    module, sizes = sys.modules["kdeviz.model.principal_axes"], []
    compute = module._from_gram
    monkeypatch.setattr(
        module, "_from_gram", lambda rows, *args: sizes.append(len(rows)) or compute(rows, *args)
    )
    return sizes


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """`run("fit", ...)` in an empty folder, as the console script does it."""
    from kdeviz import cli

    monkeypatch.chdir(tmp_path)

    def outcome(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            cli.main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Outcome(left.value.code or 0, out, err)

    return outcome


@pytest.fixture
def logged():
    """The log records of this test."""
    with records_of(logging.getLogger()) as records:
        yield records


@pytest.fixture
def mlflow_is_there(monkeypatch):
    for name in ("mlflow", "mlflow.entities"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))


@pytest.fixture
def no_mlflow(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)


@pytest.fixture
def start(monkeypatch, tmp_path, request):
    """`start("data.npy", at="tune")`: the app with these arguments, on a page, as `app_steps` drives it."""
    from streamlit.testing.v1 import AppTest
    from streamlit.util import calc_hash

    from kdeviz.ui.door import SCRIPT

    # At every start it reads about every installed package whether it brings components. Ours are in the app.
    monkeypatch.setattr("streamlit.components.v2.manifest_scanner.scan_component_manifests", list)
    # However busy the machine: a file that was uploaded, and its fit, are on the screen after one run.
    monkeypatch.setattr("kdeviz.ui.work.reading._PATIENCE_SECONDS", 60)
    if "work_with" not in request.fixturenames:
        monkeypatch.setattr("kdeviz.ui.work.fitting._PATIENCE_SECONDS", 30)
        monkeypatch.setattr("kdeviz.ui.work.fitting._LIVE_SECONDS", 5)

    def started(*arguments, at="", **query):
        folders = (f"--{name}={tmp_path / name}" for name in ("marks", "runs", "uploads"))
        monkeypatch.setattr("sys.argv", ["app.py", *folders, *arguments])
        test = AppTest.from_file(str(SCRIPT), default_timeout=60)
        if at:
            test._page_hash = calc_hash(at)
        test.query_params.update(query)
        test.run()
        assert not test.exception
        return test

    return started


@pytest.fixture
def app(start):
    return start()


@pytest.fixture
def work_with(monkeypatch):
    """Let every page started from now on do its analyses with this function."""
    from kdeviz.ui.work.jobs import JobBoard

    def replaced(work):
        board = JobBoard(work)
        monkeypatch.setattr("kdeviz.ui.work.fitting.job_board", lambda: board)
        return board

    return replaced
