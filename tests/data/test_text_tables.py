"""Text tables in every dialect that people bring: each is read as the same rows."""

import base64
import bz2
import gzip
import io
import json
import lzma

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from kdeviz.data.load import load_embeddings
from kdeviz.errors import DataError

N, D = 30, 6
X = np.round(np.random.default_rng(0).normal(size=(N, D)), 4)
LARGE = np.round(np.random.default_rng(1).normal(size=(N, D)) * 5000, 2)
IDS = [f"img{i:03d}" for i in range(N)]
FAMILY = [f"f{i}" for i in range(D)]
NAMED = ["length", "width", "height", "weight", "area", "gloss"]
LABELS = [0] * (N - 4) + [1] * 4
WORDS = ["good"] * (N - 4) + ["bad"] * 4


def table(
    mark=",", header=True, names=FAMILY, ids=IDS, labels=None, write="{:.4f}".format, values=X, end="\n"
):
    """The rows as text."""
    lines = []
    if header:
        lines.append((["id"] if ids else []) + list(names) + (["label"] if labels else []))
    for i, row in enumerate(values):
        beside = [str(labels[i])] if labels else []
        lines.append(([ids[i]] if ids else []) + [write(value) for value in row] + beside)
    return end.join(mark.join(line) for line in lines) + end


def with_comma(value):
    return f"{value:.4f}".replace(".", ",")


def german(value):
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


def read(text, name="t.csv", **options):
    raw = text if isinstance(text, bytes) else text.encode()
    return load_embeddings(raw, filename=name, **options)


def refused(text, match, name="t.csv", **options):
    with pytest.raises(DataError, match=match) as caught:
        read(text, name, **options)
    assert str(caught.value).startswith(f"{name}: ") and "\n" not in str(caught.value)


def assert_rows(data, ids=IDS, labels=None, values=X):
    np.testing.assert_allclose(data.features.astype(float), values, rtol=1e-9)
    if ids is not None:
        assert data.ids.tolist() == list(ids)
    assert (None if data.labels is None else data.labels.tolist()) == labels


@pytest.mark.parametrize("mark", [",", ";", "\t", "|", " "])
@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.txt"])
@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("ids", [IDS, None])
@pytest.mark.parametrize("labels", [None, WORDS, LABELS])
def test_delimiters_headers_ids_and_labels(mark, name, header, ids, labels):
    data = read(table(mark, header, ids=ids, labels=labels), name)
    assert_rows(data, ids, LABELS if labels else None)
    assert ("No header line" in " ".join(data.notes)) != header
    assert data.reading.features == tuple(FAMILY)


@pytest.mark.parametrize("mark", [";", "\t", "|", " "])
@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("names", [FAMILY, NAMED])
@pytest.mark.parametrize("ids", [IDS, None])
def test_decimal_commas(mark, header, names, ids):
    assert_rows(read(table(mark, header, names, ids, write=with_comma)), ids)


def test_decimal_commas_in_quotes_between_commas():
    assert_rows(read(table(write=lambda value: f'"{with_comma(value)}"')))


@pytest.mark.parametrize(
    ("mark", "write"),
    [
        (",", '"{:,.2f}"'.format),
        (";", "{:,.2f}".format),
        ("\t", "{:,.2f}".format),
        (";", german),
        (";", lambda value: german(value).replace(".", " ")),
        (";", lambda value: german(value).replace(".", "\u202f")),
        (";", lambda value: f"{value:,.2f}".replace(",", "'")),
    ],
)
def test_thousands_separators(mark, write):
    assert_rows(read(table(mark, write=write, values=LARGE)), values=LARGE)


def test_a_number_that_can_be_read_in_two_ways_is_asked_about():
    whole = np.arange(1000, 1000 + N * D).reshape(N, D) * 7
    text = table(";", write="{:,}".format, values=whole)
    refused(text, "'7,000' may be a number with decimals or one with thousands")
    assert_rows(read(text, decimal="."), values=whole)
    assert_rows(read(text, decimal=","), values=whole / 1000)


@pytest.mark.parametrize(
    "before",
    [
        "\n\n",
        "  \n",
        "# model=resnet50, layer=avgpool\n",
        "% a\n",
        "// b, c\n",
        "# a\n\n# b\n",
        ",,,,,,\n",
        "sep=,\n",
    ],
)
@pytest.mark.parametrize("header", [True, False])
def test_lines_above_the_table(before, header):
    assert_rows(read(before + table(header=header)))


