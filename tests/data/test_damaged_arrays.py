"""Damaged archives and Arrow files of every form: each gives a whole set, or a refusal in one line."""

import numpy as np
import pyarrow as pa
import pytest
import safetensors.torch
import scipy.sparse
from file_bytes import (
    IDS,
    LABELS,
    TENSOR,
    D,
    N,
    X,
    Y,
    arrow,
    arrow_stream,
    h5,
    load,
    npy,
    npz,
    parquet,
    pt,
    written,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from test_arrow_types import EMBEDDINGS, SIDE

from kdeviz.errors import KdevizError

MB = 2**20
BEGINNING = 400  # bytes in which headers lie, which break more than values do
RECORDS = np.zeros(N, [("id", "S8"), ("emb", "f4", (D,))])
SPARSE = scipy.sparse.csr_matrix(X * (X > 0))
ODD = pa.table(
    {**SIDE, "embedding": EMBEDDINGS["Spark's mixed vectors"], "more": pa.array(IDS, pa.string_view())}
)
FILES = {
    "objects.npz": npz(features=X, id=np.array(IDS, object), y=Y),
    "ids.npz": npz(**dict(zip(IDS, X, strict=True))),
    "parts.npz": npz(x_train=X, x_test=X, y_train=Y),
    "sparse.npz": written(lambda stream: scipy.sparse.save_npz(stream, SPARSE)),
    "records.npy": npy(RECORDS),
    "twice.npy": npy(X) * 2,
    "tuple.pt": pt((TENSOR, LABELS, IDS)),
    "dicts.pt": pt([{"id": key, "embedding": row} for key, row in zip(IDS, TENSOR, strict=True)]),
    "ids.safetensors": safetensors.torch.save(dict(zip(IDS, TENSOR, strict=True))),
    "ids.h5": h5(**{f"embeddings/{key}": row for key, row in zip(IDS, X, strict=True)}),
    "parts.h5": h5(features=X, ids=IDS, labels=Y, records=RECORDS),
    "odd.parquet": parquet(ODD),
    "odd.arrow": arrow(ODD),
    "odd.feather": arrow(ODD, "zstd"),
    "stream.arrow": arrow_stream(ODD),
    "views.arrow": arrow(pa.table({**SIDE, "embedding": EMBEDDINGS["list_view"]})),
    "bytes.arrow": arrow(pa.table({**SIDE, "embedding": EMBEDDINGS["binary_view"]})),
}


def read(raw, name):
    refusal = None
    try:
        data = load(raw, name, max_bytes=64 * MB)
    except KdevizError as error:
        refusal = str(error)
    if refusal is None:
        assert data.features.ndim == 2 and 0 not in data.features.shape and len(data.ids) == len(data)
        assert data.features.dtype.kind in "biuf"
    else:
        assert "\n" not in refusal and refusal.startswith(name)


@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
def test_a_file_that_was_cut_short(name, data):
    raw = FILES[name]
    read(raw[: data.draw(st.integers(0, len(raw) - 1))], name)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("within", [BEGINNING, None])
@settings(max_examples=40)
@given(data=st.data())
def test_a_file_with_flipped_bytes(name, within, data):
    raw = bytearray(FILES[name])
    places = st.integers(0, min(within or len(raw), len(raw)) - 1)
    for place in data.draw(st.lists(places, min_size=1, max_size=6)):
        raw[place] = data.draw(st.integers(0, 255))
    read(bytes(raw), name)
