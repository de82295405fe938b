"""EmbeddingSet, and what load_embeddings makes of well-formed files."""

import base64
import dataclasses
import hashlib
import io
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
import safetensors.torch
import torch

from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.data.formats import COMPRESSIONS, FORMATS
from kdeviz.data.labels import ANOMALOUS, NORMAL, UNKNOWN
from kdeviz.data.load import load_embeddings
from kdeviz.data.pictures import picture_uri
from kdeviz.data.rows import Rows
from kdeviz.errors import DataError

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(20)) + b"\x82"
URI = "data:image/png;base64," + base64.b64encode(PNG).decode()
N, D = 12, 5
FEATURES = np.random.default_rng(0).normal(size=(N, D)).astype(np.float32)
IDS = [str(100 + i) for i in range(N)]
LABELS = np.array([0, 1] * (N // 2), np.int8)
SPLIT = ["train"] * 8 + ["test"] * 4
SIDE = {"ID": IDS, "Label": LABELS, "split": SPLIT, "thumbnail": [URI] * N, "city": ["Oslo"] * N}


def table_bytes(table, suffix):
    stream = io.BytesIO()
    if suffix in (".csv", ".tsv"):
        options = pacsv.WriteOptions(delimiter="\t" if suffix == ".tsv" else ",")
        pacsv.write_csv(table, stream, options)
    elif suffix == ".parquet":
        pq.write_table(table, stream)
    else:
        feather.write_feather(table, stream)
    return stream.getvalue()


def saved(write, *args, **kwargs):
    stream = io.BytesIO()
    write(stream, *args, **kwargs)
    return stream.getvalue()


def torch_bytes(value, **kwargs):
    stream = io.BytesIO()
    torch.save(value, stream, **kwargs)
    return stream.getvalue()


def wide(features=FEATURES, side=SIDE, name="f{}"):
    return pa.table({name.format(i): features[:, i] for i in range(features.shape[1])} | dict(side))


def listed(features=FEATURES, side=SIDE, fixed=False):
    values = pa.array(features.ravel())
    width = features.shape[1]
    if fixed:
        column = pa.FixedSizeListArray.from_arrays(values, width)
    else:
        column = pa.ListArray.from_arrays(np.arange(len(features) + 1, dtype=np.int32) * width, values)
    return pa.table({"embedding": column} | dict(side))


def bare_wide(features):
    return wide(features, {})


def bare_listed(features):
    return listed(features, {})


def bare_fixed(features):
    return listed(features, {}, fixed=True)


TENSORS = {
    "features": torch.tensor(FEATURES),
    "id": torch.arange(100, 100 + N),
    "label": torch.tensor(LABELS),
}
NPZ = {key: np.array(value) for key, value in SIDE.items()}
FULL = {
    "wide.csv": table_bytes(wide(), ".csv"),
    "wide.tsv": table_bytes(wide(), ".tsv"),
    "wide.parquet": table_bytes(wide(), ".parquet"),
    "wide.feather": table_bytes(wide(), ".feather"),
    "wide.arrow": table_bytes(wide(), ".feather"),
    "list.parquet": table_bytes(listed(), ".parquet"),
    "list.feather": table_bytes(listed(), ".feather"),
    "fixed.parquet": table_bytes(listed(fixed=True), ".parquet"),
    "fixed.feather": table_bytes(listed(fixed=True), ".feather"),
    "a.npz": saved(np.savez_compressed, X=FEATURES, **NPZ),
    "a.pt": torch_bytes({"features": TENSORS["features"]} | {k: v.tolist() for k, v in NPZ.items()}),
    "a.pth": torch_bytes({"features": TENSORS["features"]} | {k: v.tolist() for k, v in NPZ.items()}),
}
PARTS = {
    "tensors.pt": torch_bytes(TENSORS),
    "a.safetensors": safetensors.torch.save(TENSORS),
    "parts.npz": saved(np.savez, x=FEATURES, y=LABELS, ids=np.array(IDS, "S")),
}
BARE = {"a.npy": saved(np.save, FEATURES), "bare.pt": torch_bytes(TENSORS["features"])}
EVERY = FULL | PARTS | BARE


def load(table, suffix=".parquet", **kwargs):
    return load_embeddings(table_bytes(table, suffix), filename=f"t{suffix}", **kwargs)


def csv(text, **kwargs):
    return load_embeddings(text.encode(), filename="t.csv", **kwargs)


def test_the_formats_are_those_that_are_read_and_documented():
    documented = re.findall(r"\.([a-z0-9]+)\b", load_embeddings.__doc__.split("\n\n")[1])
    assert (*FORMATS, *(compression[1:] for compression in COMPRESSIONS)) == tuple(documented)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("how", ["path", "bytes", "stream"])
def test_every_format_round_trips(tmp_path, name, how):
    path = tmp_path / name
    path.write_bytes(EVERY[name])
    given = {"path": path, "bytes": EVERY[name], "stream": io.BytesIO(EVERY[name])}[how]
    data = load_embeddings(given, filename=None if how == "path" else name)
    np.testing.assert_array_equal(data.features.astype(np.float32), FEATURES)
    assert data.features.dtype == (np.float64 if name.endswith("sv") else np.float32)
    assert data.features.flags.c_contiguous
    assert data.name == name.rsplit(".", maxsplit=1)[0]
    if name in BARE:
        assert data.ids.tolist() == [str(i) for i in range(N)]
        assert data.labels is data.split is data.metadata is data.thumbnails is None
        assert data.embedding_choices == () and data.embedding_column is None
        return
    assert data.ids.tolist() == IDS
    np.testing.assert_array_equal(data.labels, LABELS)
    assert data.embedding_column in data.embedding_choices
    if name in FULL:
        assert data.split.tolist() == SPLIT
        assert data.thumbnails == [PNG] * N
        assert data.metadata.columns.tolist() == ["city"] and set(data.metadata["city"]) == {"Oslo"}
        assert data.notes == ()


def test_an_upload_is_read_from_its_start_and_names_itself(tmp_path):
    (tmp_path / "e.npy").write_bytes(EVERY["a.npy"])
    with (tmp_path / "e.npy").open("rb") as stream:
        stream.read(5)
        np.testing.assert_array_equal(load_embeddings(stream).features, FEATURES)


def test_a_stream_that_cannot_seek_is_read():
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    assert len(load_embeddings(Pipe(EVERY["a.npy"]), filename="a.npy")) == N


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "i8", "u2", "?", ">f4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_is_mapped_in_its_own_precision(tmp_path, dtype, order):
    array = np.asarray(FEATURES * 10, dtype=dtype, order=order)
    np.save(tmp_path / "a.npy", array)
    features = load_embeddings(tmp_path / "a.npy").features
    assert isinstance(features, np.memmap) and not (features.flags.writeable and dtype != ">f4")
    assert features.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(features, array)


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i2", "u1", "i8", "?"])
@pytest.mark.parametrize("shape", [bare_wide, bare_listed, bare_fixed])
def test_tables_keep_their_precision(suffix, dtype, shape):
    array = (FEATURES * 10).astype(dtype)
    features = load(shape(array), suffix).features
    assert features.dtype == dtype
    np.testing.assert_array_equal(features, array)


def test_bfloat16_becomes_float32_and_says_so():
    exact = torch.tensor(FEATURES).bfloat16()
    data = load_embeddings(safetensors.torch.save({"features": exact}), filename="a.safetensors")
    assert data.features.dtype == np.float32 and "bfloat16" in data.notes[0]
    bare = load_embeddings(torch_bytes(exact), filename="a.pt")
    np.testing.assert_array_equal(bare.features, exact.float().numpy())


@pytest.mark.parametrize("shape", [bare_wide, bare_listed, bare_fixed])
@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
def test_many_batches_and_chunks_are_one_array(shape, suffix):
    big = np.random.default_rng(1).normal(size=(20_000, 3)).astype(np.float32)
    table = shape(big)
    chunked = pa.concat_tables([table.slice(5, 9_995), table.slice(10_000)])
    np.testing.assert_array_equal(load(chunked, suffix).features, big[5:])


def test_nulls_become_nan_even_when_they_come_late():
    column = pa.array([1, 2] * 5_000 + [None], pa.int32())
    features = load(pa.table({"f0": column, "f1": column})).features
    assert features.shape == (10_001, 2) and np.isnan(features[-1]).all() and features[0, 0] == 1
    lists = pa.array([[True, None], [False, True]])
    np.testing.assert_array_equal(load(pa.table({"x": lists})).features, [[1, np.nan], [0, 1]])
    empty = csv("f0,f1\n1,\n2,\n").features
    assert np.isnan(empty[:, 1]).all() and empty[:, 0].tolist() == [1, 2]


def test_the_callers_arrays_and_bytes_stay_as_they_are():
    raw = bytes(EVERY["a.npy"])
    data = load_embeddings(raw, filename="a.npy")
    with pytest.raises(ValueError, match="read-only"):
        data.features[0, 0] = 7
    assert raw == EVERY["a.npy"]


def test_the_widest_family_is_the_embedding_and_numbers_beside_it_are_metadata():
    side = {"score": np.arange(N), "bbox_0": np.ones(N), "bbox_1": np.ones(N)}
    data = load(wide(side=side))
    assert data.embedding_column == "f0 … f4"
    assert data.embedding_choices == ("f0 … f4", "bbox_0 … bbox_1", "all numeric columns")
    assert data.metadata.columns.tolist() == ["score", "bbox_0", "bbox_1"]
    assert "guessed to be f0 … f4" in data.notes[0] and "bbox_0" in data.notes[0]
    assert load(wide(side=side), embedding_column="bbox_").features.shape == (N, 2)
    assert load(wide(side=side), embedding_column="all numeric columns").features.shape == (N, 8)
    chosen = load(wide(side=side), embedding_column="f0 ... f4")
    assert chosen.notes == () and chosen.features.shape == (N, D)


def test_families_are_ordered_by_number_and_may_be_bare_numbers():
    columns = {str(i): np.full(3, float(i)) for i in (10, 2, 0, 1)}
    data = load(pa.table(columns))
    assert data.features[0].tolist() == [0, 1, 2, 10] and data.embedding_column == "0 … 10"


def test_without_a_family_every_number_counts_except_roles_and_row_numbers():
    data = csv(",mean radius,texture,pc1,pc2,worst,label,class\n0,1,2,5,6,3,0,1\n1,4,5,7,8,6,1,1\n")
    assert data.embedding_column == "all numeric columns"
    assert data.features.shape == (2, 5)
    assert data.ids.tolist() == ["0", "1"]
    assert data.metadata.columns.tolist() == ["class"]


def test_a_list_column_comes_before_families_and_a_wide_other_family_is_not_metadata():
    table = wide(np.zeros((N, 20)), side={"bbox": [[1.0, 2.0]] * N, "Vector": [[1, 2, 3]] * N})
    data = load(table)
    assert data.embedding_column == "Vector" and data.features.shape == (N, 3)
    assert data.embedding_choices == ("Vector", "f0 … f19", "bbox") and data.metadata is None
    assert load(table, embedding_column="bbox").features.shape == (N, 2)


def test_a_wide_family_is_offered_beside_a_list_and_single_numbers_stay_metadata():
    data = load(listed(side={"score": np.arange(N)}))
    assert data.embedding_choices == ("embedding", "all numeric columns")
    assert data.metadata.columns.tolist() == ["score"]


def test_npz_prefers_known_keys_and_can_be_overridden():
    arrays = {
        "other": np.ones((N, 2)),
        "Embeddings": FEATURES,
        "score": np.arange(N),
        "cube": np.ones((2, 2, 2)),
    }
    raw = saved(np.savez, **arrays)
    data = load_embeddings(raw, filename="a.npz")
    assert data.embedding_column == "Embeddings" and data.embedding_choices == ("Embeddings", "other")
    assert data.metadata.columns.tolist() == ["score"]
    assert any("cube" in note for note in data.notes)
    assert load_embeddings(raw, filename="a.npz", embedding_column="other").features.shape == (N, 2)


def test_big_endian_and_undecodable_columns_of_an_npz():
    raw = saved(np.savez, x=FEATURES, rank=np.arange(N, dtype=">i4"), code=np.array([b"\xff\xfe"] * N))
    data = load_embeddings(raw, filename="a.npz")
    assert data.metadata["rank"].tolist() == list(range(N))
    assert any("code is left out" in note for note in data.notes)


def test_a_torch_dict_keeps_lists_and_leaves_out_the_rest():
    value = {"features": torch.tensor(FEATURES), "name": ["a"] * N, "epoch": 3, "nested": [[1, 2]] * N}
    data = load_embeddings(torch_bytes(value), filename="a.pt")
    assert data.metadata.columns.tolist() == ["name"]
    assert sum("left out" in note for note in data.notes) == 1
    assert data.embedding_choices == ("features", "nested")


@pytest.mark.parametrize(
    ("words", "labels", "kept"),
    [
        (["normal", "Anomalous", ""], [0, 1, -1], False),
        (["0", "1", "0"], [0, 1, 0], False),
        (["true", "FALSE", "nan"], [1, 0, -1], False),
        (["good", "scratch", " ok "], [0, 1, 0], True),
        (["0", "1", "-1"], [0, 1, -1], False),
        (["1", "-1", "1"], [0, 1, 0], False),
        (["0.0", "1.0", ""], [0, 1, -1], False),
        (["0", "3", "-1"], [0, 1, -1], True),
        (["0", "3", "scratch"], [0, 1, 1], True),
    ],
)
def test_labels(words, labels, kept):
    data = csv("f0,f1,label\n" + "".join(f"1,2,{word}\n" for word in words))
    assert data.labels.tolist() == labels and data.labels.dtype == np.int8
    assert (data.metadata is not None and data.metadata["label"].tolist() == words) == kept
    assert {NORMAL, ANOMALOUS, UNKNOWN} == {0, 1, -1}


@pytest.mark.parametrize("name", ["target", "Class", "y", "label"])
@pytest.mark.parametrize(
    "values", [[0, 1, 2, -1], [3, 7, 9, None], [0.0, 1.0, 2.0, np.nan], ["0", "1.0", "2", "nan"]]
)
def test_numbered_classes_are_no_labels(name, values):
    columns = {"f0": [1.0, 2.0, 3.0, 4.0], "f1": [1.0, 2.0, 3.0, 4.0]}
    data = load(pa.table(columns | {name: pa.array(values)}))
    assert data.labels is None
    assert data.metadata.columns.tolist() == [name]
    assert f"{name} holds 3 different numbers" in data.notes[0]


def test_labels_of_other_types():
    columns = {"f0": [1.0, 2.0, 3.0], "f1": [1.0, 2.0, 3.0]}
    flags = load(pa.table(columns | {"is_anomaly": [True, None, False]}))
    assert flags.labels.tolist() == [1, -1, 0]
    floats = load(pa.table(columns | {"target": [0.0, 1.0, float("nan")]}))
    assert floats.labels.tolist() == [0, 1, -1]
    regression = load(pa.table(columns | {"target": [0.5, 1.0, 2.0]}))
    assert regression.labels is None and "fractions" in regression.notes[0]
    many = csv("f0,f1,label\n" + "".join(f"1,2,kind{i}\n" for i in range(9)))
    assert "and 4 more" in many.notes[0]
    for words in (["good", "bad", "good"], [0, 1, 0]):
        categories = pa.table(columns | {"label": pa.array(words).dictionary_encode()})
        assert load(categories, ".feather").labels.tolist() == [0, 1, 0]


def test_y_is_a_label_only_when_x_is_not_a_coordinate():
    assert csv("f0,f1,y\n1,2,1\n").labels.tolist() == [1]
    assert csv("x,y\n1,2\n").labels is None


def test_split_words():
    data = csv("f0,f1,Split\n1,2,Training\n1,2,val\n1,2,\n1,2,TEST\n")
    assert data.split.tolist() == ["train", "test", "test", "test"]
    assert "'val' counts as test" in data.notes[0] and "1 rows without" in data.notes[0]
    assert data.metadata["Split"].tolist() == ["Training", "val", "", "TEST"]
    strange = csv("f0,f1,split\n1,2,train\n1,2,blue\n")
    assert strange.split is None and "'blue'" in strange.notes[0]
    assert strange.metadata["split"].tolist() == ["train", "blue"]
    assert csv("f0,f1,split\n1,2,\n").split is None


def test_ids_stay_text_and_duplicates_are_reported():
    data = csv("f0,f1,id\n1,2,007\n1,2,1e5\n1,2,007\n")
    assert data.ids.tolist() == ["007", "1e5", "007"]
    assert data.notes == ("1 ids occur more than once, for example '007'.",)
    numbers = load(pa.table({"f0": [1.0, 2.0], "f1": [1.0, 2.0], "id": pa.array([5.0, None])}))
    assert numbers.ids.tolist() == ["5", "row 1"]


def test_thumbnails_by_name_by_content_and_in_a_struct():
    kinds = [PNG, b"\xff\xd8\xff\xe0", b"GIF89a--", b"RIFF\0\0\0\0WEBPVP8 ", b"BM--", None]
    table = wide(FEATURES[:6], {"whatever": pa.array(kinds, pa.binary())})
    data = load(table)
    assert data.thumbnails == [*kinds[:4], b"", b""]
    assert "1 thumbnails are not shown (not an image)" in data.notes[0]
    struct = load(wide(side={"image": [{"bytes": PNG, "path": "a.png"}] * N}))
    assert struct.thumbnails == [PNG] * N and struct.metadata.columns.tolist() == ["image.path"]
    assert load(wide(side={"image": pa.nulls(N, pa.string())})).thumbnails is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("https://example.org/a.png", "never fetched"),
        ("//example.org/a.png", "never fetched"),
        ("data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=", "SVG"),
        ("data:image/png,abc", "not an image"),
        ("data:image/png;base64,%%%%", "not an image"),
        ("data:image/png;base64,PHN2Zz48L3N2Zz4=", "not an image"),
        ("data:image/png;base64,é", "not an image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
    ],
)
def test_other_thumbnails_are_refused(value, reason):
    data = load(wide(side={"thumbnail": [value] * N}))
    assert data.thumbnails is None and data.thumbnail_uri(0) is None
    assert any(reason in note for note in data.notes)
    mixed = load(wide(side={"thumbnail": [URI if isinstance(value, str) else PNG] + [value] * (N - 1)}))
    assert mixed.thumbnails == [PNG] + [b""] * (N - 1) and reason in mixed.notes[0]
    assert mixed.thumbnail_uri(0) == picture_uri(PNG) and mixed.thumbnail_uri(1) is None


def test_csv_dialects():
    assert csv("f0;f1;city\n1.5;2;a\n").features.tolist() == [[1.5, 2]]
    assert csv("\ufefff0,f1\n1,2\n").features.tolist() == [[1, 2]]
    bare = csv("0.5,1\n2,3\n")
    assert bare.features.tolist() == [[0.5, 1], [2, 3]] and "No header line" in bare.notes[0]
    assert csv("0,1\n5,6\n").features.tolist() == [[5, 6]]
    quoted = csv('f0,f1,text\n1,2,"two\nlines"\n3,4,"a,b"\n')
    assert quoted.metadata["text"].tolist() == ["two\nlines", "a,b"]


def test_user_text_stays_plain_text():
    text = "<b>&amp;</b>=1+1"
    assert csv(f"f0,f1,city\n1,2,{text}\n").metadata["city"].tolist() == [text]


def test_nested_columns_and_bytes_are_left_out_with_a_note():
    data = load(
        wide(
            side={
                "tags": [{"a": ["x", "y"]}] * N,
                "blob": [b"123"] * N,
                "days": pa.array([0] * N, pa.date32()),
            }
        )
    )
    assert data.metadata.columns.tolist() == ["days"]
    assert sum("left out" in note for note in data.notes) == 2
    data = load(wide(side={"words": [["a", "b"]] * N}))
    assert data.metadata is None


# The second file


META = pa.table({"id": [*IDS[::-1], "x"], "label": ["good"] * N + ["bad"], "city": ["a"] * (N + 1)})


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".feather"])
def test_metadata_by_id(tmp_path, suffix):
    order = pa.table({"id": [*IDS[::-1], "x"], "rank": list(range(N + 1))})
    path = tmp_path / f"m{suffix}"
    path.write_bytes(table_bytes(order, suffix))
    data = load(wide(side={"id": IDS}), metadata=path)
    assert data.metadata["rank"].tolist() == list(range(N))[::-1]
    assert data.ids.tolist() == IDS
    assert f"1 ids of m{suffix} are not among the embeddings, for example 'x'." in data.notes