@pytest.mark.parametrize(("mark", "line"), [(";", "sep=;"), ("\t", "sep=\t"), (";", '"sep=;"')])
def test_excels_line_with_the_delimiter(mark, line):
    assert_rows(read(f"{line}\n{table(mark, write=with_comma)}"))


def test_a_title_above_the_table_is_skipped_with_a_note():
    data = read("Export of 1 May\n" + table())
    assert_rows(data)
    assert "'Export of 1 May' above the table was skipped" in data.notes[0]


def test_comments_and_blank_lines_between_rows():
    text = table()
    assert_rows(read(text.replace("img010", "# half of it\nimg010") + "# end\n"))
    assert_rows(read(text.replace("img010", "\n\nimg010")))


@pytest.mark.parametrize("mark", [",", ";", "\t", " "])
@pytest.mark.parametrize("header", [True, False])
def test_delimiters_at_the_end_of_lines(mark, header):
    assert_rows(read(table(mark, header).replace("\n", f"{mark}\n")))


def test_a_delimiter_at_the_end_of_one_kind_of_line():
    first, rest = table().split("\n", 1)
    assert_rows(read(f"{first},\n{rest}"))
    assert_rows(read(first + "\n" + rest.replace("\n", ",\n")))


def test_row_names_without_a_heading_as_r_writes_them():
    lines = table(" ").split("\n")
    lines[0] = lines[0].removeprefix("id ")
    assert_rows(read("\n".join(lines), "t.txt"))


@pytest.mark.parametrize("mark", [", ", "; ", " , ", "\t "])
def test_spaces_around_delimiters(mark):
    assert_rows(read(table(mark)))
    assert_rows(read(table(mark, ids=[f'"{id_}"' for id_ in IDS])))


@pytest.mark.parametrize("mark", [",", " ", "\t", ";", ", "])
@pytest.mark.parametrize("names", [FAMILY, NAMED, None])
def test_numpys_savetxt(mark, names):
    stream = io.StringIO()
    np.savetxt(stream, X, delimiter=mark, header="" if names is None else mark.join(names))
    data = read(stream.getvalue(), "t.txt")
    assert_rows(data, None)
    assert data.reading.features == tuple(names or FAMILY)


def test_aligned_columns():
    stream = io.StringIO()
    np.savetxt(stream, X, fmt="%12.4f")
    assert_rows(read(stream.getvalue(), "t.txt"), None)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(end):
    assert_rows(read(table(end=end)))
    assert_rows(read(table(end=end).removesuffix(end)))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
@pytest.mark.parametrize("mark", [",", "\t"])
def test_encodings(encoding, mark):
    ids = [id_.replace("img", "Köln") for id_ in IDS]
    data = read(table(mark, ids=ids).encode(encoding))
    assert_rows(data, ids)
    assert any("Windows-1252" in note for note in data.notes) == (encoding == "cp1252")


def zstd(raw):
    return pa.compress(raw, codec="zstd", asbytes=True)


PACKED = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstd}
RECORDS = pd.DataFrame(X, columns=FAMILY).assign(id=IDS)


@pytest.mark.parametrize("suffix", PACKED)
@pytest.mark.parametrize(
    ("inner", "text"),
    [
        (".csv", table()),
        (".tsv", table("\t")),
        (".jsonl", RECORDS.to_json(orient="records", lines=True)),
        (".json", RECORDS.to_json()),
    ],
)
def test_compressed_text(suffix, inner, text):
    raw = PACKED[suffix](text.encode())
    assert_rows(read(raw, f"t{inner}{suffix}"))
    refused(raw[:-8], "not a readable", f"t{inner}{suffix}")


@pytest.mark.parametrize("suffix", PACKED)
def test_a_compressed_bomb_is_refused_while_it_inflates(suffix):
    bomb = PACKED[suffix](b"f0,f1\n" + b"1,2\n" * 1_000_000)
    refused(
        bomb, "the inflated text would take .* and the limit is 1,048,576", f"t.csv{suffix}", max_bytes=2**20
    )


def test_word_vectors():
    words = ["the", "of", ",", '"', "'s", "naïve", "#tag", *(f"w{i}" for i in range(N - 7))]
    glove = "".join(f"{word} {' '.join(map(str, row))}\n" for word, row in zip(words, X, strict=True))
    assert_rows(read(glove, "t.txt"), words)
    assert_rows(read(f"{N} {D}\n{glove}", "t.vec"), words)
    assert_rows(read(f"{N} {D}\n" + glove.replace("\n", " \n"), "t.vec"), words)


