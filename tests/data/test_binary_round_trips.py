"""A random set, written in any binary form, is read back equal."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pytest
import safetensors.torch
import torch
from file_bytes import arrow, arrow_stream, assert_read, h5, load, npy, npz, parquet, pt
from hypothesis import assume, given
from hypothesis import strategies as st

FLOATS = (np.float16, np.float32, np.float64)


class Rows(NamedTuple):
    features: np.ndarray
    ids: list
    labels: np.ndarray
    train: int

    @property
    def split(self):
        return ["train"] * self.train + ["test"] * (len(self.ids) - self.train)

    @property
    def words(self):
        return ["bad" if label else "good" for label in self.labels]


@st.composite
def sets(draw):
    n, d, kind = draw(st.integers(4, 30)), draw(st.integers(2, 9)), draw(st.sampled_from(FLOATS))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    features = (rng.normal(size=(n, d)) * 10.0 ** draw(st.integers(-2, 2))).astype(kind)
    letters = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=9)
    prefix = draw(letters.filter(lambda text: "/" not in text and text.strip()))
    labels = (np.arange(n) >= n - draw(st.integers(1, n // 4))).astype(int)
    return Rows(features, [f"{prefix}-{i}" for i in range(n)], labels, draw(st.integers(1, n - 1)))


def columns(rows, family):
    side = {"id": rows.ids, "label": rows.words, "split": rows.split}
    if family:
        return pa.table({**{f"f{i}": column for i, column in enumerate(rows.features.T)}, **side})
    return pa.table({"embedding": list(rows.features), **side})


def named(rows):
    return {
        "features": rows.features,
        "id": np.array(rows.ids),
        "label": rows.labels,
        "split": np.array(rows.split),
    }


def tensors(rows):
    return {
        **named(rows),
        "features": torch.from_numpy(rows.features),
        "id": rows.ids,
        "split": rows.split,
    } | {"label": rows.labels.tolist()}


def parts(rows):
    train, test = slice(0, rows.train), slice(rows.train, None)
    return {
        f"{name}_{split}": values[where]
        for name, values in (("x", rows.features), ("y", rows.labels), ("ids", np.array(rows.ids)))
        for split, where in (("train", train), ("test", test))
    }


WRITERS = {
    "family.parquet": lambda rows: parquet(columns(rows, True)),
    "list.parquet": lambda rows: parquet(columns(rows, False)),
    "family.feather": lambda rows: arrow(columns(rows, True), "lz4"),
    "list.arrow": lambda rows: arrow(columns(rows, False)),
    "stream.arrow": lambda rows: arrow_stream(columns(rows, False)),
    "named.npz": lambda rows: npz(**named(rows)),
    "parts.npz": lambda rows: npz(**parts(rows)),
    "objects.npz": lambda rows: npz(**{**named(rows), "id": np.array(rows.ids, object)}),
    "lists.pt": lambda rows: pt(tensors(rows)),
    "tuple.pth": lambda rows: pt(
        {"train": _pair(rows, slice(0, rows.train)), "test": _pair(rows, slice(rows.train, None))}
    ),
    "named.h5": lambda rows: h5(**{**named(rows), "id": rows.ids, "split": rows.split}),
}
BARE = {
    "a.npy": lambda rows: npy(rows.features),
    "fortran.npy": lambda rows: npy(np.asfortranarray(rows.features)),
    "big.npy": lambda rows: npy(rows.features.astype(rows.features.dtype.newbyteorder(">"))),
    "flat.npy": lambda rows: npy(rows.features[:, :, None, None]),
    "a.pt": lambda rows: pt(torch.from_numpy(rows.features)),
    "batches.pt": lambda rows: pt([torch.from_numpy(rows.features[:3]), torch.from_numpy(rows.features[3:])]),
    "a.safetensors": lambda rows: safetensors.torch.save({"x": torch.from_numpy(rows.features)}),
    "a.h5": lambda rows: h5(x=rows.features),
    "bytes.parquet": lambda rows: parquet(pa.table({"embedding": [row.tobytes() for row in rows.features]})),
}
PER_ID = {
    "a.npz": lambda rows: npz(**dict(zip(rows.ids, rows.features, strict=True))),
    "a.pt": lambda rows: pt(dict(zip(rows.ids, torch.from_numpy(rows.features), strict=True))),
    "a.h5": lambda rows: h5(**dict(zip(rows.ids, rows.features, strict=True))),
}


def _pair(rows, where):
    return {"features": torch.from_numpy(rows.features[where]), "labels": torch.tensor(rows.labels[where])}


@pytest.mark.parametrize("name", WRITERS)
@given(rows=sets())
def test_a_whole_set(name, rows):
    data = load(WRITERS[name](rows), name)
    ids = None if name == "tuple.pth" else rows.ids
    assert_read(data, rows.features, ids, rows.labels, rows.split, atol=0)
    assert data.features.dtype == rows.features.dtype


@pytest.mark.parametrize("name", BARE)
@given(rows=sets())
def test_features_alone(name, rows):
    assume(name != "bytes.parquet" or rows.features.size > 30)  # the bits of a few numbers tell little
    data = assert_read(load(BARE[name](rows), name), rows.features, atol=0)
    assert data.features.dtype == rows.features.dtype
    assert data.ids.tolist() == [str(i) for i in range(len(rows.ids))]


@pytest.mark.parametrize("name", PER_ID)
@given(rows=sets())
def test_one_vector_per_id(name, rows):
    n, d = rows.features.shape
    assume(n != d)
    assert_read(load(PER_ID[name](rows), name), rows.features, rows.ids, atol=0)
