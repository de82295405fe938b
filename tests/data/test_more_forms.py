"""Forms beside the usual ones: services' answers, nested records, batches, class folders."""

import base64
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from file_bytes import IDS, LABELS, TENSOR, WORDS, D, N, X, Y, arrow, h5, npy, npz, parquet, pt

from kdeviz.data.load import load_embeddings
from kdeviz.errors import DataError

ROWS = np.round(X.astype(float), 4)
LISTS = ROWS.tolist()
FAMILY = [f"f{i}" for i in range(D)]
NAMED = ["length", "width", "height", "weight", "area", "gloss", "hue", "shine"]
AGES = np.arange(N) % 7 / 3


def read(raw, name, **options):
    return load_embeddings(raw.encode() if isinstance(raw, str) else raw, filename=name, **options)


def assert_right(data, ids=None, labels=None, rows=ROWS, split=None):
    assert data.features.shape == np.shape(rows)
    np.testing.assert_allclose(np.asarray(data.features, float), rows, rtol=1e-4, atol=1e-5)
    if ids is not None:
        assert data.ids.tolist() == list(ids)
    assert (None if data.labels is None else data.labels.tolist()) == labels
    assert (None if data.split is None else data.split.tolist()) == split


def refused(raw, name, match, **options):
    with pytest.raises(DataError, match=match) as caught:
        read(raw, name, **options)
    assert "\n" not in str(caught.value)


RECORDS = [{"id": i, "vector": v, "label": w} for i, v, w in zip(IDS, LISTS, WORDS, strict=True)]
BASE64 = [base64.b64encode(np.array(v, "<f4").tobytes()).decode() for v in LISTS]
ANSWERS = {
    "pinecone": {"vectors": [{"id": r["id"], "values": r["vector"]} for r in RECORDS], "namespace": ""},
    "qdrant": {"result": {"points": RECORDS, "next_page_offset": None}, "status": "ok", "time": 0.1},
    "weaviate": {"objects": [{"id": r["id"], "vector": r["vector"], "properties": {}} for r in RECORDS]},
    "elastic": {"took": 3, "hits": {"total": {"value": N}, "hits": [
        {"_id": r["id"], "_score": 1.0, "_source": {"embedding": r["vector"]}} for r in RECORDS
    ]}},
    "chroma": {"ids": IDS, "embeddings": LISTS, "metadatas": [{"label": w} for w in WORDS], "uris": None},
    "cohere": {"id": "x", "embeddings": {"float": LISTS}, "texts": IDS, "meta": {"version": "2"}},
    "gemini": {"embeddings": [{"values": v} for v in LISTS]},
    "openai": {"data": [{"index": 0, "embedding": text} for text in BASE64], "usage": {"tokens": 5}},
    "pipeline": [LISTS],
    "pipeline of one text each": [[v] for v in LISTS],
    "pandas, ids outside": {r["id"]: {"embedding": r["vector"]} for r in RECORDS},
    "pandas, ids inside": {"embedding": dict(zip(IDS, LISTS, strict=True))},
    "pandas, columns by id": {
        f: dict(zip(IDS, ROWS[:, i].tolist(), strict=True)) for i, f in enumerate(FAMILY)
    },
}  # fmt: skip
NAMELESS = ("gemini", "openai", "pipeline", "pipeline of one text each", "cohere")


@pytest.mark.parametrize("name", ANSWERS)
def test_documents_of_services(name):
    labels = Y.tolist() if name in ("qdrant", "chroma") else None
    assert_right(read(json.dumps(ANSWERS[name]), "t.json"), None if name in NAMELESS else IDS, labels)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda r: {"_id": r["id"], "_source": {"embedding": r["vector"], "label": r["label"]}},
        lambda r: {
            "recordId": r["id"],
            "modelOutput": {"embedding": r["vector"]},
            "meta": {"label": r["label"]},
        },
        lambda r: {"key": r["id"], "response": {"embedding": {"values": r["vector"]}}, "label": [r["label"]]},
        lambda r: {"id": r["id"], "embedding": dict(enumerate(r["vector"])), "label": r["label"]},
        lambda r: {"id": r["id"], "embedding": list(map(str, r["vector"])), "x.label": r["label"]},
    ],
)
def test_nested_records(wrap):
    text = "\n".join(json.dumps(wrap(record)) for record in RECORDS)
    assert_right(read(text, "t.jsonl"), IDS, Y.tolist())
    assert "JSON" in " ".join(read(text, "t.csv").notes)


