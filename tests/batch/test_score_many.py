"""`kdeviz score` into a folder: many files, ended and begun again, here and on engines."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batch_steps import TESTS, DiesOnce
from cli_steps import ENVIRONMENT, refused
from process_steps import wait_for

from kdeviz import batch
from kdeviz.batch import engines
from kdeviz.batch.files import jobs_of
from kdeviz.data.readers import streams
from kdeviz.errors import DataError, OptionError

RANDOM = np.random.default_rng(2)


@pytest.fixture
def files(run, tmp_path):
    """A model, and a folder of five files."""
    np.save("train.npy", RANDOM.normal(size=(200, 4)).astype(np.float32))
    assert run("fit", "train.npy", "-o", "m.safetensors", "--components", 2).code == 0
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for name in ("a", "b", "c", "deep/d", "deep/e"):
        np.save(f"in/{name}.npy", RANDOM.normal(size=(1000, 4)).astype(np.float32))
    return tmp_path


def outputs(folder="out"):
    return {str(path.relative_to(folder)): path.read_bytes() for path in Path(folder).rglob("*.parquet")}


ALL = [f"{name}.npy.scores.parquet" for name in ("a", "b", "c", "deep/d", "deep/e")]


def test_every_file_gets_its_own(run, files):
    done = run("score", "m.safetensors", "in", "-o", "out")
    assert done.code == 0
    assert sorted(outputs()) == ALL
    assert done.fact("files scored") == "5 of 5"
    assert done.fact("rows scored") == "5000"
    assert "rate" not in done.table
    run("score", "m.safetensors", "in/a.npy", "-o", "one.parquet")
    one, many = pq.read_table("one.parquet"), pq.read_table("out/a.npy.scores.parquet")
    assert one["id"].to_pylist() == many["id"].to_pylist()
    assert one["flagged"].to_pylist() == many["flagged"].to_pylist()
    for name in ("log_density", "probability", "p_value"):
        np.testing.assert_allclose(one[name], many[name], rtol=1e-6)


def test_a_file_unlike_the_training_data_is_told_as_it_is_of_one_table(run, files):
    for name in ("b", "deep/e"):
        np.save(f"in/{name}.npy", 2 * RANDOM.normal(size=(1000, 4)).astype(np.float32))
    done = run("score", "m.safetensors", "in", "-o", "out")
    told = [line for line in done.err.splitlines() if "as a whole look unlike" in line]
    assert [line.split(": ")[1] for line in told] == ["in/b.npy", "in/deep/e.npy"]
    assert done.fact("unlike the training data") == "2 of 5 files"
    for line, name in zip(told, ("b", "deep/e"), strict=True):
        one = run("score", "m.safetensors", f"in/{name}.npy", "-o", "one.parquet", "--force").err
        assert [line.replace(f"in/{name}.npy: ", "")] == [
            each for each in one.splitlines() if "unlike" in each
        ]
    (files / "in" / "b.npy").unlink()
    (files / "in" / "deep" / "e.npy").unlink()
    done = run("score", "m.safetensors", "in", "-o", "out", "--force")
    assert "unlike" not in done.err and "unlike the training data" not in done.table


def test_a_name_with_a_slash_is_a_folder(run, files):
    assert run("score", "m.safetensors", "in/a.npy", "-o", "scores.parquet/").code == 0
    assert sorted(outputs("scores.parquet")) == ALL[:1]


def test_files_folders_and_patterns_at_once(run, files):
    done = run("score", "m.safetensors", "in/deep", "in/[ab].npy", "in/a.npy", "-o", "out")
    assert done.code == 0
    assert sorted(outputs()) == [f"{name}.npy.scores.parquet" for name in "abde"]


def test_the_standard_output_is_no_folder(run, files):
    said = refused(run("score", "m.safetensors", "in/a.npy", "-o", "-"))
    assert "-: scores are written as .csv or .parquet" in said
    assert not Path("-").exists()


def test_a_pattern_leaves_out_the_scores_beside_what_was_scored(run, files):
    rows = np.load("in/a.npy")
    for name in ("one", "two"):
        pq.write_table(pa.table({f"x{i}": column for i, column in enumerate(rows.T)}), f"deep-{name}.parquet")
    assert run("score", "m.safetensors", "deep-*.parquet", "-o", ".").fact("files scored") == "2 of 2"
    again = run("score", "m.safetensors", "deep-*.parquet", "-o", ".")
    assert again.code == 0 and again.fact("finished before") == "2"
    assert again.fact("files scored") == "0 of 2" and len(list(Path.cwd().glob("*.scores.parquet"))) == 2


def test_what_is_finished_is_left_alone(run, files):
    run("score", "m.safetensors", "in", "-o", "out")
    before = {name: os.stat(f"out/{name}").st_mtime_ns for name in ALL}  # noqa: PTH116
    Path("out/b.npy.scores.parquet").unlink()
    Path("out/c.npy.scores.parquet").write_bytes(b"PAR1 but not whole")
    later = time.time() + 5
    os.utime("in/deep/d.npy", (later, later))
    done = run("score", "m.safetensors", "in", "-o", "out")
    assert done.fact("finished before") == "2"
    assert done.fact("files scored") == "3 of 5"
    now = {name: os.stat(f"out/{name}").st_mtime_ns for name in ALL}  # noqa: PTH116
    assert [name for name in ALL if now[name] == before[name]] == [ALL[0], ALL[4]]


def test_another_model_and_force_score_again(run, files):
    run("score", "m.safetensors", "in", "-o", "out")
    first = outputs()
    assert run("score", "m.safetensors", "in", "-o", "out", "--force").fact("files scored") == "5 of 5"
    assert outputs() == first
    run("fit", "train.npy", "-o", "m.safetensors", "--components", 3, "--force")
    assert run("score", "m.safetensors", "in", "-o", "out").fact("files scored") == "5 of 5"
    assert not set(outputs().values()) & set(first.values())


def test_a_bad_file_is_told_and_the_rest_goes_on(run, files):
    Path("in/b.npy").write_bytes(b"nothing")
    np.save("in/c.npy", np.full((5, 4), np.nan))
    done = run("score", "m.safetensors", "in", "-o", "out")
    assert done.code == 1
    assert done.err.count("error: ") == 2
    assert "error: in/b.npy: not a readable .npy file" in done.err
    assert "error: in/c.npy: 5 of 5 rows hold NaN" in done.err
    assert done.fact("not scored") == "2"
    assert sorted(outputs()) == [ALL[0], *ALL[3:]]


def test_whatever_a_parser_raises_is_of_one_file(run, files, monkeypatch):
    pq.write_table(pa.table({name: RANDOM.normal(size=9) for name in "abcd"}), "in/b.parquet")

    def raising(*given, **options):
        raise pa.ArrowNotImplementedError("not so")

    read = streams.read_parquet
    monkeypatch.setattr(streams, "read_parquet", lambda source: replace(read(source), batches=raising))
    done = run("score", "m.safetensors", "in", "-o", "out")
    assert done.code == 1
    assert "error: in/b.parquet: not a readable parquet file, or a damaged one (not so)" in done.err
    assert sorted(outputs()) == ALL


def test_an_error_has_the_whole_path_once(run, files):
    for place in ("in/wide.npy", "in/deep/wide.npy"):
        np.save(place, np.ones((5, 7)))
    done = run("score", "m.safetensors", "in", "-o", "out")
    for place in ("in/wide.npy", "in/deep/wide.npy"):
        assert f"error: {place}: 7 dimensions" in done.err or f"error: {place}: wide has 7" in done.err
    assert "wide: " not in done.err


def test_a_part_without_rows_is_no_failure(run, files):
    """Spark and Dask write some."""
    named = pa.table({name: pa.array([], pa.float32()) for name in "abcd"})
    pq.write_table(named, "in/none.parquet")
    Path("in/none.csv").write_text("a,b,c,d\n")
    np.save("in/none.npy", np.empty((0, 4)))
    done = run("score", "m.safetensors", "in", "-o", "out")
    assert done.code == 0
    assert "there are no rows" in done.err
    assert done.fact("rows scored") == "5000"
    for name in ("none.parquet", "none.csv", "none.npy"):
        table = pq.read_table(f"out/{name}.scores.parquet")
        assert len(table) == 0
        assert table.schema.names == ["id", "log_density", "p_value", "probability", "flagged"]
    assert run("score", "m.safetensors", "in", "-o", "out").fact("finished before") == "8"


@pytest.mark.parametrize("folder", ["taken", "taken/deeper"])
def test_a_folder_that_cannot_be_is_told_once(run, files, folder):
    Path("taken").write_text("a file")
    done = run("score", "m.safetensors", "in", "-o", folder)
    assert folder in refused(done)
    assert "choose another one for the scores" in done.err


def test_an_address_where_nobody_answers_is_one_line(run, files):
    pytest.importorskip("distributed")
    options = ("--engine", "dask", "--address", "nowhere")
    done = run("score", "m.safetensors", "in", "-o", "out", *options)
    assert "no Dask scheduler answers at nowhere (missing port number" in refused(done)


def test_options_of_one_table_and_of_many_are_kept_apart(run, files):
    assert "for one table" in refused(run("score", "m.safetensors", "in", "-o", "out", "--all-rows"))
    assert "for many files" in refused(run("score", "m.safetensors", "in", "-o", "o.csv", "--engine", "dask"))
    assert "choose none, dask, ray" in refused(
        run("score", "m.safetensors", "in", "-o", "out", "--engine", "spark")
    )
    assert "need an engine" in refused(run("score", "m.safetensors", "in", "-o", "out", "--workers", 3))
    assert "no file matches" in refused(run("score", "m.safetensors", "in/*.xyz", "-o", "out"))
    assert not Path("out").exists()


def test_two_files_never_share_a_place(files):
    Path("other").mkdir()
    np.save("other/a.npy", np.zeros((2, 4)))
    with pytest.raises(DataError, match="have the same name"):
        jobs_of(["in/a.npy", "other/a.npy"], Path("out"))


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_killed_run_goes_on_where_it_was(run, files):
    for i in range(12):
        np.save(f"in/f{i:02d}.npy", RANDOM.normal(size=(20_000, 4)).astype(np.float32))
    command = [sys.executable, "-m", "kdeviz.cli", "score", "m.safetensors", "in", "-o", "out"]
    process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: len(list(Path("out").glob("*.parquet"))) > 2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    there = {name for name, content in outputs().items() if pq.read_metadata(f"out/{name}").num_rows}
    done = run("score", "m.safetensors", "in", "-o", "out")
    assert done.code == 0
    assert int(done.fact("finished before")) >= len(there) - 1
    assert "rows a second" in done.fact("rate")
    assert len(outputs()) == 17
    assert [path for path in Path("out").rglob(".*") if path.is_file()] == []
    assert sum(pq.read_metadata(f"out/{name}").num_rows for name in outputs()) == 245_000


MEMORY = """
import re
from pathlib import Path
from kdeviz.batch import score_file
score_file("m.safetensors", "large.npy", "large.parquet")
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="its size is told otherwise elsewhere")
def test_a_large_file_takes_little_memory(run, files):
    np.save("train.npy", RANDOM.normal(size=(50, 4096)).astype(np.float32))
    run("fit", "train.npy", "-o", "m.safetensors", "--components", 2, "--force")
    np.lib.format.open_memmap("large.npy", "w+", np.float32, (75_000, 4096))[0] = 1  # 1.2 GB, mostly a hole
    command = [sys.executable, "-c", MEMORY]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 1_000_000


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("engine", ["dask", "ray"])
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")
def test_an_engine_gives_the_same_bytes_though_a_worker_dies(run, files, engine, monkeypatch):
    pytest.importorskip({"dask": "distributed", "ray": "ray"}[engine])
    run("score", "m.safetensors", "in", "-o", "out")
    work = DiesOnce(batch.Work(str(files / "m.safetensors")), files / "mark")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TESTS), str(TESTS.parent)]))
    jobs = jobs_of([files / "in"], files / "spread")
    found = list(engines.ENGINES[engine](work, jobs, batch.Plan(workers=2)))
    assert (files / "mark").exists()
    assert sorted(outcome.job for outcome in found) == jobs
    assert [outcome.error for outcome in found] == [""] * 5
    assert {outcome.scores.drift.rows for outcome in found if outcome.scores} == {1000}
    assert outputs("spread") == outputs("out")
    assert [path for path in Path("spread").rglob(".*") if path.is_file()] == []


