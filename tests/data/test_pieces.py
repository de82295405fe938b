"""Files read in parts hold the same ids and features as files read whole."""

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdeviz.data import Corrections, load_embeddings, pieces, pieces_of_batches, read_pieces
from kdeviz.data.readers import parquet, streams, wide_parquet
from kdeviz.errors import DataError

ROWS = 700
FEATURES = np.random.default_rng(0).normal(size=(ROWS, 4)).astype(np.float32)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch, tmp_path):
    monkeypatch.setattr(streams, "_TEXT_BYTES", 3000)
    monkeypatch.setattr(streams, "_ARRAY_BYTES", 3000)
    monkeypatch.chdir(tmp_path)


def frame(**more):
    columns = {"path": [f"a/{i}.png" for i in range(ROWS)]}
    columns |= {f"f{i}": FEATURES[:, i] for i in range(4)}
    return pd.DataFrame(
        columns | {"note": ['said "hi"\nthere' if i % 7 == 0 else "x" for i in range(ROWS)]} | more
    )


def listed():
    return pa.table({"key": [str(3 * i) for i in range(ROWS)], "embedding": FEATURES.tolist()})


def structs():
    return pa.table({"output": pa.array([{"embedding": row.tolist(), "n": 1} for row in FEATURES])})


def text(path, content, encoding="utf-8"):
    Path(path).write_bytes(content.encode(encoding))


def packed(path, content):
    with pa.CompressedOutputStream(path, "zstd") as file:
        file.write(content.encode())


def vector_line(row):
    return json.dumps({"id": f"r{row}", "vector": FEATURES[row].tolist()}) + "\n"


LINES = frame().drop(columns="note").to_csv(index=False)
NUMBERS = "".join(" ".join(map(repr, row)) + "\n" for row in FEATURES.astype(float).tolist())
STREAMED = {
    "a.csv": lambda path: frame().to_csv(path, index=False),
    "a.csv.gz": lambda path: frame().to_csv(path, index=False, compression="gzip"),
    "a.csv.zst": lambda path: packed(path, frame().to_csv(index=False)),
    "tabs.tsv": lambda path: frame().to_csv(path, index=False, sep="\t"),
    "comma.csv": lambda path: frame().to_csv(path, index=False, sep=";", decimal=","),
    "index.csv": lambda path: frame().to_csv(path),
    "crlf.csv": lambda path: text(path, LINES.replace("\n", "\r\n")),
    "bom.csv": lambda path: text(path, LINES, "utf-8-sig"),
    "title.csv": lambda path: text(path, "made on a Monday\n\n" + LINES),
    "comments.csv": lambda path: text(path, "# one\n# two\n" + LINES),
    "blank.csv": lambda path: text(path, LINES + "\n\n"),
    "no_end.csv": lambda path: text(path, LINES.rstrip()),
    "bare.txt": lambda path: text(path, NUMBERS),
    "bare.csv": lambda path: text(path, NUMBERS.replace(" ", ",")),
    "words.vec": lambda path: text(
        path, f"{ROWS} 4\n" + "".join(f"w{i} {line}\n" for i, line in enumerate(NUMBERS.splitlines()))
    ),
    "a.jsonl": lambda path: frame().to_json(path, orient="records", lines=True),
    "lists.jsonl": lambda path: text(path, "".join(map(vector_line, range(ROWS)))),
    "a.parquet": lambda path: frame().to_parquet(path, row_group_size=150),
    "lists.parquet": lambda path: pq.write_table(listed(), path, row_group_size=99),
    "structs.parquet": lambda path: pq.write_table(structs(), path),
    "a.feather": lambda path: frame().to_feather(path),
    "lists.arrow": lambda path: pa.feather.write_feather(listed(), path, compression="zstd"),
    "structs.arrow": lambda path: pa.feather.write_feather(structs(), path, chunksize=50),
    "a.npy": lambda path: np.save(path, FEATURES),
    "fortran.npy": lambda path: np.save(path, np.asfortranarray(FEATURES)),
    "half.npy": lambda path: np.save(path, FEATURES.astype(np.float16)),
    "fields.npy": lambda path: np.save(path, frame().drop(columns="note").to_records(index=False).astype(
        [("path", "U12"), *((f"f{i}", "f4") for i in range(4))]
    )),
}  # fmt: skip
WHOLE = {
    "wide.csv": lambda path: text(path, LINES, "utf-16"),
    "list.jsonl": lambda path: frame().to_json(path, orient="records"),
    "a.json": lambda path: frame().to_json(path, orient="records"),
    "a.npz": lambda path: np.savez(path, x=FEATURES),
}


