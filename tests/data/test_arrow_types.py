"""Arrow's rarer types as ids, labels, metadata and embeddings, in every form that Arrow is kept in."""

import json
import uuid
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from file_bytes import IDS, SPLIT, WORDS, N, X, Y, arrow, arrow_stream, assert_read, load, parquet

from kdeviz.data.readers.float_bytes import float_kind
from kdeviz.errors import DataError

D = X.shape[1]
SIDE = {
    "id": pa.array(IDS),
    "label": pa.array(WORDS),
    "split": pa.array(SPLIT),
    "age": pa.array(np.arange(N)),
}
FAMILY = {f"f{i}": pa.array(X[:, i]) for i in range(D)}
VECTOR = pa.struct(
    [
        ("type", pa.int8()),
        ("size", pa.int32()),
        ("indices", pa.list_(pa.int32())),
        ("values", pa.list_(pa.float64())),
    ]
)
FORMS = {
    "parquet": (parquet, "a.parquet"),
    "file": (arrow, "a.arrow"),
    "compressed": (lambda table: arrow(table, "zstd"), "a.feather"),
    "stream": (arrow_stream, "a.arrow"),
}


def lists(kind, rows=X):
    return pa.array(list(rows), kind)


def decimals(values, kind):
    return pa.array([Decimal(f"{value:.6f}") for value in values], kind)


def dense(row):
    return {"type": 1, "size": None, "indices": None, "values": list(row)}


def sparse(row):
    places = np.flatnonzero(row)
    return {"type": 0, "size": len(row), "indices": list(places), "values": list(row[places])}