@pytest.mark.parametrize(("engine", "module"), [("dask", "distributed"), ("ray", "ray")])
def test_a_missing_engine_is_named_with_its_line(run, files, monkeypatch, engine, module):
    monkeypatch.setitem(sys.modules, module, None)
    found = refused(run("score", "m.safetensors", "in", "-o", "out", "--engine", engine))
    assert f"pip install 'kdeviz[{engine}]'" in found


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_dask_scheduler_without_workers_is_not_waited_for_forever(run, files, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(engines, "_WORKERS_COME", 0.5)
    with distributed.LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0") as cluster:
        address = cluster.scheduler_address
        options = ("--engine", "dask", "--address", address)
        said = refused(run("score", "m.safetensors", "in", "-o", "out", *options))
    assert f"the Dask scheduler at {address} has no workers" in said


def test_ray_refuses_at_once_what_it_would_wait_for(files):
    class Small:
        @staticmethod
        def cluster_resources():
            return {"CPU": 2.0}

    jobs = jobs_of(["in"], Path("out"))
    with pytest.raises(OptionError, match="2 CPUs, and 3 workers"):
        list(engines._by_actors(Small, None, jobs, batch.Plan(workers=3)))


def test_a_new_engine_is_found_by_its_name(run, files, monkeypatch):
    def backwards(work, jobs, plan):
        yield from map(work, reversed(jobs))

    monkeypatch.setitem(batch.ENGINES, "backwards", backwards)
    assert run("score", "m.safetensors", "in", "-o", "out", "--engine", "backwards").code == 0
    assert sorted(outputs()) == ALL