def test_metadata_that_lacks_ids_or_repeats_them():
    table = pa.table({"id": [IDS[0], IDS[0], IDS[1]], "label": ["1", "0", "0"], "split": ["train"] * 3})
    data = load(wide(side={"id": IDS}), metadata=(table_bytes(table, ".csv"), "m.csv"))
    assert data.labels.tolist() == [1, 0] + [-1] * (N - 2)
    assert data.split.tolist() == ["train"] * 2 + ["test"] * (N - 2)
    assert any("10 ids have no row in m.csv" in note for note in data.notes)
    assert any("more than once" in note for note in data.notes)


def test_metadata_by_row_order():
    table = pa.table({"label": ["good"] * N, "city": ["b"] * N, "id": IDS})
    data = load_embeddings(EVERY["a.npy"], filename="a.npy", metadata=(table_bytes(table, ".csv"), "m.csv"))
    assert data.ids.tolist() == IDS and data.labels.tolist() == [0] * N
    both = load(wide(side={"city": ["a"] * N}), metadata=(table_bytes(table, ".csv"), "m.csv"))
    assert both.metadata.columns.tolist() == ["city", "city (embedding file)"]


def test_row_numbers_are_no_ids_to_join_by():
    table = pa.table({"": np.arange(N), "city": list("abcdefghijkl")})
    meta = (table_bytes(table, ".parquet"), "m.parquet")
    data = load(wide(side={"id": IDS}), metadata=meta)
    assert data.metadata["city"].tolist() == list("abcdefghijkl")
    reversed_rows = load(wide(side={"index": np.arange(N)[::-1]}), metadata=meta)
    assert reversed_rows.metadata["city"].tolist() == list("lkjihgfedcba")


