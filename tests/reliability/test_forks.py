"""A process that is forked after a fit has none of torch's threads."""

import os

import pytest
from process_steps import begin, end

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")

FORKING = """
import os, sys
import multiprocessing
import numpy as np
import torch
import kdeviz

rows = np.random.default_rng(0).normal(size=(2000, 8)).astype(np.float32)

def fit(_=None):
    return kdeviz.KDEClassifier(2).fit(rows)

def score(_=None):
    model.log_density(rows)

def analyse(_=None):
    kdeviz.analyse(rows, settings=kdeviz.Settings(2), device="cpu")

def tensor(_=None):
    kdeviz.KDEClassifier(2).fit(torch.from_numpy(rows))

def alone():
    torch.set_num_threads(1)
    fit()
    score()

def digest():
    kdeviz.EmbeddingSet.from_array(rows).digest

def in_child(work):
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    try:
        work()
        print(work.__name__, "done", flush=True)
    except kdeviz.ForkError as error:
        print(work.__name__, error, flush=True)
    os._exit(0)

if __name__ == "__main__":
    torch.set_num_threads(2)
    in_child(fit)  # nothing was computed here yet
    model = kdeviz.KDEClassifier(2)
    model.fit(rows)
    for work in (fit, score, analyse, tensor, alone, digest):
        in_child(work)
"""


def test_computing_after_a_fork_is_refused_instead_of_hanging():
    code, out, err = end(begin(FORKING))
    assert code == 0, err
    lines = out.splitlines()
    assert lines[0] == "fit done"
    refused = dict(line.split(" ", 1) for line in lines[1:5])
    assert refused.keys() == {"fit", "score", "analyse", "tensor"}
    for says in refused.values():
        assert 'multiprocessing.get_context("spawn")' in says
        assert len(says) < 300
    assert lines[5:] == ["alone done", "digest done"]


SPAWNING = """
import sys
sys.path.insert(0, sys.argv[1])
import spawned
import multiprocessing
if __name__ == "__main__":
    spawned.fit(0)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(spawned.fit, [1]))
"""


def test_processes_that_are_spawned_compute(tmp_path):
    (tmp_path / "spawned.py").write_text(
        "import numpy as np, kdeviz\n"
        "def fit(seed):\n"
        "    return kdeviz.KDEClassifier(2).fit(np.random.default_rng(seed).normal(size=(500, 8)))\n"
    )
    code, out, err = end(begin(SPAWNING, tmp_path))
    assert (code, out.strip()) == (0, "[True]"), err