EMBEDDINGS = {
    "list_view": lists(pa.list_view(pa.float32())),
    "large_list_view": lists(pa.large_list_view(pa.float32())),
    "large list": lists(pa.large_list(pa.float32())),
    "fixed-size list": lists(pa.list_(pa.float32(), D)),
    "list of float16": lists(pa.list_(pa.float16()), X.astype(np.float16)),
    "fixed-shape tensor": pa.FixedShapeTensorArray.from_numpy_ndarray(X),
    "tensor of shape (1, D)": pa.FixedShapeTensorArray.from_numpy_ndarray(X.reshape(N, 1, D)),
    "list of decimals": pa.array(
        [[Decimal(f"{v:.6f}") for v in row] for row in X], pa.list_(pa.decimal128(10, 6))
    ),
    "list of texts": pa.array([[str(v) for v in row] for row in X]),
    "list in a list": pa.array([[list(row)] for row in X.astype(float)]),
    "lists of one": pa.array([[[v] for v in row] for row in X.astype(float)]),
    "list of dictionary": pa.ListArray.from_arrays(
        np.arange(0, N * D + 1, D, dtype=np.int32), pa.array(X.ravel()).dictionary_encode()
    ),
    "float32 bytes": pa.array([row.tobytes() for row in X]),
    "float64 bytes": pa.array([row.tobytes() for row in X.astype(float)], pa.large_binary()),
    "float16 bytes": pa.array([row.tobytes() for row in X.astype(np.float16)]),
    "fixed-size bytes": pa.array([row.tobytes() for row in X], pa.binary(4 * D)),
    "binary_view": pa.array([row.tobytes() for row in X], pa.binary_view()),
    "Spark's dense vectors": pa.array([dense(row) for row in X], VECTOR),
    "Spark's mixed vectors": pa.array([(dense, sparse)[i % 2](row) for i, row in enumerate(X)], VECTOR),
    "struct of numbers": pa.array([{f"d{i}": float(v) for i, v in enumerate(row)} for row in X]),
    "BigQuery's lists": pa.array([{"list": [{"element": float(v)} for v in row]} for row in X]),
}
TEXTS = {
    "string_view": lambda values: pa.array(values, pa.string_view()),
    "large_string": lambda values: pa.array(values, pa.large_string()),
    "dictionary": lambda values: pa.array(values).dictionary_encode(),
    "binary": lambda values: pa.array([value.encode() for value in values]),
    "binary_view": lambda values: pa.array([value.encode() for value in values], pa.binary_view()),
    "fixed-size binary": lambda values: pa.array(
        [value.encode().ljust(8, b"\0") for value in values], pa.binary(8)
    ),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", EMBEDDINGS)
def test_every_type_of_embedding(kind, form):
    write, name = FORMS[form]
    data = load(write(pa.table({**SIDE, "embedding": EMBEDDINGS[kind]})), name)
    assert_read(data, X, IDS, Y, SPLIT, atol=2e-3)
    assert data.metadata["age"].tolist() == list(range(N))


@pytest.mark.parametrize("form", FORMS)
def test_a_null_within_lists_of_one_is_a_missing_number(form):
    write, name = FORMS[form]
    rows = [[[float(v)] for v in row] for row in X]
    rows[1][2] = None
    table = pa.table({"embedding": pa.array(rows), "tags": pa.array(rows), "id": pa.array(IDS)})
    expected = X.copy()
    expected[1, 2] = np.nan
    assert_read(load(write(table), name), expected, IDS)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", TEXTS)
def test_every_type_of_text(kind, form):
    write, name = FORMS[form]
    side = {"id": IDS, "label": WORDS, "split": SPLIT}
    table = pa.table({**FAMILY, **{key: TEXTS[kind](values) for key, values in side.items()}})
    assert_read(load(write(table), name), X, IDS, Y, SPLIT)


@pytest.mark.parametrize("write", [arrow, arrow_stream])
def test_types_that_only_arrow_files_hold(write):
    ends = pa.array(np.arange(1, N + 1, dtype=np.int32))
    side = {"id": IDS, "label": WORDS, "split": SPLIT}
    columns = {key: pa.RunEndEncodedArray.from_arrays(ends, values) for key, values in side.items()}
    assert_read(load(write(pa.table({**FAMILY, **columns})), "a.arrow"), X, IDS, Y, SPLIT)
    words = pa.DictionaryArray.from_arrays(Y.astype(np.int8), pa.array(["good", "bad"], pa.string_view()))
    assert_read(load(write(pa.table({**FAMILY, "label": words})), "a.arrow"), X, labels=Y)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "column",
    [
        lambda values: decimals(values, pa.decimal128(12, 6)),
        lambda values: decimals(values, pa.decimal256(40, 6)),
        lambda values: pa.array(values).dictionary_encode(),
        lambda values: pa.array(values.astype(np.float16)),
    ],
)
def test_a_family_of_rare_number_types(column, form):
    write, name = FORMS[form]
    table = pa.table({**{f"f{i}": column(X[:, i]) for i in range(D)}, **SIDE})
    assert_read(load(write(table), name), X, IDS, Y, SPLIT, atol=2e-3)


@pytest.mark.parametrize("form", FORMS)
def test_uuids_and_labels_of_other_types(form):
    write, name = FORMS[form]
    numbers = [uuid.UUID(int=12345678901234567890 * i) for i in range(N)]
    ids = pa.array([number.bytes for number in numbers], pa.uuid())
    for labels in (pa.array(Y, pa.bool8()), decimals(Y, pa.decimal128(8, 6)), pa.array(Y == 1)):
        data = load(write(pa.table({**FAMILY, "id": ids, "is_anomaly": labels})), name)
        assert_read(data, X, map(str, numbers), Y)
    raw = pa.array([number.bytes for number in numbers[1:]] + [None], pa.binary(16))
    data = load(write(pa.table({**FAMILY, "id": raw})), name)
    assert data.ids[:2].tolist() == [number.hex for number in numbers[1:3]]