def test_ids_that_lost_their_leading_zeros_are_matched():
    padded = wide(side={"id": [f"{i:05d}" for i in range(N)]})
    ranks = pa.table({"id": [str(i) for i in range(N)][::-1], "rank": list(range(N))})
    data = load(padded, metadata=(table_bytes(ranks, ".csv"), "m.csv"))
    assert data.metadata["rank"].tolist() == list(range(N))[::-1] and data.ids[7] == "00007"
    assert "The ids of m.csv were matched as numbers: '00000' is '0'." in data.notes
    both = wide(side={"id": ["001", "0001", *(f"{i:03d}" for i in range(2, N))]})
    with pytest.raises(DataError, match="none of its ids"):
        load(both, metadata=(table_bytes(ranks, ".csv"), "m.csv"))


def test_metadata_that_does_not_fit_is_refused():
    with pytest.raises(DataError, match="13 rows for 12 embeddings"):
        load_embeddings(EVERY["a.npy"], filename="a.npy", metadata=(table_bytes(META, ".csv"), "m.csv"))
    strangers = pa.table({"id": [f"z{i}" for i in range(N)]})
    with pytest.raises(DataError, match="none of its ids"):
        load(wide(side={"id": IDS}), metadata=(table_bytes(strangers, ".csv"), "m.csv"))
    with pytest.raises(DataError, match="there are no rows"):
        load(wide(side={}), metadata=(b"a,b\n", "m.csv"))
    with pytest.raises(DataError, match=r"m\.npy: holds nothing with one value per row"):
        load(wide(), metadata=(EVERY["a.npy"], "m.npy"))
    many = pa.table({"id": ["1"] * N, "f0": np.ones(N), "f1": np.ones(N)})
    long = pa.table({"id": ["1"], "text": ["x" * 10_000]})
    with pytest.raises(
        DataError, match="the joined metadata would take 120,000 bytes and the limit is 60,000"
    ):
        load(many, metadata=(table_bytes(long, ".csv"), "m.csv"), max_bytes=60_000)


