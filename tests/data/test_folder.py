"""Folders, globs and lists of files as one set, in name order."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from file_bytes import FIRST, IDS, SPLIT, WORDS, D, N, X, Y, arrow, arrow_stream, assert_read

from kdeviz.data.load import load_embeddings
from kdeviz.errors import DataError

TABLE = pa.table({**{f"f{i}": X[:, i] for i in range(D)}, "id": IDS, "label": WORDS})
PARTS = {"train": TABLE.slice(0, FIRST), "test": TABLE.slice(FIRST)}


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "data.parquet"
    made.mkdir()
    return made


def refused(data, match, **kwargs):
    with pytest.raises(DataError, match=match) as caught:
        load_embeddings(data, **kwargs)
    assert "\n" not in str(caught.value)


def write_parts(folder, parts, name="part-{:05}.snappy.parquet"):
    for i, part in enumerate(parts):
        pq.write_table(part, folder / name.format(i))


def save_to_disk(table, folder):
    """As Hugging Face's Dataset.save_to_disk does."""
    folder.mkdir(exist_ok=True)
    names = [f"data-{i:05}-of-00002.arrow" for i in range(2)]
    for name, part in zip(names, (table.slice(0, 9), table.slice(9)), strict=True):
        (folder / name).write_bytes(arrow_stream(part))
    (folder / "cache-1234.arrow").write_bytes(arrow_stream(table.slice(0, 3)))
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]}))
    (folder / "dataset_info.json").write_text("{}")


def test_a_spark_folder_its_glob_and_its_list_are_one_set(folder):
    write_parts(folder, [TABLE.slice(i, 10) for i in range(0, N, 10)])
    for name in ("_SUCCESS", ".part-00000.crc", "_metadata", "_common_metadata", "README.md"):
        (folder / name).touch()
    for data in (folder, f"{folder}/", str(folder / "*.parquet"), sorted(folder.glob("*.parquet"))[::-1]):
        read = assert_read(load_embeddings(data), X, IDS, Y)
        assert "4 files were read as one set, in name order: part-00000" in " ".join(read.notes)
    assert load_embeddings(folder).name == "data"


def test_numbers_in_names_count_as_numbers_and_empty_parts_are_skipped(folder, monkeypatch):
    write_parts(folder, [TABLE.slice(4 * i, 4) for i in range(12)], "part.{}.parquet")
    assert_read(load_embeddings(folder), X, IDS, Y)
    monkeypatch.chdir(folder)
    assert_read(load_embeddings("part.*.parquet"), X, IDS, Y)
    assert_read(load_embeddings("."), X, IDS, Y)
    for path in folder.iterdir():
        pq.write_table(TABLE.slice(0, 0), path)
    refused(folder, "no rows in any of its 12 files")


def test_partitions_in_folder_names_are_columns(folder):
    for name, part in (("label=bad", TABLE.slice(36)), ("label=good", TABLE.slice(0, 36))):
        (folder / name).mkdir()
        pq.write_table(part.drop_columns("label"), folder / name / "part-0.parquet")
    data = assert_read(load_embeddings(folder), np.roll(X, 4, axis=0), IDS[36:] + IDS[:36])
    assert data.labels.tolist() == [1] * 4 + [0] * 36
    other = folder / "label=__HIVE_DEFAULT_PARTITION__"
    other.mkdir()
    pq.write_table(TABLE.slice(0, 2).drop_columns("label"), other / "part-0.parquet")
    assert load_embeddings(folder).labels.tolist() == [-1] * 2 + [1] * 4 + [0] * 36


@pytest.mark.parametrize("names", ["{}-00000-of-00001.parquet", "{}/0000.parquet"])
def test_the_split_is_read_from_the_paths(folder, names):
    for split, part in PARTS.items():
        (folder / names.format(split)).parent.mkdir(exist_ok=True)
        pq.write_table(part, folder / names.format(split))
    data = load_embeddings(folder)
    assert data.ids.tolist() == IDS[FIRST:] + IDS[:FIRST]
    assert data.split.tolist() == SPLIT[FIRST:] + SPLIT[:FIRST]
    own = load_embeddings(sorted(folder.rglob("*.parquet"))[:1])
    assert own.split is None