@pytest.mark.parametrize("orient", ["records", "split", "index", "columns", "values", "table"])
def test_json_as_pandas_writes_it(orient):
    assert_rows(read(RECORDS.to_json(orient=orient), "t.json"), None if orient == "values" else IDS)
    lists = pd.DataFrame({"id": IDS, "embedding": X.tolist(), "age": range(N)})
    if orient not in ("values", "table"):
        assert_rows(read(lists.to_json(orient=orient), "t.json"))


ANSWER = {"object": "list", "data": [{"index": i, "embedding": row.tolist()} for i, row in enumerate(X)]}
BATCH = [
    {"custom_id": id_, "response": {"body": {"data": [{"embedding": row.tolist()}]}}}
    for id_, row in zip(IDS, X, strict=True)
]


@pytest.mark.parametrize(
    ("document", "ids"),
    [
        (ANSWER, None),
        ({"ids": IDS, "embeddings": X.tolist()}, IDS),
        ({"model": "m", "ids": IDS, "embeddings": X.tolist()}, IDS),
        (dict(zip(IDS, X.tolist(), strict=True)), IDS),
        ({f"f{i}": X[:, i].tolist() for i in range(D)}, None),
        (X.tolist(), None),
        ([["id", *FAMILY], *([id_, *row.tolist()] for id_, row in zip(IDS, X, strict=True))], IDS),
    ],
)
def test_json_documents(document, ids):
    assert_rows(read(json.dumps(document), "t.json"), ids)


def test_json_lines():
    rows = [{"id": id_, "embedding": row.tolist()} for id_, row in zip(IDS, X, strict=True)]
    text = "\n".join(map(json.dumps, rows))
    for name in ("t.jsonl", "t.ndjson", "t.json"):
        assert_rows(read(text, name))
    assert_rows(read(json.dumps(rows), "t.jsonl"))
    assert_rows(read("\n".join(map(json.dumps, BATCH)), "t.jsonl"))
    refused(text.replace('"img005"', "img005"), "line 6 is no JSON record", "t.jsonl")
    refused(text.replace("[", "[0.5, ", 1), "row 1 has 6 numbers and row 0 has 7", "t.jsonl")
    gap = [row | {"embedding": [None, *row["embedding"][1:]]} for row in rows]
    assert np.isnan(read("\n".join(map(json.dumps, gap)), "t.jsonl").features[:, 0]).all()


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("{}", "holds dict, need a list of records"),
        ("3", "holds int"),
        ("[]", "no rows"),
        ('["a", "b"]', "no numeric column or list column"),
        ('[{"a": 1}, "b"]', "row 1 is 'b', not a record"),
        ('{"a": [1, 2], "b": [1]}', "a has 2 values and b has 1"),
        (
            '{"cat": [1, 2, 3], "dog": [4, 5, 6]}',
            "2 keys with 3 numbers each may be columns or one vector per id",
        ),
        ('{"a": ', "not a readable JSON"),
        ("[" * 100_000, "not a readable JSON"),
    ],
)
def test_json_that_is_no_table(text, match):
    refused(text, match, "t.json")


def test_json_is_counted_before_it_becomes_objects():
    refused(b"[" + b"[]," * 100_000 + b"[]]", "the parsed JSON would take", "t.json", max_bytes=2**20)