# EmbeddingSet


def test_parts_must_have_as_many_rows_as_the_features():
    with pytest.raises(DataError, match=r"need shape \(rows, dimensions\), got \(3,\)"):
        EmbeddingSet.from_array(np.zeros(3))
    with pytest.raises(DataError, match="labels has 2 rows, features have 3"):
        EmbeddingSet(np.zeros((3, 1)), np.array(["a", "b", "c"]), labels=np.zeros(2, np.int8))


def test_take_copies_rows_of_every_part():
    data = load_embeddings(EVERY["wide.parquet"], filename="a.parquet")
    some = data.take(np.array([3, 1]))
    assert some.ids.tolist() == [IDS[3], IDS[1]] and some.labels.tolist() == [1, 1]
    assert len(some.metadata) == len(some.thumbnails) == len(some.split) == 2
    mask = np.zeros(N, bool)
    mask[:3] = True
    bare = EmbeddingSet.from_array(FEATURES).take(mask)
    assert len(bare) == 3 and bare.metadata is None and not np.shares_memory(bare.features, FEATURES)


def test_train_and_test():
    data = load_embeddings(EVERY["wide.parquet"], filename="a.parquet")
    train, test = data.train_and_test()
    assert (len(train), len(test)) == (8, 4)
    assert train.train_and_test() == (train, None) and test.train_and_test() == (test, None)
    bare = EmbeddingSet.from_array(FEATURES)
    assert bare.train_and_test() == (bare, None)