def test_hugging_face_datasets_on_disk(tmp_path):
    save_to_disk(TABLE, tmp_path / "one")
    assert_read(load_embeddings(tmp_path / "one"), X, IDS, Y)
    for split, part in PARTS.items():
        (tmp_path / "dict").mkdir(exist_ok=True)
        save_to_disk(part, tmp_path / "dict" / split)
    (tmp_path / "dict" / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    assert_read(load_embeddings(tmp_path / "dict"), X, IDS, Y, SPLIT)
    (tmp_path / "one" / "state.json").write_text("[]")
    refused(tmp_path / "one", r"one: state\.json does not list the data")


def test_a_list_of_outside_names_in_a_folder_stays_in_the_folder(tmp_path):
    save_to_disk(TABLE, tmp_path / "one")
    (tmp_path / "one" / "state.json").write_text('{"_data_files": [{"filename": "../../etc/passwd"}]}')
    refused(tmp_path / "one", "one/passwd: there is no such file")


def test_batches_in_npy_files(tmp_path):
    for i, start in enumerate(range(0, N, 4)):
        np.save(tmp_path / f"img_emb_{i if i < 9 else 10}.npy", X[start : start + 4])
    for data in (tmp_path, str(tmp_path / "img_emb_*.npy")):
        assert_read(load_embeddings(data), X)
    np.save(tmp_path / "img_emb_11.npy", X[:, :5])
    refused(tmp_path, "img_emb_0 has 8 dimensions and img_emb_11 has 5")


def test_arrays_of_a_folder_belong_together_like_those_of_an_archive(tmp_path):
    arrays = {"X_train": X[:FIRST], "X_test": X[FIRST:], "y_train": Y[:FIRST], "y_test": Y[FIRST:]}
    folders = {
        "splits": arrays,
        "named": {"features": X, "labels": Y},
        "vectors": dict(zip(IDS, X, strict=True)),
        "halves": {"test": X[FIRST:], "train": X[:FIRST]},
    }
    for name, files in folders.items():
        (tmp_path / name).mkdir()
        for key, array in files.items():
            np.save(tmp_path / name / f"{key}.npy", array)
    assert_read(load_embeddings(tmp_path / "splits"), X, labels=Y, split=SPLIT)
    assert_read(load_embeddings(tmp_path / "named"), X, labels=Y)
    assert_read(load_embeddings(tmp_path / "vectors"), X, IDS)
    halves = load_embeddings(tmp_path / "halves")
    assert_read(halves, np.concatenate([X[FIRST:], X[:FIRST]]), split=SPLIT[FIRST:] + SPLIT[:FIRST])


def test_shards_of_every_other_kind(tmp_path):
    def save(name, rows):
        part = TABLE.slice(rows.start, rows.stop - rows.start)
        keys = {"x": X[rows], "y": Y[rows], "id": np.array(IDS[rows])}
        np.savez(tmp_path / "npz" / f"{name}.npz", **keys, names=np.arange(3))
        torch.save(
            {"x": torch.tensor(X[rows]), "y": Y[rows].tolist(), "id": IDS[rows]},
            tmp_path / "pt" / f"{name}.pt",
        )
        torch.save(torch.tensor(X[rows]), tmp_path / "pts" / f"{name}.pt")
        part.to_pandas().to_csv(tmp_path / "csv" / f"{name}.csv.gz", index=False)
        (tmp_path / "arrow" / f"{name}.arrow").write_bytes(arrow(part))
        dictionary = part.set_column(D + 1, "label", part["label"].dictionary_encode())
        lists = pa.table({"embedding": list(X[rows]), **{key: dictionary[key] for key in ("id", "label")}})
        pq.write_table(lists, tmp_path / "lists" / f"{name}.parquet")

    kinds = ("npz", "pt", "pts", "csv", "arrow", "lists")
    for kind in kinds:
        (tmp_path / kind).mkdir()
    save("a0", slice(0, 25))
    save("a1", slice(25, N))
    for kind in kinds:
        known = {} if kind == "pts" else {"ids": IDS, "labels": Y}
        data = assert_read(load_embeddings(tmp_path / kind), X, **known)
        assert any("2 files were read as one set" in note for note in data.notes)
    assert any("names is left out" in note for note in load_embeddings(tmp_path / "npz").notes)


def test_types_may_differ_and_columns_may_be_in_another_order(folder):
    double = TABLE.slice(20).set_column(0, "f0", TABLE["f0"].slice(20).cast(pa.float64()))
    write_parts(folder, [TABLE.slice(0, 20), double.select(TABLE.column_names[::-1])])
    assert_read(load_embeddings(folder), X, IDS, Y)
    text = TABLE.slice(20).set_column(0, "f0", pa.array(["a"] * 20))
    write_parts(folder, [TABLE.slice(0, 20), text])
    refused(folder, "a column has different types from file to file")
    write_parts(folder, [TABLE.slice(0, 20), TABLE.slice(20).drop_columns("f3")])
    refused(folder, r"part-00000\.snappy\.parquet has a column 'f3' and part-00001\.snappy\.parquet has none")
    write_parts(folder, [TABLE.slice(0, 20).drop_columns("f3"), TABLE.slice(20)])
    refused(folder, r"part-00001\.snappy\.parquet has a column 'f3' and part-00000")


def test_a_folder_with_metadata_and_a_single_file(tmp_path, folder):
    write_parts(folder, [TABLE.select(["id", "label"])])
    np.save(tmp_path / "x.npy", X)
    assert_read(load_embeddings(tmp_path / "x.npy", metadata=folder), X, labels=Y)
    write_parts(folder, [TABLE])
    assert "one set" not in " ".join(assert_read(load_embeddings(folder), X, IDS, Y).notes)


def test_all_files_together_keep_the_limit(tmp_path, folder):
    write_parts(folder, [TABLE] * 50)
    refused(folder, "2,000 rows of 50 files would take 64,000", max_bytes=40_000)
    for i in range(50):
        np.save(tmp_path / f"e{i}.npy", X)
    refused(str(tmp_path / "*.npy"), "50 arrays together would take 64,000", max_bytes=40_000)


def test_two_sets_in_one_folder_are_refused(tmp_path):
    for i in range(2):
        np.save(tmp_path / f"img_emb_{i}.npy", X)
        np.save(tmp_path / f"text_emb_{i}.npy", X)
    refused(tmp_path, r"several sets, img_emb_\* and text_emb_\*")


def test_folders_and_lists_without_one_kind_of_file(tmp_path, folder):
    refused(folder, r"holds no file that can be read \(no files\)")
    (folder / "a.png").touch()
    refused(folder, r"holds no file that can be read \(1 \.png\)")
    np.save(folder / "a.npy", X)
    pq.write_table(TABLE, folder / "b.parquet")
    refused(
        folder, r"several kinds \(1 \.\w+, 1 \.\w+\); give those of one kind, for example data\.parquet/\*"
    )
    refused([folder / "a.npy", folder / "b.parquet"], "some files hold tables and others arrays")
    refused([], "the list is empty")
    refused(str(tmp_path / "none*.npy"), r"none\*\.npy: no file matches")


@pytest.mark.parametrize(
    ("mark", "what"),
    [
        ("_delta_log", "Delta"),
        (".hoodie", "Hudi"),
        ("_versions", "Lance"),
        (".zarray", "Zarr"),
        ("zarr.json", "Zarr"),
    ],
)
def test_tables_of_other_tools_are_named(folder, mark, what):
    write_parts(folder, [TABLE])
    (folder / mark).mkdir()
    refused(folder, rf"data\.parquet: a {what}")


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("a.pkl", "a pickle can run code"),
        ("a.dat", r"np\.memmap"),
        ("a.ckpt", "a model's weights"),
        ("a.MAT", "MATLAB"),
        ("a.zip", "unpack it"),
        ("a.png", "not pictures"),
        ("a.foo", "the extension is '.foo', need one of"),
    ],
)
def test_other_kinds_of_files_are_told_what_to_do(tmp_path, name, match):
    (tmp_path / name).touch()
    refused(tmp_path / name, match)
