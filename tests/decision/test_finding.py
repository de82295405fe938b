"""Search, filters and order against pandas' plain way."""

import unicodedata
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kdeviz.analysis import analyse
from kdeviz.data import EmbeddingSet, SampleMark
from kdeviz.decision import (
    Between,
    Holds,
    Notes,
    Numbers,
    OneOf,
    Query,
    Texts,
    Values,
    decide,
    in_order,
    matching,
    possible,
    rank_order,
    sample_columns,
)
from kdeviz.errors import OptionError
from kdeviz.settings import Settings

SIGNS = [*"abAB .*+?[](){}\\^$|-_%éÉßẞñ日本語:`<>\n\t", "e\u0301", "😀"]
ROWS = 300


def some_text(rng, longest=8):
    return "".join(rng.choice(SIGNS, rng.integers(0, longest)))


def some_table(rng):
    words = [None if rng.random() < 0.1 else some_text(rng) for _ in range(ROWS)]
    mixed = [rng.choice([None, 3, 2.5, "3", "x"]) if i % 7 else [i, "in a list"] for i in range(ROWS)]
    number = np.where(rng.random(ROWS) < 0.1, np.nan, rng.normal(size=ROWS).round(2))
    return pd.DataFrame(
        {
            "words": pd.Series(words, dtype=object),
            "string": pd.Series(words, dtype="string"),
            "kind": pd.Series(rng.choice(["red", "Red", "blå", None], ROWS), dtype=object),
            "class": pd.Categorical(rng.choice(["one", "two", "ten"], ROWS)),
            "mixed": pd.Series(mixed, dtype=object),
            "size": number,
            "whole": pd.array(
                np.where(rng.random(ROWS) < 0.1, None, rng.integers(0, 99, ROWS)), dtype="Int64"
            ),
            "digit": rng.integers(0, 10, ROWS),
            "yes": rng.random(ROWS) < 0.5,
            "id": rng.permutation(ROWS),
            "when": pd.date_range("2020-01-01", periods=ROWS),
        }
    )


@pytest.fixture(scope="module")
def found():
    rng = np.random.default_rng(0)
    ids = np.array([f"s{i} {some_text(rng)}".strip() for i in range(ROWS)])
    features = rng.normal(size=(ROWS, 5))
    features[:9] += 6
    labels = rng.choice([-1, 0, 1], ROWS).astype(np.int8)
    inspected = EmbeddingSet(features, ids, labels=labels, metadata=some_table(rng))
    return decide(analyse(inspected, None, Settings(3)))


MARKS = {3: SampleMark("confirmed", "a Scratch (deep)"), 5: SampleMark("", "ask"), 9: SampleMark("unsure")}


def columns_of(decision, marks=MARKS):
    return sample_columns(decision, decision.analysis, marks)


def rows(decision, query, marks=MARKS):
    return np.flatnonzero(matching(*columns_of(decision, marks), query)).tolist()


# --- the oracle


def holds(cell, text):
    """Sign by sign, with letters and their marks as one sign or as two."""
    forms = [unicodedata.normalize(form, text) for form in ("NFC", "NFD")]
    return not missing(cell) and any(folded(form) in folded(str(cell)) for form in forms)


def folded(text):
    return "".join(sign.lower() for sign in text)


def missing(cell):
    return not isinstance(cell, list) and pd.isna(cell)


def equals(cell, text):
    try:
        return not missing(cell) and float(cell) == float(text)
    except ValueError:
        return False


NUMERIC = ("size", "whole", "digit", "id")


def plain_search(decision, text):
    """Row by row."""
    text, inspected = text.strip(), decision.analysis.inspected
    kept = []
    for row in range(len(inspected)):
        cells = inspected.metadata.iloc[row]
        numbers = any(equals(cells[name], text) for name in NUMERIC)
        note = MARKS.get(row, SampleMark()).note
        texts = [inspected.ids[row], note, *(cells[name] for name in cells.index if name not in NUMERIC)]
        if numbers or any(holds(cell, text) for cell in texts):
            kept.append(row)
    return kept


# --- search