WRITERS = {
    "python": lambda row: str(row.tolist()),
    "json in json": lambda row: json.dumps([row.tolist()]),
    "numpy": str,
    "numpy's repr": repr,
    "several lines": lambda row: str(row).replace(" ", "\n", 1),
    "torch": lambda row: f"tensor({row.tolist()}, device='cuda:0', requires_grad=True)",
    "dtype": lambda row: f"array({row.tolist()}, dtype=float32)",
    "numpy 2": lambda row: "[" + ", ".join(f"np.float32({value})" for value in row.tolist()) + "]",
    "tuple": lambda row: str(tuple(row.tolist())),
    "postgres": lambda row: "{" + ",".join(map(str, row.tolist())) + "}",
    "spark": lambda row: f"DenseVector({row.tolist()})",
    "texts": lambda row: str(list(map(str, row.tolist()))),
    "spaces": lambda row: " ".join(map(str, row.tolist())),
    "semicolons": lambda row: ";".join(map(str, row.tolist())),
    "commas": lambda row: ",".join(map(str, row.tolist())),
    "decimal commas": lambda row: ";".join(map(str, row.tolist())).replace(".", ","),
    "base64": lambda row: base64.b64encode(row.astype("<f4").tobytes()).decode(),
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("form", [",", ";", "\t", "parquet"])
def test_vectors_in_text(writer, form):
    columns = {"age": range(N), "id": IDS, "embedding": map(WRITERS[writer], X), "label": WORDS}
    frame = pd.DataFrame({name: list(values) for name, values in columns.items()})
    if form == "parquet":
        data = read(frame.to_parquet(), "t.parquet")
    else:
        data = read(frame.to_csv(index=False, sep=form))
    np.testing.assert_allclose(data.features, X, rtol=1e-6)
    assert data.ids.tolist() == IDS and data.labels.tolist() == LABELS
    assert data.reading.features == ("embedding",) and data.reading.metadata == ("age",)


def test_vectors_that_numpy_printed_over_many_lines():
    rows = np.random.default_rng(0).normal(size=(5, 768))
    with np.printoptions(threshold=1000):
        frame = pd.DataFrame({"id": IDS[:5], "embedding": [str(row) for row in rows], "remark": "a, b"})
    assert frame["embedding"][0].count("\n") > 100
    for mark in (",", "\t"):
        data = read(frame.to_csv(index=False, sep=mark))
        np.testing.assert_allclose(data.features, rows, rtol=1e-6, atol=1e-7)
        assert data.ids.tolist() == IDS[:5]


@pytest.mark.parametrize(
    ("texts", "match"),
    [
        (["[0.1 0.2 ... 0.3]"] * N, "embedding in row 0 was abbreviated when it was saved"),
        (["vec/0.npy"] * N, "column 'embedding' holds no vectors that could be read .*'vec/0.npy'"),
        (["[0.1, 0.2]"] * (N - 1) + ["[0.1]"], f"row {N - 1} has 1 numbers and row 0 has 2"),
        (["[0.1, 0.2]"] * (N - 1) + [""], f"embedding is missing in row {N - 1}; drop the rows"),
        (["[0.1, 0.2]"] * (N - 1) + ["[0.1, x]"], f"embedding in row {N - 1} is no vector of numbers"),
    ],
)
def test_vectors_in_text_that_cannot_be_read_are_no_reason_to_take_other_columns(texts, match):
    frame = pd.DataFrame({"id": IDS, "embedding": texts, "age": np.arange(N) / 3, "size": np.arange(N) / 7})
    refused(frame.to_csv(index=False), match)
    other = read(frame.to_csv(index=False), embedding_column="all numeric columns")
    assert other.feature_names == ("age", "size")


@pytest.mark.parametrize("blank", ["", "NA", "null", "#N/A", "NaN", "None", " ", "<NA>"])
@pytest.mark.parametrize("names", [FAMILY, NAMED])
def test_blanks_are_missing_numbers(blank, names):
    cells = [[f"{value:.4f}" for value in row] for row in X]
    cells[3][2] = blank
    text = "\n".join(",".join(row) for row in [names, *cells])
    values = X.copy()
    values[3, 2] = np.nan
    assert_rows(read(text), None, values=values)


@pytest.mark.parametrize("word", ["?", "-", "abc", "#VALUE!", "1,5", "0x10", "1.2.3"])
@pytest.mark.parametrize("row", [3, 2345])
def test_a_cell_that_is_no_number_is_named(word, row):
    frame = pd.DataFrame(np.tile(X, (100, 1)), columns=NAMED).astype(object)
    frame.iloc[row, 2] = word
    refused(frame.to_csv(index=False), rf"column 'height'.*'{word.replace('?', '.')}' in row {row}")
    assert read(frame.to_csv(index=False), leave_out="height").features.shape == (100 * N, D - 1)


@pytest.mark.parametrize("names", [FAMILY, NAMED])
@pytest.mark.parametrize("mark", [",", ";"])
def test_a_header_in_the_middle_is_named_with_its_row(names, mark):
    text = table(mark, names=names)
    refused(text + text, f"row {N} repeats the header")


def test_rows_with_another_number_of_cells_are_named():
    refused(
        "a,b,c\n" + "1.5,2,3\n" * 500 + "1,2,3,4\n",
        r"row 500 has 4 cells and the others have 3 \('1,2,3,4'\)",
    )
    refused("a,b,c\n1,2,3\n1,2\n4,5,6\n", "row 1 has 2 cells")
    refused("a,b\n1,2,3,4\n5,6,7,8\n", "the header line names 2 columns and the rows have 4 cells")


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        (
            'text\tf0\tf1\nhello\t1.5\t2\n"open\t2.5\t3\n"again\t3.5\t4\n5" pipe\t1\t2\n',
            ["hello", '"open', '"again', '5" pipe'],
        ),
        ('text,f0,f1\n5" pipe,1.5,2\n3" x 4",2.5,3\n', ['5" pipe', '3" x 4"']),
        ('text,f0,f1\n"say ""hi"", you",1.5,2\n"b\nc",2.5,3\n', ['say "hi", you', "b\nc"]),
        ('text,f0,f1\n"say \\"hi, you\\"",1.5,2\n"b",2.5,3\n', ['say "hi, you"', "b"]),
    ],
)
def test_quotes(text, texts):
    data = read(text)
    assert data.metadata["text"].tolist() == texts
    assert data.features[0].tolist() == [1.5, 2]