def test_excluded_rows_are_never_fitted_on():
    excluded = np.zeros(N, bool)
    excluded[[2, 5, 9]] = True
    kept = [0, 1, 3, 4, 6, 7]
    numbered = dataclasses.replace(EmbeddingSet.from_array(FEATURES), excluded=excluded, changes=("a", "b"))
    assert numbered.train_and_test() == (numbered, None)
    np.testing.assert_array_equal(numbered.in_training, ~excluded)

    data = dataclasses.replace(numbered, split=np.array(SPLIT))
    np.testing.assert_array_equal(np.flatnonzero(data.in_training), kept)
    train, test = data.train_and_test()
    assert train.ids.astype(int).tolist() == kept and test.ids.astype(int).tolist() == [2, 5, 8, 9, 10, 11]
    assert not train.excluded.any() and test.excluded.tolist() == [True, True, False, True, False, False]
    assert set(train.split) == {"train"} and set(test.split) == {"test"}
    assert train.changes == test.changes == ("a", "b")
    assert train.train_and_test() == (train, None) and test.train_and_test() == (test, None)
    assert data.split.tolist() == SPLIT

    one_kind = dataclasses.replace(data, split=np.full(N, "train"))
    assert one_kind.train_and_test() == (one_kind, None)
    np.testing.assert_array_equal(one_kind.in_training, ~excluded)
    only_test = dataclasses.replace(data, split=np.full(N, "test"))
    np.testing.assert_array_equal(only_test.in_training, ~excluded)
    with pytest.raises(DataError, match="every training row is left out of training"):
        dataclasses.replace(data, excluded=np.ones(N, bool)).train_and_test()


