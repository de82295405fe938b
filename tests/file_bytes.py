"""Files as bytes, for tests that write many small ones; and a set whose parts every file should give back."""

import io

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from kdeviz.data.load import load_embeddings

N, D, FIRST = 40, 8, 28  # rows, dimensions, rows of the training split
X = np.random.default_rng(0).normal(size=(N, D)).astype(np.float32)
IDS = [f"img{i:03}" for i in range(N)]
Y = np.array([0] * 36 + [1] * 4)
WORDS = ["good" if not label else "bad" for label in Y]
SPLIT = ["train"] * FIRST + ["test"] * (N - FIRST)
TENSOR = torch.from_numpy(X.copy())
LABELS = torch.from_numpy(Y.copy())


def written(write, *args, **kwargs):
    stream = io.BytesIO()
    write(stream, *args, **kwargs)
    return stream.getvalue()


def npy(array):
    return written(np.save, array, allow_pickle=True)


def npz(*arrays, **named):
    return written(np.savez, *arrays, **named)


def pt(value, **kwargs):
    return written(lambda stream: torch.save(value, stream, **kwargs))


def parquet(table):
    return written(lambda stream: pq.write_table(table, stream))


def arrow(table, compression=None):
    def write(stream):
        options = pa.ipc.IpcWriteOptions(compression=compression)
        with pa.ipc.new_file(stream, table.schema, options=options) as writer:
            writer.write_table(table, max_chunksize=16)

    return written(write)


def arrow_stream(table):
    def write(stream):
        with pa.ipc.new_stream(stream, table.schema) as writer:
            writer.write_table(table, max_chunksize=7)

    return written(write)


def h5(**datasets):
    def write(stream):
        with h5py.File(stream, "w") as file:
            for name, values in datasets.items():
                file[name] = values

    return written(write)


def assert_read(data, features=X, ids=None, labels=None, split=None, atol=1e-6):
    """The set has these parts; what is not given is not looked at."""
    assert data.features.shape == np.shape(features)
    np.testing.assert_allclose(np.asarray(data.features, np.float64), features, rtol=0, atol=atol)
    if ids is not None:
        assert data.ids.tolist() == list(ids)
    if labels is not None:
        assert data.labels is not None and data.labels.tolist() == list(labels)
    if split is not None:
        assert data.split is not None and data.split.tolist() == list(split)
    return data


def load(raw, name, **kwargs):
    return load_embeddings(raw, filename=name, **kwargs)