def test_parts_of_a_document_and_keys_that_could_be_anything():
    parts = {"train": RECORDS[:30], "test": RECORDS[30:]}
    split = ["train"] * 30 + ["test"] * 10
    assert_right(read(json.dumps(parts), "t.json"), IDS, Y.tolist(), split=split)
    either = {a: dict.fromkeys(("red", "blue"), 0.5) for a in ("cat", "dog", "cow")}
    refused(json.dumps(either), "t.json", "nobody can tell which keys are rows")
    refused('{"a": {"b": {"c": 1}}, "d": 2}', "t.json", "no list of records or vectors was found")
    broken = [*RECORDS[:5], {"id": "x", "vector": "none"}]
    refused("\n".join(map(json.dumps, broken)), "t.jsonl", "vector in row 5 is 'none'")


@pytest.mark.parametrize("write", [parquet, arrow])
@pytest.mark.parametrize(
    "column",
    [
        {"output": pa.array([{"embedding": v, "tokens": 3} for v in LISTS])},
        {"blob": [np.array(v, np.float32).tobytes() for v in LISTS]},
        {"words": pa.array([[1] * (i % 5 + 1) for i in range(N)]), "last_layer": LISTS},
        {f: list(map(str, ROWS[:, i])) for i, f in enumerate(FAMILY)},
        {f: [[value] for value in ROWS[:, i]] for i, f in enumerate(FAMILY)},
    ],
    ids=["struct", "bytes", "ragged first", "texts of numbers", "lists of one"],
)
def test_columns_that_hold_the_embedding_in_another_way(write, column):
    table = pa.table({"id": IDS, "age": AGES, **column, "label": [[int(y)] for y in Y]})
    data = read(write(table), "t.parquet" if write is parquet else "t.arrow")
    assert_right(data, IDS, Y.tolist())
    assert "age" in data.reading.metadata


@pytest.mark.parametrize(
    "name", ["e[{}]", "v({})", "{}_emb", "dim_{}_clip", "('emb', {})", "f{} (a.u.)", "e.{}"]
)
def test_families_whose_number_stands_anywhere(name):
    frame = pd.DataFrame(ROWS, columns=[name.format(i) for i in range(D)]).assign(age=AGES, sample=IDS)
    data = read(frame.iloc[:, ::-1].to_csv(index=False), "t.csv")
    assert_right(data, IDS)
    assert data.reading.metadata == ("age",)


def vectors_by(write):
    return "".join(f"{i},{write(v)}\n" for i, v in zip(IDS, LISTS, strict=True))


@pytest.mark.parametrize(
    "text",
    [
        vectors_by(lambda v: ",".join(map(str, v))) + "\x1a",
        vectors_by(lambda v: ",".join(f"'{value}'" for value in v)),
        vectors_by(lambda v: f"[{', '.join(map(str, v))}]"),
        "id,embedding\n" + vectors_by(lambda v: f"[{' '.join(map(str, v))}]"),
        "id,embedding\n" + vectors_by(lambda v: f'"({D},[{",".join(map(str, range(D)))}],{v})"'),
    ],
)
def test_texts_as_other_tools_write_them(text):
    assert_right(read(text, "t.csv"), IDS)


def test_vectors_alone_on_their_lines():
    assert_right(read("\n".join(map(str, LISTS)), "t.txt"))
    assert_right(read("\n".join(f"[{' '.join(map(str, v))}]" for v in LISTS), "t.txt"))