@pytest.mark.parametrize("form", FORMS)
def test_class_names_come_from_hugging_face_metadata(form):
    write, name = FORMS[form]
    features = {"label": {"names": ["bad", "good"], "_type": "ClassLabel"}, "id": {"_type": "Value"}}
    metadata = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
    numbers = [-1, None, *(1 - Y[2:]).tolist()]
    table = pa.table({**FAMILY, "label": pa.array(numbers)}).replace_schema_metadata(metadata)
    assert load(write(table), name).labels.tolist() == [-1, -1, *Y[2:]]
    beyond = pa.table({**FAMILY, "label": pa.array([2] * N)}).replace_schema_metadata(metadata)
    with pytest.raises(DataError, match="label holds class 2, the file's metadata names 2"):
        load(write(beyond), name)


@pytest.mark.parametrize(
    "text", [b"[]", b'{"info": 3}', b"{", b"[" * 100_000, b'{"info": {"features": {"label": 1}}}']
)
def test_other_metadata_under_that_key_is_no_trouble(text):
    table = pa.table({**FAMILY, "label": Y}).replace_schema_metadata({b"huggingface": text})
    assert_read(load(parquet(table), "a.parquet"), X, labels=Y)


@pytest.mark.parametrize("write", [parquet, arrow])
@pytest.mark.parametrize(
    ("column", "match"),
    [
        (pa.FixedShapeTensorArray.from_numpy_ndarray(X.reshape(N, 2, 4)), "lists of lists; flatten"),
        (pa.array([np.random.default_rng(i).bytes(32) for i in range(N)]), "bytes that are not float32"),
        (
            pa.array([row.tobytes()[: 4 * (1 + i % 8)] for i, row in enumerate(X)]),
            "bytes that are not float32",
        ),
        (pa.array([["a", "b"]] * N), "lists of texts that are not numbers .*'[ab]'"),
        (
            pa.array([{"type": 0, "size": 3, "indices": [0, 7], "values": [1.0, 2.0]}] * N, VECTOR),
            "an index beyond",
        ),
        (
            pa.array([{"type": 0, "size": 3, "indices": [0], "values": [1.0, 2.0]}] * N, VECTOR),
            "more values than",
        ),
        (pa.array([sparse(X[0]), sparse(X[0][:5])] * 20, VECTOR), "5 dimensions and another 8"),
    ],
)
def test_what_cannot_be_an_embedding_is_refused(write, column, match):
    name = "a.parquet" if write is parquet else "a.arrow"
    with pytest.raises(DataError, match=match) as caught:
        load(write(pa.table({**SIDE, "embedding": column})), name)
    assert str(caught.value).startswith(f"{name}: ")


def test_later_rows_of_another_form_are_refused():
    rows = [[[1.0, 2.0]]] * 9_000 + [[[1.0, 2.0], [3.0, 4.0]]]
    with pytest.raises(DataError, match=r"embedding begins as .* and goes on as"):
        load(parquet(pa.table({"embedding": rows})), "a.parquet")


def test_views_that_share_one_long_text_are_counted():
    view = pa.array(["x" * 10_000], pa.string_view()).buffers()
    views = pa.py_buffer(view[1].to_pybytes() * 2_000)
    shared = pa.Array.from_buffers(pa.string_view(), 2_000, [None, views, *view[2:]])
    table = pa.table({"f0": np.zeros(2_000), "f1": np.zeros(2_000), "city": shared})
    with pytest.raises(DataError, match="would take"):
        load(arrow(table), "a.arrow", max_bytes=2**20)


def test_the_kind_of_floats_is_told_from_the_bits():
    rng = np.random.default_rng(1)
    for kind in ("<f4", "<f8", "<f2"):
        for rows in (
            rng.normal(size=(9, 16)),
            rng.normal(size=(9, 16)).clip(0),
            np.eye(9, 16),
            X[:9].repeat(2, 1),
        ):
            column = pa.array([row.astype(kind).tobytes() for row in rows])
            assert float_kind(column) == np.dtype(kind)
    assert float_kind(pa.array([b"", b""])) is None
    assert float_kind(pa.array([None], pa.binary())) is None
    assert float_kind(pa.array([b"abc"])) is None