def read(path, said=None):
    found = list(read_pieces(path, Corrections(**(said or {}))))
    assert [piece.start for piece in found] == [0, *np.cumsum([len(piece.data) for piece in found])[:-1]]
    assert found[-1].done == 1
    features = np.concatenate([piece.data.features for piece in found])
    return len(found), features, np.concatenate([piece.data.ids for piece in found])


@pytest.mark.parametrize("name", STREAMED | WHOLE)
def test_parts_are_the_whole(name):
    (STREAMED | WHOLE)[name](name)
    whole = load_embeddings(name)
    parts, features, ids = read(name)
    assert features.dtype == whole.features.dtype
    np.testing.assert_array_equal(features, whole.features)
    assert ids.tolist() == whole.ids.tolist()
    assert parts == 1 or name in STREAMED
    assert parts > 1 or name in ("lists.parquet", "structs.parquet") or name in WHOLE


def pictures():
    """As Hugging Face stores them."""
    held = [
        {"bytes": b"\x89PNG\r\n\x1a\n" + bytes([i % 256, i // 256]), "path": f"{i}.png"} for i in range(ROWS)
    ]
    return pa.table({"embedding": FEATURES.tolist(), "image": held})


NESTED = {
    "image": pictures,
    "tags": lambda: pa.table({"embedding": FEATURES.tolist(), "tags": [[f"t{i % 5}"] for i in range(ROWS)]}),
    "meta": lambda: pa.table(
        {"embedding": FEATURES.tolist(), "meta": [{"a": i, "b": f"text {i}"} for i in range(ROWS)]}
    ),
}


@pytest.mark.parametrize("name", NESTED)
@pytest.mark.parametrize("rows", [ROWS, 150])
def test_texts_inside_of_structs_and_lists_may_stand_in_several_row_groups(name, rows):
    pq.write_table(NESTED[name](), "nested.parquet", row_group_size=rows)
    whole = load_embeddings("nested.parquet")
    _, features, ids = read("nested.parquet")
    np.testing.assert_array_equal(whole.features, FEATURES)
    np.testing.assert_array_equal(features, FEATURES)
    assert ids.tolist() == whole.ids.tolist()


@pytest.mark.parametrize("write", [pq.write_table, pa.feather.write_feather], ids=["x.parquet", "x.arrow"])
def test_ids_may_be_the_field_of_a_struct(write, request):
    name = request.node.callspec.id
    write(pictures(), name)
    assert read(name)[2].tolist() == [f"{i}.png" for i in range(ROWS)]
    of_batches = [piece.data.ids for piece in pieces_of_batches(pictures())]
    assert np.concatenate(of_batches).tolist() == [f"{i}.png" for i in range(ROWS)]


@pytest.mark.parametrize("name", ["a.parquet", "a.feather"])
def test_a_file_of_a_set_that_lacks_a_column_is_named_with_it(name):
    STREAMED["a.parquet"]("first.parquet")
    plan = next(read_pieces("first.parquet")).plan
    table = frame().drop(columns="f2")
    table.to_parquet(name) if name == "a.parquet" else table.to_feather(name)
    with pytest.raises(DataError, match=rf"^{name}: there is no column 'f2', which is needed$"):
        list(read_pieces(name, plan=plan))


@given(
    st.lists(st.text(alphabet='ab," \n\r;é', max_size=6), min_size=60, max_size=60), st.sampled_from(",;\t")
)
def test_any_texts_beside_the_numbers(texts, separator):
    table = pd.DataFrame({"x1": FEATURES[:60, 0], "x2": FEATURES[:60, 1], "text": texts})
    table.to_csv("any.csv", index=False, sep=separator, quoting=2)
    _, features, _ = read("any.csv", {"embedding_column": ("x1", "x2")})
    np.testing.assert_array_equal(
        features, load_embeddings("any.csv", embedding_column=("x1", "x2")).features
    )


def test_what_was_said_holds_for_all_parts():
    frame(other=np.arange(ROWS)).to_csv("a.csv", index=False)
    said = {"embedding_column": ("f1", "f0"), "id_column": "other"}
    parts, features, ids = read("a.csv", said)
    assert parts > 3
    np.testing.assert_array_equal(features, FEATURES[:, [1, 0]].astype(str).astype(float))
    assert ids.tolist() == [str(i) for i in range(ROWS)]


def test_inches_do_not_stop_the_cutting():
    screens = frame().assign(note='a 5" screen').drop(columns="path")
    text("inch.csv", screens.to_csv(index=False, quoting=3, escapechar="\\").replace("\\", ""))
    parts, features, _ = read("inch.csv")
    assert parts > 3
    np.testing.assert_array_equal(features, load_embeddings("inch.csv").features)


@pytest.mark.parametrize("chosen", [frame, listed, structs])
def test_batches_of_an_engine(chosen):
    table = chosen() if chosen is not frame else pa.Table.from_pandas(frame(), preserve_index=False)
    pq.write_table(table, "same.parquet")
    whole = load_embeddings("same.parquet")
    batches = [table.schema.empty_table().to_batches(), table.to_batches(max_chunksize=200)]
    found = list(pieces_of_batches(batch for part in batches for batch in part))
    np.testing.assert_array_equal(np.concatenate([piece.data.features for piece in found]), whole.features)
    assert np.concatenate([piece.data.ids for piece in found]).tolist() == whole.ids.tolist()
    assert list(pieces_of_batches([])) == []


def test_a_later_part_that_does_not_fit_is_refused_by_name():
    text("late.csv", LINES + "x.png,1,2,three,4\n")
    with pytest.raises(DataError, match=r"^late\.csv: .*three"):
        list(read_pieces("late.csv"))


@pytest.mark.parametrize("name", ["a.npy", "a.parquet", "lists.arrow"])
def test_a_file_that_was_cut_short_is_refused_by_name(name):
    STREAMED[name](name)
    with Path(name).open("r+b") as file:
        file.truncate(file.seek(0, 2) * 2 // 3)
    with pytest.raises(DataError, match=f"^{name}: "):
        list(read_pieces(name))


def test_what_can_only_be_read_whole_has_a_limit(monkeypatch):
    monkeypatch.setattr(pieces, "WHOLE_BYTES", 5000)
    WHOLE["a.npz"]("a.npz")
    with pytest.raises(DataError, match=r"^a\.npz: .*limit is 5,000.*\.npy it is read in parts"):
        list(read_pieces("a.npz"))
    STREAMED["a.npy"]("a.npy")
    assert read("a.npy")[0] > 3


def test_a_compressed_line_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(pieces, "WHOLE_BYTES", 100_000)
    with gzip.open("long.csv.gz", "wb") as file:
        file.write(b"a,b\n1," + b"2" * 1_000_000)
    with pytest.raises(DataError, match=r"^long\.csv\.gz: .* limit is 100,000"):
        list(read_pieces("long.csv.gz"))


def test_a_missing_file_and_one_without_rows_are_refused():
    with pytest.raises(DataError, match="there is no such file"):
        list(read_pieces("none.npy"))
    text("empty.csv", "a,b\n")
    with pytest.raises(DataError, match=r"^empty\.csv: "):
        list(read_pieces("empty.csv"))


def wide_table(rows=700):
    random = np.random.default_rng(8)
    columns = {f"f{i}": random.normal(size=rows).astype(np.float32) for i in range(10)}
    return pa.table({"id": [f"row {i}" for i in range(rows)], **columns, "kind": ["a", None] * (rows // 2)})


def test_of_a_wide_file_few_columns_are_open_at_a_time(monkeypatch):
    pq.write_table(wide_table(), "wide.parquet", row_group_size=400)
    expected = load_embeddings("wide.parquet")
    monkeypatch.setattr(parquet, "_STREAMED_BYTES", 1)
    monkeypatch.setattr(wide_parquet, "_MOST_BYTES", 0)
    monkeypatch.setattr(wide_parquet, "_AT_ONCE", 3)
    opened, plain = [], pq.ParquetFile.iter_batches

    def counted(self, *given, columns=None, **options):
        opened.append(columns if columns is not None else given[2])
        return plain(self, *given, **({} if columns is None else {"columns": columns}), **options)

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", counted)
    found = list(read_pieces("wide.parquet"))
    assert max(map(len, opened)) == 3
    assert [len(piece.data) for piece in found] == [128, 128, 128, 16, 128, 128, 44]
    np.testing.assert_array_equal(np.concatenate([piece.data.features for piece in found]), expected.features)
    assert np.concatenate([piece.data.ids for piece in found]).tolist() == expected.ids.tolist()


def test_a_wide_file_names_the_row_in_which_a_list_is_missing(monkeypatch):
    vectors = [None if i == 650 else [float(i), 1.0] for i in range(700)]
    table = wide_table().append_column("vector", pa.array(vectors, pa.list_(pa.float32(), 2)))
    pq.write_table(table, "wide.parquet", row_group_size=400)
    monkeypatch.setattr(wide_parquet, "_MOST_BYTES", 0)
    with pytest.raises(DataError, match=r"missing in row 650|row 650"):
        list(read_pieces("wide.parquet", Corrections(embedding_column="vector")))


def missing_ids(name):
    """A file in which two ids are missing; and what reads its ids in parts."""
    table = listed().set_column(
        0, "id", pa.array([None if row in (123, 599) else f"r{row}" for row in range(ROWS)])
    )
    if name.endswith("parquet"):
        pq.write_table(table, name, row_group_size=100)
    else:
        lines = (json.dumps({key: value for key, value in row.items() if value}) for row in table.to_pylist())
        text(name, "\n".join(lines) + "\n")


@pytest.mark.parametrize("name", ["ids.parquet", "ids.jsonl"])
def test_a_missing_id_is_the_number_of_the_row_in_the_file(name):
    missing_ids(name)
    whole = load_embeddings(name).ids
    parts = list(read_pieces(name))
    assert len(parts) > 3
    np.testing.assert_array_equal(np.concatenate([piece.data.ids for piece in parts]), whole)
    assert (whole[123], whole[599]) == ("row 123", "row 599")


@pytest.mark.parametrize("name", ["wrong.csv", "wrong.jsonl", "ragged.csv", "ragged.jsonl", "vectors.csv"])
def test_what_is_wrong_is_told_with_the_number_of_its_row_in_the_file(name):
    if name == "vectors.csv":
        lines = ["id,vector", *(f'r{row},"{FEATURES[row].tolist()}"' for row in range(ROWS))]
        lines[601] = 'r600,"[0.1, 0.2"'
    elif name.endswith("csv"):
        lines = LINES.splitlines()
        lines[601] = "a/600.png,0.1,0.2,0.3" + (",many" if name == "wrong.csv" else "")
    else:
        lines = [vector_line(row).strip() for row in range(ROWS)]
        lines[600] = json.dumps({"id": "r600", "vector": [0.1, 0.2, "x" if name == "wrong.jsonl" else 0.3]})
    text(name, "\n".join(lines) + "\n")
    with pytest.raises(DataError) as of_all:
        load_embeddings(name)
    assert "row 600" in str(of_all.value)
    with pytest.raises(DataError) as of_parts:
        list(read_pieces(name))
    assert "row 600" in str(of_parts.value)