def test_a_vector_that_is_an_error_is_named_with_its_row():
    frame = pd.DataFrame({"id": IDS, "ada": [*map(str, LISTS[:-1]), "ERROR"], "age": AGES})
    refused(frame.to_csv(index=False), "t.csv", f"ada in row {N - 1} is no vector")
    refused(frame[::-1].to_csv(index=False), "t.csv", "ada in row 0 is no vector")


def test_lines_of_pairs_are_refused_with_a_remedy():
    lines = [" ".join(["1", *(f"{i + 1}:{value}" for i, value in enumerate(v))]) for v in LISTS]
    refused("\n".join(lines), "t.txt", "libsvm.*load_svmlight_file")


@pytest.mark.parametrize(
    ("raw", "name", "match"),
    [
        (parquet(pa.table({"f0": [1.0]})), "t.csv", r"a parquet file: name it \.parquet"),
        (npy(X), "t.npz", r"an array of numpy: name it \.npy"),
        (npz(x=X), "t.csv", r"a zip archive: name it \.npz or \.xlsx"),
        (b"f0,f1\n" + b"1.5,2.5\n" * 9, "t.parquet", r"the content is text.*name it \.csv"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\n", "t.csv", "git lfs pull"),
        (b"<!DOCTYPE html>\n<html></html>", "t.csv", "a web page"),
        (b"\x1f\x8b\x08" + bytes(40), "t.npy", "unpack it first"),
        (b"\x1f\x8b\x08" + bytes(40), "t.npy.gz", r"unpack it first, as \.npy"),
    ],
)
def test_files_under_a_wrong_name_are_told_what_they_are(raw, name, match):
    refused(raw, name, match)


BATCHES = [(TENSOR[:16], LABELS[:16], IDS[:16]), (TENSOR[16:], LABELS[16:], IDS[16:])]


@pytest.mark.parametrize(
    "value", [BATCHES, [dict(zip(("x", "y", "path"), batch, strict=True)) for batch in BATCHES], BATCHES[:1]]
)
def test_batches_of_a_loader(value):
    data = read(pt(value), "t.pt")
    stop = 16 if len(value) == 1 else N
    assert_right(data, IDS[:stop], Y[:stop].tolist(), X[:stop])


def test_names_of_classes_beside_their_numbers():
    turned = 1 - Y  # as sklearn's cancer data have it: 0 is malignant
    data = read(npz(data=X, target=turned, target_names=np.array(["malignant", "benign"])), "t.npz")
    assert_right(data, None, Y.tolist(), X)
    assert "'malignant' counts as anomalous" in " ".join(data.notes)
    data = read(npz(data=X, target=turned, target_names=np.array(["bad", "good"])), "t.npz")
    assert_right(data, None, Y.tolist(), X)
    told = {"features": TENSOR, "labels": torch.tensor(turned), "class_to_idx": {"bad": 0, "good": 1}}
    assert_right(read(pt(told), "t.pt"), None, Y.tolist(), X)


@pytest.mark.parametrize("write", [npz, h5])
def test_arrays_that_lie_on_their_side_are_refused(write):
    refused(write(X=X.T, y=Y), "t.npz" if write is npz else "t.h5", r"lies on its side; save array\.T")


@pytest.mark.parametrize(("x", "y"), [("x{}", "y{}"), ("{}_images", "{}_labels")])
def test_more_names_of_parts(x, y):
    parts = {
        pattern.format(short): values[where]
        for pattern, values in ((x, X), (y, Y))
        for short, where in (("tr", slice(0, 30)), ("te", slice(30, N)))
    }
    assert_right(read(npz(**parts), "t.npz"), None, Y.tolist(), X, ["train"] * 30 + ["test"] * 10)


PAIRS = [
    "conforming/nonconforming", "compliant/non-compliant", "in-control/out-of-control", "nondefect/defect",
    "acceptable/unacceptable", "correct/incorrect", "0: normal/1: anomaly", "in/out", "ID/OOD", "P/F",
    "go/nogo", "not tampered/tampered",
]  # fmt: skip


@pytest.mark.parametrize("pair", PAIRS)
def test_more_words_for_labels(pair):
    words = [pair.split("/")[y] for y in Y]
    frame = pd.DataFrame(ROWS, columns=FAMILY).assign(label=words)
    assert_right(read(frame.to_csv(index=False), "t.csv"), None, Y.tolist())


@pytest.mark.parametrize(
    "name", ["failure", "Machine failure", "attack", "Fault", "Outcome", "pred", "Pass/Fail"]
)
def test_more_columns_that_give_labels_away(name):
    frame = pd.DataFrame(ROWS, columns=NAMED).assign(**{name: Y})
    assert read(frame.to_csv(index=False), "t.csv").feature_names == tuple(NAMED)


def test_columns_that_count_on_from_anywhere_by_their_names():
    frame = pd.DataFrame(ROWS, columns=NAMED).assign(frame=range(100, 100 + N), age=range(20, 20 + N))
    assert read(frame.to_csv(index=False), "t.csv").feature_names == (*NAMED, "age")


SHUFFLED = np.random.default_rng(0).permutation(N)
ABOUT = {
    "y.npy": npy(Y),
    "labels.npy": npy(np.array(WORDS)),
    "m.npz": npz(ids=np.array(IDS)[SHUFFLED], labels=Y[SHUFFLED]),
    "y.pt": pt(LABELS),
    "labels.txt": "\n".join(map(str, Y)).encode(),
    "m.txt": "".join(f"{i} {y}\n" for i, y in zip(IDS, Y, strict=True)).encode(),
    "words.json": json.dumps(WORDS).encode(),
    "map.json": json.dumps(dict(zip(IDS, WORDS, strict=True))).encode(),
}


@pytest.mark.parametrize("name", ABOUT)
def test_labels_in_a_second_file_of_any_kind(name):
    frame = pd.DataFrame(ROWS, columns=FAMILY).assign(id=IDS)
    assert_right(read(frame.to_csv(index=False), "t.csv", metadata=(ABOUT[name], name)), IDS, Y.tolist())


@pytest.mark.parametrize("shape", [(D,), (1, D)])
def test_a_file_per_sample_in_folders_that_tell_split_and_label(tmp_path, shape):
    places = ["train/good"] * 30 + ["test/good"] * 6 + ["test/scratch"] * 4
    for place, id_, row in zip(places, IDS, X, strict=True):
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        np.save(tmp_path / place / f"{id_}.npy", row.reshape(shape))
    order = sorted(range(N), key=lambda i: places[i] + IDS[i])
    split = [places[i].split("/")[0] for i in order]
    assert_right(load_embeddings(tmp_path), [IDS[i] for i in order], Y[order].tolist(), X[order], split)


def test_tables_that_are_named_after_their_labels_and_tables_of_one_row(tmp_path):
    frame = pd.DataFrame(ROWS, columns=FAMILY)
    for name, rows in (("good", slice(0, 36)), ("bad", slice(36, N))):
        frame[rows].to_csv(tmp_path / f"{name}.csv", index=False)
    assert load_embeddings(tmp_path).labels.tolist() == [1] * 4 + [0] * 36
    single, upright = tmp_path / "single", tmp_path / "upright"
    for folder, end in ((single, " "), (upright, "\n")):
        folder.mkdir()
        for id_, row in zip(IDS, LISTS, strict=True):
            (folder / f"{id_}.txt").write_text(end.join(map(str, row)))
    assert_right(load_embeddings(single), IDS)
    with pytest.raises(DataError, match=f"{N} files with {D} lines of one number each"):
        load_embeddings(upright)


def test_dates_that_python_cannot_hold_are_refused():
    far = pa.array([2**60] * N, pa.timestamp("s"))
    refused(arrow(pa.table({"id": far, "embedding": LISTS})), "t.arrow", "not a readable table")