def test_search_finds_what_a_plain_look_through_finds(found):
    rng = np.random.default_rng(1)
    inspected = found.analysis.inspected
    asked = [some_text(rng, 4).strip() for _ in range(60)]
    asked += [str(inspected.ids[row])[:6] for row in range(0, ROWS, 40)]
    asked += [
        "3",
        "2.5",
        "-0.13",
        "7",
        "RED",
        "BLÅ",
        "true",
        "2020-03",
        "in a list",
        "scratch (DEEP)",
        "nan",
        "None",
    ]
    asked = [text for text in asked if text]
    lengths = [len(rows(found, Query(text))) for text in asked]
    for text in asked:
        assert rows(found, Query(text)) == plain_search(found, text), text
    assert 0 in lengths
    assert max(lengths) > 10


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_an_empty_search_keeps_all(found, text):
    assert rows(found, Query(text)) == list(range(ROWS))
    assert not Query(text)


def test_letters_with_marks_are_found_however_they_are_written():
    cells = Texts.of(["cafe\u0301", "CAF\u00c9", "cafe", None])
    for form in ("NFC", "NFD"):
        assert cells.found(unicodedata.normalize(form, "é")).tolist() == [True, True, False, False]


def test_what_is_no_text_is_neither_an_error_nor_found():
    cells = Texts.of(["a\ud800b", "c"])
    assert cells.found("a").tolist() == [True, False]
    assert cells.found("\ud800").tolist() == [True, False]  # both read as "?"


def test_verdicts_labels_and_scores_are_not_searched(found):
    assert rows(found, Query("not flagged")) == []
    assert rows(found, Query("confirmed")) == []


# --- filters


def test_each_column_is_of_the_kind_that_can_be_asked(found):
    columns = columns_of(found).columns
    kinds = {name: type(column) for name, column in columns.items()}
    assert kinds == {
        **dict.fromkeys(("id", "words", "string", "when"), Texts),
        **dict.fromkeys(("verdict", "label", "mark", "kind", "class", "mixed", "digit", "yes"), Values),
        **dict.fromkeys(
            ("rank", "log density", "probability", "p-value", "size", "whole", "id_in_file"), Numbers
        ),
        "note": Notes,
    }


def test_values_are_exact(found):
    table = found.analysis.inspected.metadata
    for name, values in (
        ("kind", ("red", "")),
        ("class", ("ten",)),
        ("digit", ("3", "7")),
        ("yes", ("True",)),
    ):
        texts = ["" if missing(cell) else str(cell) for cell in table[name]]
        plain = [row for row, text in enumerate(texts) if text in values]
        assert rows(found, Query(filters=(OneOf(name, values),))) == plain
        column = columns_of(found).columns[name]
        every_third = np.arange(ROWS) % 3 == 0
        for kept in (np.ones(ROWS, bool), every_third):
            counts = dict(zip((*column.names, ""), column.counts(kept).tolist(), strict=True))
            expected = pd.Series(texts)[kept].value_counts().to_dict()
            assert counts == {**dict.fromkeys(counts, 0), **expected}


def test_verdict_label_and_mark(found):
    flagged = np.flatnonzero(found.flagged).tolist()
    assert rows(found, Query(filters=(OneOf("verdict", ("flagged",)),))) == flagged
    labels = found.analysis.inspected.labels
    for value, word in ((-1, "not labelled"), (0, "normal"), (1, "anomalous")):
        assert (
            rows(found, Query(filters=(OneOf("label", (word,)),))) == np.flatnonzero(labels == value).tolist()
        )
    assert rows(found, Query(filters=(OneOf("mark", ("confirmed", "unsure")),))) == [3, 9]
    assert len(rows(found, Query(filters=(OneOf("mark", ("",)),)))) == ROWS - 2
    assert rows(found, Query(filters=(Holds("note", "SCR"),))) == [3]
    assert rows(found, Query(filters=(OneOf("mark", ("confirmed",)),)), {}) == []


