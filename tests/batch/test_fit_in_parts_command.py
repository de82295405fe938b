"""`kdeviz fit --in-parts`: the model of `kdeviz fit`, in little memory."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cli_steps import ENVIRONMENT, refused

from kdeviz.data import is_beyond_memory, memory

RANDOM = np.random.default_rng(5)
FEATURES = RANDOM.normal(size=(600, 4)).astype(np.float32)
SAME = (
    "training rows",
    "dimensions",
    "components kept",
    "variance kept",
    "threshold",
    "expected false alarms",
)


@pytest.fixture
def files(run):
    for name, rows in {"1": slice(0, 200), "2": slice(200, 400), "10": slice(400, 600)}.items():
        table = pd.DataFrame(FEATURES[rows], columns=list("abcd"))
        Path("in").mkdir(exist_ok=True)
        table.assign(label=np.where(np.arange(200) % 40 == 3, "bad", "good")).to_parquet(f"in/{name}.parquet")


def fitted(run, *options):
    done = run(
        "fit",
        "in",
        "-o",
        "m.safetensors",
        "--components",
        2,
        "--max-training-points",
        150,
        *options,
        "--force",
    )
    assert done.code == 0, done.err
    return done, Path("m.safetensors").read_bytes()


def test_the_model_file_is_the_same(run, files):
    parts, content = fitted(run, "--in-parts")
    whole, expected = fitted(run, "--at-once")
    assert content == expected
    assert [parts.fact(name) for name in SAME] == [whole.fact(name) for name in SAME]
    assert parts.fact("label") == whole.fact("label")
    assert "450 rows that were not fitted were not scored" in parts.err
    assert "labelled anomalous" in parts.err
    assert "3 files were read as one set" in parts.err


def test_a_second_file_can_be_scored_with_it(run, files):
    pd.DataFrame(3 * FEATURES[:50], columns=list("dcba")).to_csv("new.csv", index=False)
    parts, _ = fitted(
        run, "--in-parts", "--score", "new.csv", "--threshold-rule", "fdr", "--threshold-value", 0.2
    )
    whole, _ = fitted(
        run, "--at-once", "--score", "new.csv", "--threshold-rule", "fdr", "--threshold-value", 0.2
    )
    assert parts.fact("flagged") == whole.fact("flagged")
    assert parts.fact("threshold") == whole.fact("threshold")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--keep"], "--keep needs all rows in memory"),
        (["--fix", "duplicates"], "--fix needs all rows in memory"),
        (["--metadata", "in/1.parquet"], "--metadata needs all rows in memory"),
        (["--threshold-rule", "top_k", "--threshold-value", 3], "name some with --score"),
    ],
)
def test_what_needs_all_rows_is_refused(run, files, options, why):
    done = run("fit", "in", "-o", "m.safetensors", "--in-parts", *options)
    assert why in refused(done)
    assert not Path("m.safetensors").exists()


def test_the_sample_set_is_not_read_in_parts(run):
    assert "a built-in example is small" in refused(run("fit", "sample", "-o", "m.safetensors", "--in-parts"))


def test_large_files_are_read_in_parts_unless_all_rows_are_needed(run, files, monkeypatch):
    assert "read in parts" not in fitted(run)[0].err
    sizes = sum(path.stat().st_size for path in Path("in").iterdir())
    monkeypatch.setattr("kdeviz.data.memory.free_memory", lambda: 4 * sizes - 4)
    assert "so it is read in parts" in fitted(run)[0].err
    assert "read in parts" not in fitted(run, "--at-once")[0].err
    assert "read in parts" not in fitted(run, "--threshold-rule", "top_k", "--threshold-value", 3)[0].err
    monkeypatch.setattr("kdeviz.data.memory.free_memory", lambda: 4 * sizes)
    assert "read in parts" not in fitted(run)[0].err


def test_what_goes_wrong_there_names_the_other_way(run, files, monkeypatch):
    monkeypatch.setattr("kdeviz.data.memory.free_memory", lambda: 0)
    np.save("x.npy", FEATURES)
    np.save("y.npy", FEATURES[:, :3])
    done = run("fit", "x.npy", "y.npy", "-o", "m.safetensors")
    assert done.code == 2
    assert "y.npy has 3 dimensions" in done.err
    assert "--at-once reads all rows into memory" in done.err


def test_kinds_that_cannot_be_cut_are_read_at_once(run, monkeypatch):
    monkeypatch.setattr("kdeviz.data.memory.free_memory", lambda: 0)
    np.savez("a.npz", x=FEATURES)
    np.save("a.npy", FEATURES)
    assert not is_beyond_memory(["a.npz"])
    assert is_beyond_memory(["a.npy"])
    assert not is_beyond_memory(["none.npy"])


@pytest.mark.parametrize(
    ("told", "bytes_free"), [("MemTotal: 9 kB\nMemAvailable:    7 kB\nMemFree: 1 kB\n", 7168), ("", None)]
)
def test_the_free_memory_is_what_the_system_says(monkeypatch, tmp_path, told, bytes_free):
    (tmp_path / "meminfo").write_text(told)
    monkeypatch.setattr(memory, "_MEMORY", tmp_path / "meminfo")
    monkeypatch.delattr("os.sysconf", raising=False)
    assert memory.free_memory() == bytes_free


MEMORY = """
import re
from pathlib import Path
from kdeviz.batch import analyse_in_parts
from kdeviz.settings import Settings
done = analyse_in_parts(["large.npy"], None, Settings(n_pca_components=2, max_training_points=500), "cpu")
assert len(done.analysis.train) == 500
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="its size is told otherwise elsewhere")
def test_a_large_file_takes_little_memory(run):
    large = np.lib.format.open_memmap("large.npy", "w+", np.float32, (300_000, 1024))  # 1.2 GB, mostly holes
    large[::50, :64] = RANDOM.normal(size=(6000, 64))
    del large
    command = [sys.executable, "-c", MEMORY]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 1_000_000