def test_a_quote_that_does_not_close_where_quotes_are_needed():
    refused('text,f0\n"a\nb",1.5\n"open,2.5\nx,3.5\n', "quote")


@pytest.mark.parametrize("header", ["400,402.5,405,407.5,410,412.5", "0,1,2,3,4,5", "1,2,3,4,5,6"])
def test_numbers_that_count_are_a_header(header):
    rows = "".join(",".join(map(str, row)) + "\n" for row in X)
    assert_rows(read(f"{header}\n{rows}"), None)
    with_ids = "".join(f"{id_},{','.join(map(str, row))}\n" for id_, row in zip(IDS, X, strict=True))
    assert_rows(read(f"id,{header}\n{with_ids}"))


@pytest.mark.parametrize(
    "write",
    [
        "{:+.4f}".format,
        "{:.6E}".format,
        lambda v: f"{v:.6E}".replace("E", "D"),
        lambda v: f"{v:.4f}".replace("-", "\u2212"),
    ],
)
def test_ways_to_write_a_number(write):
    assert_rows(read(table(write=write)))


def test_numbers_of_one_column_or_one_row():
    assert read("f0\n1.5\n2.5\n").features.tolist() == [[1.5], [2.5]]
    assert read("1.5\n2.5\n").features.tolist() == [[1.5], [2.5]]
    assert read("a,b,c\n1.5,2.5,3.5\n").features.tolist() == [[1.5, 2.5, 3.5]]


def test_a_headless_pair_of_an_id_and_a_vector():
    text = "".join(f'{id_},"{row.tolist()}"\n' for id_, row in zip(IDS, X, strict=True))
    data = read(text)
    assert_rows(data)
    assert data.reading.features == ("embedding",)


@pytest.mark.parametrize("text", ["", "\n\n", "f0,f1\n", "# only a comment\n"])
def test_texts_without_rows(text):
    refused(text, "there are no rows")


def test_metadata_keep_zeros_and_large_integers():
    large = [9007199254740993 + 2 * i for i in range(N)]
    frame = pd.DataFrame(X, columns=FAMILY).assign(
        zip=[f"{i:05d}" for i in range(N)], large=large, n=range(N)
    )
    frame["gap"] = ["" if i == 3 else str(value) for i, value in enumerate(large)]
    frame["huge"] = [str(10**30 + i) for i in range(N)]
    metadata = read(frame.to_csv(index=False)).metadata
    assert metadata["zip"].tolist() == frame["zip"].tolist()
    assert metadata["large"].tolist() == large and metadata["huge"].tolist() == frame["huge"].tolist()
    assert [str(value) for value in metadata["gap"][4:]] == frame["gap"].tolist()[4:]
    assert metadata["n"].tolist() == list(range(N))


def excel(frame, **options):
    stream = io.BytesIO()
    frame.to_excel(stream, index=False, **options)
    return stream.getvalue()


def test_sheets():
    frame = pd.DataFrame(X, columns=FAMILY).assign(id=[f"{i:05d}" for i in range(N)], label=WORDS)
    ids = frame["id"].tolist()
    assert_rows(read(excel(frame), "t.xlsx"), ids, LABELS)
    assert_rows(read(excel(frame, startrow=3, startcol=2), "t.xlsx"), ids, LABELS)
    assert_rows(read(excel(frame[["id", *FAMILY]], header=False), "t.xlsx"), ids)
    stream = io.BytesIO()
    with pd.ExcelWriter(stream) as book:
        pd.DataFrame({"about": ["what this is"]}).to_excel(book, sheet_name="info", index=False)
        frame.to_excel(book, sheet_name="data", index=False)
    data = read(stream.getvalue(), "t.xlsx")
    assert_rows(data, ids, LABELS)
    assert "Sheet 'data' was read; 'info' not." in data.notes
    refused(excel(frame), "the inflated sheets would take", "t.xlsx", max_bytes=20_000)
    refused(b"PK" + bytes(100), "not a readable Excel", "t.xlsx")