def test_ranges_are_exact_and_include_their_ends(found):
    table = found.analysis.inspected.metadata
    for name in ("size", "whole"):
        numbers = table[name].astype(float)
        low, high = numbers.quantile([0.2, 0.6], interpolation="nearest")
        kept = Query(filters=(Between(name, low, high),))
        assert rows(found, kept) == np.flatnonzero(numbers.between(low, high)).tolist()
        assert (
            rows(found, Query(filters=(Between(name, high=high),)))
            == np.flatnonzero(numbers <= high).tolist()
        )
    assert rows(found, Query(filters=(Between("rank", 1, 5),))) == sorted(rank_order(found.analysis).rows[:5])


def test_everything_together_is_what_passes_all(found):
    rng = np.random.default_rng(2)
    choices = [
        Query("a"), Query("é"), Query("3"), Query(filters=(OneOf("kind", ("red",)),)),
        Query(filters=(Between("size", -1, 1),)), Query(filters=(Holds("words", "b"),)),
        Query(filters=(OneOf("label", ("normal", "anomalous")),)),
    ]  # fmt: skip
    for _ in range(40):
        one, other = rng.choice(len(choices), 2, replace=False)
        both = Query(choices[one].text or choices[other].text, choices[one].filters + choices[other].filters)
        if choices[one].text and choices[other].text:
            continue
        assert rows(found, both) == sorted({*rows(found, choices[one])} & {*rows(found, choices[other])})


@pytest.mark.parametrize(
    "wrong", [OneOf("size", ("1",)), Between("kind", 0, 1), Holds("yes", "t"), OneOf("gone", ())]
)
def test_a_filter_that_no_column_can_answer_is_refused(found, wrong):
    columns = columns_of(found).columns
    assert not possible(columns, wrong)
    assert possible(columns, OneOf("yes", ())) and possible(columns, Between("size"))
    assert possible(columns, Holds("note", "")) and possible(columns, Holds("words", ""))
    with pytest.raises(OptionError, match="remove this filter"):
        rows(found, Query(filters=(wrong,)))


def test_the_words_of_filters():
    assert OneOf("kind", ("red", "")).words == "kind: red, no value"
    assert Between("size", 0.5, 2).words == "size 0.5 to 2"
    assert Between("size", low=3).words == "size at least 3"
    assert Between("size", high=3).words == "size at most 3"
    assert Holds("text", "a").words == "text holds “a”"


# --- order


@pytest.mark.parametrize(
    "name", ["words", "kind", "size", "whole", "digit", "rank", "mark", "note", "yes", "id_in_file"]
)
@pytest.mark.parametrize("descending", [False, True])
def test_order_is_that_of_pandas_with_ties_by_rank_and_nothing_last(found, name, descending):
    by_rank = rank_order(found.analysis).rows
    column = columns_of(found).columns[name]
    ordered = in_order(column, by_rank, descending)
    keys = pd.Series(column.keys[by_rank], index=by_rank)
    plain = keys.sort_values(ascending=not descending, kind="stable", na_position="last").index
    assert ordered.tolist() == plain.tolist()


def test_texts_sort_by_letters_and_numbers_by_size():
    assert Texts.of(["b", None, "A", "a", "C"]).keys.tolist()[2:] == [1, 1, 3]
    assert np.isnan(Texts.of(["b", None]).keys[1])
    assert Texts.of(["10", "9", None]).keys.tolist()[:2] == [10, 9]


def test_nothing_of_the_data_is_changed(found):
    before = found.analysis.inspected.metadata.copy(deep=True)
    rows(found, Query("a", (OneOf("kind", ("red",)),)))
    pd.testing.assert_frame_equal(found.analysis.inspected.metadata, before)


def test_samples_without_anything_beside_features():
    features = np.random.default_rng(0).normal(size=(40, 4))
    bare = decide(analyse(EmbeddingSet.from_array(features), None, Settings(2)))
    samples = columns_of(bare, {})
    assert samples.searched == ("id", "note")
    assert rows(bare, Query("39"), {}) == [39]


def test_columns_of_the_file_do_not_hide_ours(found):
    inspected = found.analysis.inspected
    named = replace(inspected, metadata=inspected.metadata.rename(columns={"kind": "verdict"}))
    decision = decide(analyse(named, None, Settings(3)))
    assert rows(decision, Query(filters=(OneOf("verdict_in_file", ("red",)),))) == rows(
        found, Query(filters=(OneOf("kind", ("red",)),))
    )