@pytest.mark.parametrize("order", ["C", "F"])
def test_take_columns(order):
    data = dataclasses.replace(EmbeddingSet.from_array(np.array(FEATURES, order=order)), changes=("a",))
    mask = np.array([True, False, False, True, False])
    for columns in (mask, np.array([0, 3])):
        some = data.take_columns(columns)
        np.testing.assert_array_equal(some.features, FEATURES[:, [0, 3]])
        assert type(some.features) is np.ndarray and some.features.flags.c_contiguous
        assert not np.shares_memory(some.features, data.features)
        assert some.digest != data.digest and some.changes == ("a",) and len(some) == N
    with pytest.raises(DataError, match="no dimensions would be left"):
        data.take_columns(~np.ones(D, bool))


def test_digest_tells_values_shapes_and_dtypes_apart():
    sets = [FEATURES, FEATURES.reshape(D, N), FEATURES.astype(np.float64), FEATURES + 1]
    assert len({EmbeddingSet.from_array(array).digest for array in sets}) == 4
    assert (
        EmbeddingSet.from_array(np.asfortranarray(FEATURES)).digest
        == EmbeddingSet.from_array(FEATURES).digest
    )


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "i8", "u2", "?", ">f4", ">i4"])
@pytest.mark.parametrize("layout", ["plain", "fortran", "strided", "mapped"])
def test_digest_is_that_of_the_model_and_of_the_bytes(tmp_path, dtype, layout):
    features = np.random.default_rng(0).integers(0, 100, (9000, 6)).astype(dtype)
    if layout == "fortran":
        features = np.asfortranarray(features)
    elif layout == "strided":
        features = features[::-2, 1::2]
    elif layout == "mapped":
        np.save(tmp_path / "x.npy", features)
        features = np.load(tmp_path / "x.npy", mmap_mode="r")
    oracle = hashlib.blake2b(f"{features.dtype.str}{features.shape}".encode(), digest_size=16)
    oracle.update(features.tobytes())
    assert EmbeddingSet.from_array(features).digest == Rows(features).digest() == oracle.hexdigest()
    if features.dtype.isnative and dtype != "u2":
        tensor = torch.from_numpy(np.array(features, order="C"))
        assert Rows(tensor).digest() == oracle.hexdigest()


def test_import_loads_no_readers():
    code = "import sys, kdeviz.data; print([m for m in sys.modules if m in ('pandas', 'pyarrow', 'torch')])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_pandas_files_read_as_they_were_written(tmp_path):
    frame = pd.DataFrame(
        FEATURES, columns=[f"emb_{i}" for i in range(D)], index=pd.Index(IDS, name="image_id")
    )
    frame.to_parquet(tmp_path / "p.parquet")
    frame.to_csv(tmp_path / "p.csv")
    for name in ("p.parquet", "p.csv"):
        data = load_embeddings(str(tmp_path / name))
        assert data.ids.tolist() == IDS
        np.testing.assert_allclose(data.features, FEATURES, rtol=1e-6)
