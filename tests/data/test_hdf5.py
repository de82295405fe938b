"""HDF5: one matrix, one array per id, groups; nothing outside of the file is followed."""

import sys

import h5py
import numpy as np
import pytest
from file_bytes import FIRST, IDS, SPLIT, D, N, X, Y, assert_read, h5, load, written

from kdeviz.data.readers.hdf5 import read_hdf5
from kdeviz.data.readers.source import Source
from kdeviz.errors import DataError

RECORDS = np.zeros(N, [("id", "S8"), ("emb", "f4", (D,))])
RECORDS["id"], RECORDS["emb"] = IDS, X


@pytest.mark.parametrize("how", ["path", "bytes"])
@pytest.mark.parametrize(
    ("datasets", "known"),
    [
        ({"embeddings": X}, {}),
        (dict(zip(IDS, X, strict=True)), {"ids": IDS}),
        ({key: row[None] for key, row in zip(IDS, X, strict=True)}, {"ids": IDS}),
        ({f"embeddings/{key}": row for key, row in zip(IDS, X, strict=True)}, {"ids": IDS}),
        (
            {"features": X, "ids": IDS, "labels": Y, "split": np.array(SPLIT, "S")},
            {"ids": IDS, "labels": Y, "split": SPLIT},
        ),
        (
            {"train/x": X[:FIRST], "train/y": Y[:FIRST], "test/x": X[FIRST:], "test/y": Y[FIRST:]},
            {"labels": Y, "split": SPLIT},
        ),
        (
            {
                f"{key}/{name}": value
                for key, row, y in zip(IDS, X, Y, strict=True)
                for name, value in (("v", row), ("label", y))
            },
            {"ids": IDS, "labels": Y},
        ),
        ({"data": RECORDS}, {"ids": IDS}),
    ],
)
def test_what_people_store(tmp_path, datasets, known, how):
    raw = h5(**datasets)
    (tmp_path / "a.h5").write_bytes(raw)
    assert_read(load(raw if how == "bytes" else tmp_path / "a.h5", "a.h5"), X, **known)


def made(build):
    def write(stream):
        with h5py.File(stream, "w") as file:
            build(file)

    return written(write)


def test_nothing_outside_of_the_file_is_read(tmp_path):
    (tmp_path / "secret").write_bytes(b"x" * 160)

    def build(file):
        file["x"] = X
        file["other"] = h5py.ExternalLink("/etc/hostname", "/")
        file["soft"] = h5py.SoftLink("/x")
        file["again/file"] = file["/"]
        file["none"] = h5py.Empty("f4")
        file["ragged"] = np.array([np.arange(2), np.arange(3)], object).astype(object)[:0].astype("f4")
        file.create_dataset("raw", shape=(N,), dtype="f4", external=[(str(tmp_path / "secret"), 0, 160)])
        layout = h5py.VirtualLayout(shape=(N,), dtype="f4")
        layout[:] = h5py.VirtualSource(str(tmp_path / "b.h5"), "x", shape=(N,))
        file.create_virtual_dataset("virtual", layout)
        file.create_dataset("lists", shape=(N,), dtype=h5py.vlen_dtype("i4"))
        file["words"] = [["a", "b"]] * N

    notes = " ".join(assert_read(load(made(build), "a.h5"), X).notes)
    for name, why in {
        "other": "a link to another place",
        "soft": "a link to another place",
        "raw": "its values lie in other files",
        "virtual": "its values lie in other files",
        "none": "it is empty",
        "lists": "object is not one value",
        "words": "it is not one text per row",
    }.items():
        assert f"{name} is left out: {why}" in notes or f"{name} is left out: it is {why}" in notes


def test_sizes_are_known_before_anything_is_read():
    huge = made(lambda file: file.create_dataset("x", shape=(10**9, 10**3), dtype="f4", chunks=(10, 10)))
    chunk = made(lambda file: file.create_dataset("x", (1, 2), "f4", maxshape=(None, 2), chunks=(10**8, 2)))
    for raw, match in (
        (huge, "x would take 4,000,000,000,000"),
        (chunk, "x would take 800,"),
    ):
        with pytest.raises(DataError, match=match):
            load(raw, "a.h5", max_bytes=2**24)


def test_texts_are_counted_as_they_are_read(tmp_path):
    (tmp_path / "a.h5").write_bytes(h5(id=["x" * 500] * 9_000))
    source = Source(
        tmp_path / "a.h5", "a.h5", 4_200_000
    )  # less than the file: one stored text can stand in every row
    with pytest.raises(DataError, match="id would take 4,500,000"):
        read_hdf5(source)


@pytest.mark.parametrize(
    ("raw", "match"),
    [
        (h5(**{"m/dense/kernel:0": X, "m/dense/bias:0": X[0]}), "a model's weights"),
        (h5(**{key: np.ones((5 + i, 8)) for i, key in enumerate(IDS)}), "40 matrices"),
        (h5(), "found nothing"),
        (h5(x=X)[:-100], "not a readable HDF5 file"),
        (b"abc", "not a readable HDF5 file"),
        (
            made(lambda file: file.create_group("df").attrs.__setitem__("pandas_type", "frame")),
            "written by pandas",
        ),
    ],
)
def test_what_is_no_embedding_is_refused(raw, match):
    with pytest.raises(DataError, match=match):
        load(raw, "a.h5")


def test_without_h5py_the_extra_is_named(monkeypatch):
    raw = h5(x=X)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(DataError, match=r"takes h5py: pip install 'kdeviz\[files\]'"):
        load(raw, "a.h5")
