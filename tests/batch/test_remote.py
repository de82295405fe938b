"""Files on other machines: fitted on and scored as those on this one, and nothing secret is shown."""

import io
import pickle
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from cli_steps import refused

from kdeviz import batch
from kdeviz.batch.files import jobs_of
from kdeviz.data import RemotePlace, load_embeddings, read_pieces, remote, remote_files, shown, survey
from kdeviz.errors import DataError, OptionError

fsspec = pytest.importorskip("fsspec")
RANDOM = np.random.default_rng(6)
FEATURES = RANDOM.normal(size=(300, 4)).astype(np.float32)
SECRET = "s3cr3t+/key"


@pytest.fixture
def cloud(run):
    """Three files in the memory of fsspec, and a model and the same files here."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    for name, rows in {"2": slice(0, 100), "10": slice(100, 200), "deep/1": slice(200, 300)}.items():
        path = Path("in") / f"{name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, FEATURES[rows])
        system.pipe(f"/bucket/in/{name}.npy", path.read_bytes())
    system.pipe("/bucket/in/_SUCCESS", b"")
    system.pipe("/bucket/in/notes.md", b"text")
    run("fit", "in", "-o", "m.safetensors", "--components", 2)
    yield system
    system.store.clear()


def outputs(folder):
    return {path.relative_to(folder).as_posix(): path for path in Path(folder).rglob("*.parquet")}


def test_a_folder_there_is_scored_as_one_here(run, cloud):
    here, there = (
        run("score", "m.safetensors", "in", "-o", "a"),
        run("score", "m.safetensors", "memory://bucket/in", "-o", "b"),
    )
    assert (here.code, there.code) == (0, 0), there.err
    assert (
        sorted(outputs("a"))
        == sorted(outputs("b"))
        == ["10.npy.scores.parquet", "2.npy.scores.parquet", "deep/1.npy.scores.parquet"]
    )
    for name, path in outputs("a").items():
        assert pq.read_table(path).equals(pq.read_table(outputs("b")[name]))


@pytest.mark.parametrize(
    ("address", "names"),
    [("memory://bucket/in/2.npy", ["2"]), ("memory://bucket/in/*.npy", ["10", "2"])],
)
def test_a_file_and_a_pattern_there(run, cloud, address, names):
    assert run("score", "m.safetensors", address, "-o", "out").code == 0
    assert sorted(outputs("out")) == [f"{name}.npy.scores.parquet" for name in names]


def test_what_is_finished_is_left_alone_until_it_changes_there(run, cloud):
    address = "memory://bucket/in"
    run("score", "m.safetensors", address, "-o", "out")
    assert run("score", "m.safetensors", address, "-o", "out").fact("finished before") == "3"
    file = io.BytesIO()
    np.save(file, 2 * FEATURES[:100])
    cloud.pipe("/bucket/in/2.npy", file.getvalue())
    assert run("score", "m.safetensors", address, "-o", "out").fact("files scored") == "1 of 3"


def test_a_model_is_fitted_on_them_as_on_those_here(run, cloud):
    options = ("--components", 2, "--max-training-points", 50)
    assert run("fit", "in", "-o", "a.safetensors", *options).code == 0
    done = run("fit", "memory://bucket/in", "-o", "b.safetensors", *options)
    assert done.code == 0, done.err
    assert "DATA is on another machine, so it is read in parts" in done.err
    assert Path("a.safetensors").read_bytes() == Path("b.safetensors").read_bytes()


def test_files_here_and_there_are_one_set(cloud):
    found = survey(["memory://bucket/in/deep/1.npy", "in/2.npy"])
    assert found.rows == 200
    assert sorted(file.name for file in found.files) == ["1.npy", "2.npy"]


def test_nothing_of_a_copy_is_left(cloud, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ((file, _),) = remote_files("memory://bucket/in/2.npy")
    pieces = read_pieces(file)
    next(pieces)
    assert list(tmp_path.glob("kdeviz-*"))
    pieces.close()
    assert not list(tmp_path.glob("kdeviz-*"))


@pytest.mark.parametrize(
    ("address", "without"),
    [
        ("s3://AKIA:ab/cd+e@bucket/x.parquet", "s3://bucket/x.parquet"),
        ("https://user:p@ss@host:8080/a@b.npy?X-Sig=abc#f", "https://host:8080/a@b.npy"),
        ("https://token@host/x", "https://host/x"),
        ("hf://datasets/me/repo@main/x.parquet", "hf://datasets/me/repo@main/x.parquet"),
        (
            "abfs://container@account.dfs.core.windows.net/x?sv=1",
            "abfs://container@account.dfs.core.windows.net/x",
        ),
        ("abfs://name:key@account/x", "abfs://account/x"),
        ("zip://a.csv::s3://k:s@b/a.zip", "zip://a.csv::s3://b/a.zip"),
        ("gs://bucket/folder", "gs://bucket/folder"),
        ("in/a.npy", "in/a.npy"),
    ],
)
def test_what_is_shown_of_an_address(address, without):
    assert shown(address) == without
    assert (
        remote.shown_in(f"could not open '{address}', twice: {address}")
        == f"could not open '{without}', twice: {without}"
    )


class Careless(fsspec.AbstractFileSystem):
    """A file system whose errors tell everything."""

    protocol = "careless"
    cachable = False

    def info(self, path, **options):
        return {"name": path, "size": 9, "type": "file"}

    def isdir(self, path):
        return False

    def get_file(self, path, local, **options):
        raise RuntimeError(
            f"403 for careless://me:{SECRET}@bucket/x.npy?token=t0ken with {SECRET}, t0ken; " + "x" * 900
        )


@pytest.fixture
def careless():
    fsspec.register_implementation("careless", Careless, clobber=True)
    return f"careless://me:{SECRET}@bucket/x.npy?token=t0ken"


@pytest.mark.parametrize(
    "command",
    [
        ("score", "m.safetensors", "{}", "-o", "out"),
        ("fit", "{}", "-o", "new.safetensors"),
        ("fit", "{}", "-o", "new.safetensors", "--at-once"),
        ("fit", "{}", "-o", "new.safetensors", "--keep"),
        ("fit", "in", "-o", "new.safetensors", "--metadata", "{}"),
        ("check", "{}"),
        ("score", "m.safetensors", "in", "-o", "{}"),
        ("info", "{}"),
    ],
)
def test_no_message_and_no_output_holds_a_secret(run, cloud, careless, command):
    done = run(*(part.format(careless) for part in command))
    assert done.code in (1, 2)
    assert "error: " in done.err
    for secret in (SECRET, "t0ken", "me:"):
        assert secret not in done.out + done.err
    assert "bucket/x.npy" in done.err
    assert not outputs("out")
    assert not [path for path in Path.cwd().iterdir() if ":" in path.name]


def test_neither_a_job_nor_its_scores_name_a_secret(run, cloud, careless, monkeypatch):
    monkeypatch.setattr(Careless, "get_file", lambda self, path, local, **options: np.save(local, FEATURES))
    (job,) = jobs_of([careless], Path("out"))
    assert batch.Work("m.safetensors")(job).error == ""
    (path,) = outputs("out").values()
    for text in (repr(job), str(job.path), path.read_bytes().decode("latin-1"), path.name):
        for secret in (SECRET, "t0ken", "me:"):
            assert secret not in text


def there(cloud):
    """What is in the folder of scores, by its name below it."""
    return {name.removeprefix("/bucket/out/"): cloud.cat(name) for name in cloud.find("/bucket/out")}


def test_scores_go_there_as_they_would_go_here(run, cloud):
    run("score", "m.safetensors", "in", "-o", "out")
    done = run("score", "m.safetensors", "in", "-o", "memory://bucket/out")
    assert done.code == 0, done.err
    assert done.fact("scores") == "memory://bucket/out"
    assert there(cloud) == {name: path.read_bytes() for name, path in outputs("out").items()}


def test_what_is_finished_there_is_left_alone(run, cloud):
    command = ("score", "m.safetensors", "memory://bucket/in", "-o", "memory://bucket/out")
    assert run(*command).fact("files scored") == "3 of 3"
    assert run(*command).fact("finished before") == "3"
    cloud.pipe("/bucket/out/2.npy.scores.parquet", b"PAR1 but not whole")
    cloud.rm("/bucket/out/10.npy.scores.parquet")
    assert run(*command).fact("files scored") == "2 of 3"
    assert run(*command, "--force").fact("files scored") == "3 of 3"
    run("fit", "in", "-o", "m.safetensors", "--components", 3, "--force")
    assert run(*command).fact("files scored") == "3 of 3"


def test_nothing_appears_there_that_is_not_whole(run, cloud, monkeypatch):
    whole, seen = type(cloud).put_file, []

    def half(self, local, path, **options):
        seen.append(path)
        if len(seen) == 2:
            self.pipe(path, Path(local).read_bytes()[:100])
            raise OSError("the line went dead")
        whole(self, local, path, **options)
        assert path not in there(cloud)

    monkeypatch.setattr(type(cloud), "put_file", half)
    done = run("score", "m.safetensors", "in", "-o", "memory://bucket/out")
    assert done.code == 1
    assert "cannot be written (the line went dead)" in done.err
    assert all(".kdeviz-" in path for path in seen)
    assert len(there(cloud)) == 2
    assert all(pq.read_table(io.BytesIO(content)).num_rows == 100 for content in there(cloud).values())
    assert run("score", "m.safetensors", "in", "-o", "memory://bucket/out").fact("files scored") == "1 of 3"


class ObjectStore(type(fsspec.filesystem("memory"))):
    """A store in which an upload appears when it is whole."""

    protocol = ("s3",)
    mv = None


def test_an_upload_to_an_object_store_is_one_step(cloud):
    place = RemotePlace.at("memory://bucket/out") / "deep/x"
    store = RemotePlace(place.shown, place.address, ObjectStore(), place.path)
    with store.written() as file:
        file.write(b"all of it")
    assert there(cloud) == {"deep/x": b"all of it"}


def test_a_place_travels_to_the_workers_of_an_engine(cloud):
    jobs = jobs_of(["in"], RemotePlace.at("memory://bucket/out"))
    assert pickle.loads(pickle.dumps(jobs)) == jobs
    assert [str(job.out) for job in jobs] == [
        f"memory://bucket/out/{name}.npy.scores.parquet" for name in ("10", "2", "deep/1")
    ]


def test_one_table_does_not_go_there(run, cloud):
    found = refused(run("score", "m.safetensors", "in", "-o", "memory://bucket/scores.csv"))
    assert "memory://bucket/scores.csv: on another machine scores go into a folder" in found


@pytest.mark.parametrize("folder", ["run-2024.06", "run-2024.06/", "scores.csv/"])
def test_a_folder_there_may_have_a_dot(run, cloud, folder):
    done = run("score", "m.safetensors", "in/2.npy", "-o", f"memory://bucket/{folder}")
    assert done.code == 0, done.err
    assert cloud.exists(f"/bucket/{folder.rstrip('/')}/2.npy.scores.parquet")


def test_what_is_not_there_is_told(cloud):
    with pytest.raises(DataError, match=r"memory://bucket/none\.npy: there is no such file"):
        remote_files("memory://bucket/none.npy")
    with pytest.raises(DataError, match="no file matches"):
        jobs_of(["memory://bucket/*.csv"], Path("out"))
    with pytest.raises(DataError, match=r"cannot be read .*nonsense"):
        remote_files("nonsense://bucket/x.npy")


def test_missing_packages_are_named(run, cloud, monkeypatch):
    with pytest.raises(OptionError, match="another package"):
        remote_files("abfs://container@account/x.npy")
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    assert "pip install 'kdeviz[remote]'" in refused(run("score", "m.safetensors", "memory://b", "-o", "out"))


def test_in_memory_they_are_refused():
    with pytest.raises(DataError, match=r"s3://bucket/x\.npy: files on other machines are read in parts"):
        load_embeddings("s3://key:secret@bucket/x.npy")
