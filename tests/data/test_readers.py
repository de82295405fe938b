"""Files that lie, inflate, break or carry code: each is refused in one line that names the file."""

import contextlib
import io
import os
import pickle
import struct
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kdeviz.data.embedding_set import MAX_BYTES
from kdeviz.data.formats import FORMATS
from kdeviz.data.labels import ANOMALOUS, NORMAL, UNKNOWN
from kdeviz.data.load import load_embeddings
from kdeviz.data.readers.values import stacked
from kdeviz.errors import DataError

SUFFIXES = tuple(f".{name}" for name in FORMATS)
MB = 2**20


def load(raw, name, **kwargs):
    return load_embeddings(raw, filename=name, **kwargs)


def refused(raw, name, match=None, **kwargs):
    with pytest.raises(DataError, match=match) as caught:
        load(raw, name, **kwargs)
    message = str(caught.value)
    assert message.startswith(f"{name}: ") and "\n" not in message
    return message


def npy(array, **kwargs):
    stream = io.BytesIO()
    np.save(stream, array, **kwargs)
    return stream.getvalue()


def npz(**arrays):
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def zipped(members, compression=zipfile.ZIP_STORED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def parquet(table, **kwargs):
    stream = io.BytesIO()
    pq.write_table(table, stream, **kwargs)
    return stream.getvalue()


def arrow(table, **kwargs):
    stream = io.BytesIO()
    feather.write_feather(table, stream, **kwargs)
    return stream.getvalue()


def saved(value, **kwargs):
    stream = io.BytesIO()
    torch.save(value, stream, **kwargs)
    return stream.getvalue()


def repacked(raw, change):
    """A torch archive whose pickle was edited."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return zipped({k: change(v) if k.endswith(".pkl") else v for k, v in members.items()})


class Evil:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


WIDE = pa.table({f"f{i}": np.random.default_rng(i).normal(size=50) for i in range(4)})
GOOD = {
    "a.npy": npy(np.random.default_rng(0).normal(size=(50, 4))),
    "a.npz": npz(x=np.random.default_rng(0).normal(size=(50, 4))),
    "a.csv": b"f0,f1\n" + b"1.5,2.5\n" * 50,
    "a.tsv": b"f0\tf1\n" + b"1.5\t2.5\n" * 50,
    "a.parquet": parquet(WIDE),
    "a.feather": arrow(WIDE),
    "a.arrow": arrow(WIDE),
    "a.pt": saved(torch.ones(50, 4)),
    "a.pth": saved({"x": torch.ones(50, 4)}),
    "a.safetensors": safetensors.torch.save({"x": torch.ones(50, 4)}),
}


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("keep", [0, 3, 0.3, 0.6, 0.95, -3])
def test_a_truncated_file_is_refused(tmp_path, name, keep):
    raw = GOOD[name]
    assert len(load(raw, name)) == 50
    end = int(len(raw) * keep) if isinstance(keep, float) else keep
    if name.endswith("sv"):  # a shorter text is still a text, unless a row is cut
        end = 0 if keep == 0 else -6
    refused(raw[:end], name)
    (tmp_path / name).write_bytes(raw[:end])
    with pytest.raises(DataError, match=f"^{name}: "):
        load_embeddings(tmp_path / name)


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=25, deadline=None)
@given(raw=st.binary(max_size=300))
def test_random_bytes_are_refused(suffix, raw):
    if suffix in (".csv", ".tsv"):
        raw = b"\x00\xff" + raw
    refused(raw, f"x{suffix}")


@pytest.mark.parametrize("name", GOOD)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_damaged_files_give_a_data_error_or_an_embedding(name, data):
    raw = bytearray(GOOD[name])
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(DataError):
        load(bytes(raw), name, max_bytes=64 * MB)


@pytest.mark.parametrize("suffix", [s for s in SUFFIXES if s not in (".csv", ".tsv")])
def test_text_under_another_name_is_refused(suffix):
    refused(b"f0,f1\n1,2\n" * 10, f"x{suffix}")


def test_a_csv_that_is_not_text_is_refused():
    refused(GOOD["a.parquet"], "a.csv")
    refused(b"f0,f1\n1,\xff\xfe\n", "a.csv")


def test_missing_files_and_unknown_extensions(tmp_path):
    with pytest.raises(DataError, match=r"none\.npy: there is no such file"):
        load_embeddings(tmp_path / "none.npy")
    with pytest.raises(DataError, match="there is no such file"):
        load_embeddings(tmp_path / "none" / "a.npy")
    message = refused(b"", "model.xyz")
    assert all(suffix in message for suffix in SUFFIXES)
    with pytest.raises(DataError, match="need a filename"):
        load_embeddings(b"123")
    for name in GOOD:
        (tmp_path / name).touch()
        with pytest.raises(DataError, match=f"^{name}: "):
            load_embeddings(tmp_path / name)


# Sizes


def test_the_limit_holds_for_every_format_and_names_both_numbers():
    assert MAX_BYTES == 4 * 2**30
    for name, raw in GOOD.items():
        message = refused(raw, name, "would take", max_bytes=200)
        assert "the limit is 200;" in message
    refused(io.BytesIO(GOOD["a.npy"]), "a.npy", "the limit is 100", max_bytes=100)


def test_an_npz_bomb_is_refused_before_it_inflates():
    raw = npz(x=np.zeros((8, MB)))
    assert len(raw) < MB / 8
    refused(raw, "bomb.npz", "would take 67,.* bytes and the limit is 1,048,576", max_bytes=MB)


def test_headers_that_promise_more_than_there_is():
    raw = npy(np.zeros((4, 4))).replace(b"(4, 4)", b"(4, 9)")
    refused(raw, "a.npy", r"promises 288 bytes for shape \(4, 9\), the file holds 128")
    refused(raw.replace(b"(4, 9)", b"(0, 9)"), "a.npy", "no values")
    inside = zipped({"x.npy": raw})
    refused(inside, "a.npz", "promises 288 bytes, the archive holds 128")
    stream = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": (4, 4_000_000_000)}
    np.lib.format.write_array_header_1_0(stream, header)
    refused(stream.getvalue(), "a.npy", r"would take 128,000,000,000 bytes and the limit is 4,294,967,296")


def test_an_rle_parquet_bomb_is_refused_by_its_footer():
    flat = parquet(pa.table({"f0": np.zeros(4 * MB), "f1": np.zeros(4 * MB)}))
    assert len(flat) < MB / 4
    refused(flat, "a.parquet", "4,194,304 rows of 2 columns would take 67,108,864", max_bytes=MB)
    values = pa.array(np.zeros(2 * MB))
    for lists in (
        pa.ListArray.from_arrays(np.arange(0, 2 * MB + 1, MB, dtype=np.int32), values),
        pa.FixedSizeListArray.from_arrays(values, MB),
    ):
        refused(parquet(pa.table({"x": lists})), "a.parquet", "would take 16,777,216", max_bytes=MB)


@pytest.mark.parametrize("side", ["id", "city", "label"])
@pytest.mark.parametrize("write", [parquet, arrow])
def test_one_long_text_in_every_row_is_refused(side, write):
    texts = pa.DictionaryArray.from_arrays(np.zeros(20_000, np.int32), ["x" * 10_000])
    raw = write(pa.table({"f0": np.zeros(20_000), "f1": np.zeros(20_000), side: texts}))
    assert len(raw) < 600_000
    name = f"a.{'parquet' if write is parquet else 'feather'}"
    refused(raw, name, "a text column would take", max_bytes=4 * MB)


def test_many_texts_are_counted_as_they_are_read():
    texts = pa.array([f"{i % 3}" * 300 for i in range(20_000)])
    columns = {"f0": np.zeros(20_000), "f1": np.zeros(20_000), "city": texts, "street": texts}
    raw = parquet(pa.table(columns))
    refused(raw, "a.parquet", "the columns beside the embedding would take", max_bytes=8 * MB)


def test_one_long_id_cannot_widen_all_the_others():
    rows = "".join("1,2,a\n" for _ in range(1000)) + "1,2," + "x" * 5000 + "\n"
    refused(("f0,f1,id\n" + rows).encode(), "a.csv", "the ids in id would take 20,020,000", max_bytes=MB)


@pytest.mark.parametrize("compression", ["zstd", "lz4", "uncompressed"])
def test_a_feather_bomb_is_refused_by_its_buffer_lengths(compression):
    raw = arrow(pa.table({"f0": np.zeros(MB), "f1": np.zeros(MB)}), compression=compression)
    refused(raw, "a.feather", "would take", max_bytes=MB)
    dictionary = pa.DictionaryArray.from_arrays(np.zeros(9, np.int8), ["x" * 2 * MB])
    raw = arrow(pa.table({"f0": np.zeros(9), "city": dictionary}), compression=compression)
    refused(raw, "a.feather", "would take", max_bytes=MB)


def test_feather_columns_without_buffers_are_counted():
    refused(arrow(pa.table({"f0": pa.nulls(MB)})), "a.feather", "8,388,608", max_bytes=MB)
    refused(arrow(pa.table({"a": pa.nulls(3)})), "a.feather", "no numeric column")
    refused(arrow(pa.table({"f0": np.zeros(4 * MB, bool)})), "a.feather", "4,194,304", max_bytes=MB)


def test_incompressible_feather_buffers_count_as_they_are():
    noise = np.random.default_rng(0).normal(size=4000)
    assert len(load(arrow(pa.table({"f0": noise, "f1": noise})), "a.feather")) == 4000


def test_feather_version_1_is_refused():
    refused(
        b"FEA1" + bytes(40) + b"FEA1", "a.feather", "Feather version 1 is not read; write it with pyarrow"
    )


def test_lists_that_widen_are_counted():
    flags = pa.array([[True] * 10_000] * 500)
    refused(arrow(pa.table({"x": flags})), "a.feather", "x would take 5,000,000", max_bytes=MB)


def test_arrow_offsets_beyond_the_buffer_are_refused():
    table = pa.table({"f0": [1.0, 2.0], "f1": [1.0, 2.0], "id": ["abcd", "efgh"]})
    raw, right = arrow(table, compression="uncompressed"), struct.pack("<3i", 0, 4, 8)
    assert raw.count(right) == 1 and load(raw, "a.feather").ids.tolist() == ["abcd", "efgh"]
    refused(raw.replace(right, struct.pack("<3i", 0, 4, 400_000)), "a.feather", "not a readable Arrow")


def test_csv_cells_are_counted_before_they_are_parsed():
    refused(b"f0,f1\n" + b"1,2\n" * 20_000, "a.csv", "40,003 cells would take 320,024", max_bytes=100_000)
    refused(b",".join([b"f"] * 100_001), "a.csv", "100,001 columns, the limit is 100,000")
    assert len(load(b"f0,f1\n" + b"1.23456789012345678,2.3456789012345678\n" * 100, "a.csv", max_bytes=4_500))


# Code


@pytest.mark.parametrize("name", ["a.pt", "a.pth"])
@pytest.mark.parametrize("protocol", [2, 4])
def test_a_pickle_in_a_torch_file_never_runs(tmp_path, name, protocol):
    raw = saved({"x": torch.ones(2, 2), "evil": Evil(tmp_path / "ran")}, pickle_protocol=protocol)
    refused(raw, name, "holds more than tensors")
    assert not (tmp_path / "ran").exists()


def test_legacy_and_plain_pickles_are_refused(tmp_path):
    legacy = saved({"evil": Evil(tmp_path / "ran")}, _use_new_zipfile_serialization=False)
    for raw in (legacy, pickle.dumps(Evil(tmp_path / "ran"))):
        refused(raw, "a.pt", "not a torch zip archive")
        refused(raw, "a.npy", "not a readable")
    refused(saved(torch.ones(2, 2), _use_new_zipfile_serialization=False), "a.pt", "old pickle")
    assert not (tmp_path / "ran").exists()


def test_object_arrays_never_run(tmp_path):
    array = np.array([Evil(tmp_path / "ran"), None], object)
    refused(npy(array, allow_pickle=True), "a.npy", r"holds Python objects.*np\.stack")
    refused(zipped({"x.npy": npy(array, allow_pickle=True)}), "a.npz", "x holds Python objects")
    refused(zipped({"x.pkl": pickle.dumps(array)}), "a.npz", "not a readable")
    assert not (tmp_path / "ran").exists()


def test_torch_files_that_reserve_memory_are_refused():
    refused(saved(torch.zeros(1).expand(MB, 4)), "a.pt", "would take 16,777,216", max_bytes=MB)
    refused(saved({"a": bytearray(9)}), "a.pt", "bytearray")
    names = ["a"] * 1000 + ["b" * 5000]
    refused(saved({"x": torch.ones(1001, 2), "id": names}), "a.pt", "in id would take 20,", max_bytes=MB)
    lying = repacked(GOOD["a.pt"], lambda code: code.replace(b"K\xc8", b"J\xc8\0\0\x7f"))
    refused(lying, "a.pt", "not a readable torch")
    refused(zipped({"a/data.pkl": bytes(8 * MB)}, zipfile.ZIP_DEFLATED), "a.pt", "inflated", max_bytes=MB)


# Shapes and types


@pytest.mark.parametrize(
    ("array", "match"),
    [
        (np.zeros(4), r"has shape \(4,\), need \(rows, dimensions\); .*reshape\(-1, 1\)"),
        (np.zeros((2, 3, 4)), r"has shape \(2, 3, 4\).*flatten each row: array.reshape\(2, -1\)"),
        (np.float32(3), r"has shape \(\)"),
        (np.zeros((2, 2), complex), "complex numbers"),
        (np.array([["a", "b"]]), "need an array of numbers.*found an array of <U1|found x of <U1"),
        (np.zeros(2, [("a", [("b", "f4")])]), "structured array"),
        (np.zeros((0, 4)), r"no values, shape \(0, 4\)"),
        (np.zeros((4, 0)), r"no values, shape \(4, 0\)"),
    ],
)
def test_arrays_of_other_shapes_and_types(array, match):
    refused(npy(array), "a.npy", match)
    refused(npz(x=array), "a.npz", match)


def test_tensors_of_other_shapes_and_types():
    refused(saved(torch.ones(3)), "a.pt", r"shape \(3,\)")
    refused(saved({"x": torch.ones(2, 3, 4)}), "a.pt", "flatten")
    refused(saved(torch.ones(2, 2, dtype=torch.complex64)), "a.pt", "complex")
    refused(saved(torch.ones(2, 2).to_sparse()), "a.pt")
    refused(saved([torch.ones(2, 2, 2)]), "a.pt", "flatten")
    refused(saved([]), "a.pt", "found")
    refused(saved({"x": torch.empty(0, 3)}), "a.pt", "no values")
    refused(safetensors.torch.save({"x": torch.ones(3)}), "a.safetensors", r"shape \(3,\)")
    refused(safetensors.torch.save({}), "a.safetensors", "found nothing")


def test_npy_of_a_newer_version_is_refused():
    raw = npy(np.zeros((2, 2)))
    refused(raw[:6] + b"\x03" + raw[7:], "a.npy", r"version \(3, 0\)")
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.ones((2, 2)), version=(2, 0))
    assert load(stream.getvalue(), "a.npy").features.shape == (2, 2)


@pytest.mark.parametrize("write", [parquet, arrow])
def test_ragged_missing_and_nested_lists(write):
    name = "a.parquet" if write is parquet else "a.feather"
    ragged = [[1.0, 2.0]] * 9_000 + [[1.0]] + [[1.0, 2.0]]
    refused(write(pa.table({"x": ragged})), name, "row 9000 has 1 numbers and row 0 has 2")
    refused(write(pa.table({"x": [[1.0], None]})), name, "x is missing in row 1; drop")
    refused(
        write(pa.table({"x": pa.array([None, [1.0, 2.0]], pa.list_(pa.float32(), 2))})),
        name,
        "x is missing in row 0; drop",
    )
    refused(write(pa.table({"x": [[[1.0, 2.0]] * 2] * 2})), name, "lists of lists; flatten")
    refused(write(pa.table({"x": pa.array([[], []], pa.list_(pa.float32()))})), name, "no values")


@pytest.mark.parametrize("write", [parquet, arrow])
def test_tables_without_rows_or_columns(write):
    name = "a.parquet" if write is parquet else "a.feather"
    refused(write(WIDE.slice(0, 0)), name, "there are no rows")
    refused(write(pa.table({"a": ["x"]})), name, r"no numeric column.*'a' \(string, such as 'x'\)")
    refused(write(pa.table({})), name, "there are no rows")


def test_text_in_number_columns_is_named_with_its_row():
    text = b"f0,f1,f2\n1,2,3\n1,,3\n1,abc,3\n"
    message = refused(text, "a.csv", "column 'f1' of f0 … f2 holds text")
    assert "('abc' in row 2)" in message
    refused(text, "a.csv", "column 'f1'", embedding_column="f")
    refused(b"city,name\na,b\n", "a.csv", r"'city' \(string, such as 'a'\), 'name' \(string, such as 'b'\)")
    days = pa.table({"f0": [1.0], "f1": pa.array([1], pa.date32())})
    refused(parquet(days), "a.parquet", r"column 'f1' of f0 … f1 holds date32\[day\], not numbers;")


def test_unknown_embedding_columns_list_the_choices():
    refused(GOOD["a.csv"], "a.csv", "no embedding 'z'; choose one of 'f0 … f1'", embedding_column="z")
    refused(GOOD["a.npz"], "a.npz", "choose one of 'x'", embedding_column="y")
    refused(GOOD["a.npy"], "a.npy", "leave embedding_column out", embedding_column="x")


def test_repeated_columns_and_ragged_rows_of_a_csv():
    refused(b"a,b,a\n1,2,3\n", "a.csv", "column 'a' occurs twice")
    refused(b"a,b\n1,2\n3\n", "a.csv", "row 1 has 1 cell and the others have 2")
    refused(b"a,b\n", "a.csv", "there are no rows")


def test_fewer_rows_than_announced_never_become_an_array():
    with pytest.raises(ValueError, match="5 rows were announced, 4 are there"):
        stacked(iter([np.ones((2, 2))] * 2), 5)


def test_a_dotted_column_is_not_taken_for_a_struct():
    table = pa.table({"a.b": ["x", "y"], "a": [{"b": 1}, {"b": 2}], "f0": [1.0, 2.0], "f1": [1.0, 2.0]})
    assert load(parquet(table), "a.parquet").features.shape == (2, 2)


def test_corrupt_flatbuffers_are_refused():
    raw = bytearray(GOOD["a.feather"])
    start = raw.index(struct.pack("<I", 0xFFFFFFFF), 16)
    raw[start + 8 : start + 40] = b"\xff" * 32
    refused(bytes(raw), "a.feather", "not a readable Arrow")


def test_an_exported_table_keeps_what_is_not_labelled_and_every_note():
    text = "id,x,y,label,mark,note\n1,1,2,normal,,007\n2,1,3,not labelled,unsure,true\n3,1,4,anomalous,,\n"
    data = load_embeddings(text.encode(), filename="scores.csv")
    assert data.labels is not None
    assert data.labels.tolist() == [NORMAL, UNKNOWN, ANOMALOUS]
    assert data.metadata is not None
    assert data.metadata["note"].tolist()[:2] == ["007", "true"]
