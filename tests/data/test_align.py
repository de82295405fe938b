from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kdeviz.data.align import aligned
from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.data.load import load_embeddings
from kdeviz.errors import DataError

FIELD = __file__.removesuffix("test_align.py") + "field/"


def rows(*names, named=True):
    features = np.arange(4.0)[:, None] + 10 * np.arange(len(names))
    return replace(EmbeddingSet.from_array(features, "new"), feature_names=names if named else None)


def matched(data, *names):
    return aligned(data, names, len(names), "the model")


def test_the_same_names_say_nothing():
    data = rows("a", "b")
    assert matched(data, "a", "b") == (data, ())


def test_another_order_is_matched_by_name():
    data, notes = matched(rows("b", "c", "a"), "a", "b", "c")
    np.testing.assert_array_equal(data.features[0], [20, 0, 10])
    assert data.feature_names == ("a", "b", "c")
    assert notes == ("new: the columns stand in another order than in the model, matched by name.",)


def test_extra_columns_are_left_out_with_a_note():
    data, notes = matched(rows("a", "age", "b"), "a", "b")
    np.testing.assert_array_equal(data.features[0], [0, 20])
    assert notes == ("new: 'age' left out, the model has no such dimension.",)


@pytest.mark.parametrize(
    ("here", "there", "message"),
    [
        (
            "ab",
            "abc",
            r"new: there is no column of numbers 'c', which the model has .*here are 'a', 'b': add",
        ),
        ("abx", "abc", "no column of numbers 'c'.*'x'"),
        ("aab", "ab", "new: 2 dimensions are called 'a'"),
        (["f0", "f1", "f2"], ["f0", "f1"], "new: has 'f2', the model was fitted up to f1"),
        (["0", "1", "2"], ["0", "1"], "new: has '2'"),
        (["e0", "e1"], ["f0", "f1"], "no column of numbers 'f0', 'f1'"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(here, there, message):
    with pytest.raises(DataError, match=message):
        matched(rows(*here), *there)


def test_a_column_that_was_dropped_before_the_fit_is_dropped_again():
    data, notes = matched(rows("f0", "f1", "f2", "f3"), "f0", "f2", "f3")
    np.testing.assert_array_equal(data.features[0], [0, 20, 30])
    assert "'f1' left out" in notes[0]


@pytest.mark.parametrize(
    ("here", "there", "who"),
    [
        (True, None, "the model has no names for them"),
        (False, ("a", "b"), "it has no names for them"),
        (False, None, "neither it nor the model has names for them"),
    ],
)
def test_without_names_the_position_counts_and_a_note_says_so(here, there, who):
    data = rows("a", "b", named=here)
    assert aligned(data, there, 2, "the model") == (
        data,
        (f"new: dimensions were matched by position, {who}.",),
    )
    with pytest.raises(DataError, match="new has 2 dimensions, the model has 3"):
        aligned(data, there and (*there, "c"), 3, "the model")


def test_a_dimension_that_was_taken_for_metadata_is_found():
    data = replace(rows("x", "y"), metadata=pd.DataFrame({"z": [5, 6, 7, 8], "text": list("abcd")}))
    found, notes = matched(data, "z", "x")
    np.testing.assert_array_equal(found.features[0], [5, 0])
    assert found.feature_names == ("z", "x")
    assert notes == (
        "new: 'z' taken for dimensions, as in the model.",
        "new: 'y' left out, the model has no such dimension.",
    )
    with pytest.raises(DataError, match="'text'"):
        matched(data, "x", "text")


def test_files_of_the_field():
    fit, new = load_embeddings(FIELD + "s01_fit.csv"), load_embeddings(FIELD + "s01.csv")
    assert fit.feature_names != new.feature_names
    found, notes = aligned(new, fit.feature_names, fit.features.shape[1], "s01_fit")
    np.testing.assert_array_equal(found.features, fit.features)
    assert "another order" in notes[0]


def test_a_column_with_another_role_is_named(tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("a,b,y\n1,2,0\n3,4,1\n5,7,0\n")
    data = load_embeddings(path)
    assert data.reading.label == "y"
    with pytest.raises(DataError, match="column 'y' was read as the label, the model has it as a dimension"):
        matched(data, "a", "b", "y")


def test_names_that_the_reader_made_up_are_none(tmp_path):
    path = tmp_path / "bare.csv"
    path.write_text("1.5,2.5\n3.5,4.5\n")
    data = load_embeddings(path)
    assert data.feature_names is None
    assert data.reading.features == ("f0", "f1")
