"""A random set, written in a random supported form of text, comes back equal."""

import bz2
import csv
import gzip
import io
import json
import lzma

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from kdeviz.data.load import load_embeddings

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False, width=32).map(lambda value: round(value, 5))
LETTERS = st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters="\"'#%")
TEXTS = st.text(LETTERS, min_size=1, max_size=8).filter(lambda text: not text[0].isdigit())
PACK = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda raw: pa.compress(raw, codec="zstd", asbytes=True),
}


@st.composite
def sets(draw):
    """Features, ids, labels (or None) and a column of metadata."""
    rows, dimensions = draw(st.integers(3, 12)), draw(st.integers(3, 6))
    cells = draw(st.lists(NUMBERS, min_size=rows * dimensions, max_size=rows * dimensions))
    features = np.array(cells).reshape(rows, dimensions)
    ids = draw(st.lists(TEXTS, min_size=rows, max_size=rows, unique=True))
    labels = draw(st.none() | st.lists(st.sampled_from(["good", "bad", ""]), min_size=rows, max_size=rows))
    notes = draw(st.lists(st.text(LETTERS, max_size=6), min_size=rows, max_size=rows))
    return features, ids, labels, notes


def written(value, decimal):
    """With a fraction, so that it is seen to be no counter and to have decimals."""
    text = np.format_float_positional(value, trim="0", min_digits=6)
    return text.replace(".", decimal)


def as_table(features, ids, labels, notes, decimal):
    names = ["id", *(f"f{i}" for i in range(features.shape[1])), *(["label"] if labels else []), "remark"]
    rows = [
        [ids[i], *(written(value, decimal) for value in row), *([labels[i]] if labels else []), notes[i]]
        for i, row in enumerate(features)
    ]
    return names, rows


def assert_equal(data, features, ids, labels):
    np.testing.assert_allclose(data.features, features, rtol=1e-6, atol=1e-9)
    assert data.ids.tolist() == ids
    if labels:
        codes = {"good": 0, "bad": 1, "": -1}
        known = data.labels is not None or "good" not in labels  # bad alone is understood, nothing is not
        assert known
        if data.labels is not None:
            assert data.labels.tolist() == [codes[label] for label in labels]


@settings(max_examples=120)
@given(
    rows=sets(),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    decimal=st.sampled_from([".", ","]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    before=st.sampled_from(["", "\n", "# made by a test\n"]),
    name=st.sampled_from([".csv", ".tsv", ".txt"]),
    packed=st.sampled_from(list(PACK)),
)
def test_tables_of_text(rows, delimiter, decimal, quoting, end, encoding, before, name, packed):
    names, cells = as_table(*rows, decimal)
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, quoting=quoting, lineterminator="\n")
    writer.writerows([names, *cells])
    raw = PACK[packed]((before + stream.getvalue()).replace("\n", end).encode(encoding))
    data = load_embeddings(raw, filename=f"t{name}{packed}")
    assert_equal(data, *rows[:3])
    assert data.feature_names == tuple(names[1 : 1 + rows[0].shape[1]])
    assert data.metadata is None or data.metadata.shape[1] <= 2


@settings(max_examples=40)
@given(
    rows=sets(), delimiter=st.sampled_from([",", ";", "\t", "|", " "]), decimal=st.sampled_from([".", ","])
)
def test_tables_without_a_header(rows, delimiter, decimal):
    features = rows[0]
    _, cells = as_table(*rows, decimal)
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter, lineterminator="\n").writerows(
        row[1 : 1 + features.shape[1]] for row in cells
    )
    data = load_embeddings(stream.getvalue().encode(), filename="t.csv")
    np.testing.assert_allclose(data.features, features, rtol=1e-6, atol=1e-9)


@settings(max_examples=40)
@given(rows=sets(), form=st.sampled_from(["records", "lines", "columns", "split", "table"]))
def test_json(rows, form):
    features, ids, labels, _ = rows
    frame = pd.DataFrame({"id": ids, "embedding": features.tolist()} | ({"label": labels} if labels else {}))
    if form == "lines":
        text = "\n".join(map(json.dumps, frame.to_dict("records")))
    else:
        text = frame.to_json(orient=form, double_precision=10)
    data = load_embeddings(text.encode(), filename=f"t.{'jsonl' if form == 'lines' else 'json'}")
    assert_equal(data, features, ids, labels)


@settings(max_examples=40)
@given(
    rows=sets(),
    write=st.sampled_from(
        [
            str,
            json.dumps,
            lambda v: " ".join(map(str, v)),
            lambda v: f"array({v})",
            lambda v: ";".join(map(str, v)),
        ]
    ),
    delimiter=st.sampled_from([",", "\t", ";"]),
)
def test_vectors_in_text(rows, write, delimiter):
    features, ids, labels, _ = rows
    frame = pd.DataFrame({"id": ids, "embedding": [write(row) for row in features.tolist()]})
    if labels:
        frame["label"] = labels
    text = frame.to_csv(index=False, sep=delimiter)
    assert_equal(load_embeddings(text.encode(), filename="t.csv"), features, ids, labels)
