"""What every column of a table becomes, in text and in parquet, and how to correct it."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.data.labels import ANOMALOUS
from kdeviz.data.load import load_embeddings
from kdeviz.data.readers import roles
from kdeviz.data.reading import Corrections, Reading
from kdeviz.errors import DataError

N = 40
NAMED = ["length", "width", "height", "weight"]
FAMILY = ["f0", "f1", "f2", "f3"]
X = np.round(np.random.default_rng(0).normal(size=(N, 4)), 4)
CODES = [0] * 36 + [1] * 4
WORDS = ["good"] * 36 + ["bad"] * 4
FILES = [f"img{i:03d}.png" for i in range(N)]


def frame(names=NAMED, **beside):
    return pd.DataFrame(X, columns=names).assign(**beside)


def read(table, form=".csv", index=False, **options):
    raw = table.to_csv(index=index).encode() if form == ".csv" else table.to_parquet(index=index)
    return load_embeddings(raw, filename=f"t{form}", **options)


def refused(table, match, **options):
    with pytest.raises(DataError, match=match) as caught:
        read(table, **options)
    assert "\n" not in str(caught.value)


both = pytest.mark.parametrize("form", [".csv", ".parquet"])


@both
@pytest.mark.parametrize(
    "name",
    roles.words(
        "is_outlier is_anomaly anomaly outlier target y Class class label_index is_fraud labels gt Outlier"
        " isAnomaly is_abnormal ground_truth"
    ),
)
def test_labels_are_never_features(form, name):
    data = read(frame(**{name: CODES}), form)
    assert data.feature_names == tuple(NAMED) and data.labels.tolist() == CODES
    assert data.reading.label == name and data.reading.normal == ("0",)
    assert read(frame(**{name: CODES}), form, embedding_column=[*NAMED, name]).features.shape == (N, 5)


@both
@pytest.mark.parametrize(
    "name", ["label_id", "class_id", "y_true", "anomaly_score", "defect_type", "category"]
)
def test_what_gives_labels_away_is_never_a_feature(form, name):
    data = read(frame(**{name: CODES}), form)
    assert data.feature_names == tuple(NAMED) and data.labels is None
    assert data.reading.metadata == (name,)


@both
@pytest.mark.parametrize(
    "name", ["Unnamed: 0", "Unnamed: 0.1", "index", "level_0", "", "row", "__index_level_0__"]
)
def test_saved_row_numbers_are_never_features(form, name):
    data = read(pd.concat([pd.DataFrame({name: range(N)}), frame()], axis=1), form)
    assert data.feature_names == tuple(NAMED) and data.ids.tolist() == list(map(str, range(N)))


@both
@pytest.mark.parametrize("first", [0, 1])
def test_a_column_that_counts_the_rows_is_no_feature_whatever_its_name(form, first):
    data = read(frame(number=range(first, N + first)), form)
    assert data.feature_names == tuple(NAMED)
    assert "number only counts the rows" in " ".join(data.notes)
    assert read(frame(number=np.arange(N) // 2), form).features.shape == (N, 5)


def test_a_counter_is_followed_over_all_batches(tmp_path):
    rows = 20_000
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(rows, 3)), columns=NAMED[:3])
    counted = table.assign(number=np.arange(rows))
    assert read(counted, ".parquet").features.shape == (rows, 3)
    assert read(counted.assign(number=np.arange(rows) % 15_000), ".parquet").features.shape == (rows, 4)


@both
def test_numbers_beside_named_features_are_listed_and_can_be_left_out(form):
    table = frame(age=range(20, 60), score=np.arange(N) / 7)
    data = read(table, form)
    assert data.features.shape == (N, 6)
    assert "all numeric columns (length, width, height, weight, age, score)" in data.notes[0]
    fewer = read(table, form, leave_out=["age", "score"])
    assert fewer.feature_names == tuple(NAMED) and fewer.reading.metadata == ("age", "score")
    assert read(table, form, embedding_column=NAMED).feature_names == tuple(NAMED)
    assert read(table, form, embedding_column="age").features.tolist() == [[age] for age in range(20, 60)]


@both
def test_families_stand_out_or_are_taken_together(form):
    assert read(frame(FAMILY, age=range(N)), form).feature_names == tuple(FAMILY)
    two = pd.DataFrame(
        np.hstack([X, X + 1]), columns=[f"{kind}_{i}" for kind in ("mean", "std") for i in range(4)]
    )
    data = read(two, form)
    assert data.features.shape == (N, 8)
    assert data.embedding_choices == ("all numeric columns", "mean_0 … mean_3", "std_0 … std_3")
    wide = {f"{layer}_{i}": np.arange(N) / (i + 2) for layer in ("a", "b") for i in range(20)}
    assert read(pd.DataFrame(wide), form).embedding_column == "a_0 … a_19"


@both
@pytest.mark.parametrize("names", [FAMILY, ["is_red", "is_blue", "is_green", "is_large"]])
def test_truth_values_are_features(form, names):
    flags = X > 0
    data = read(pd.DataFrame(flags, columns=names), form)
    np.testing.assert_array_equal(data.features, flags)
    mixed = read(frame(flag=flags[:, 0]), form)
    np.testing.assert_array_equal(mixed.features[:, 4], flags[:, 0])


@both
def test_key_is_a_feature_beside_an_id(form):
    songs = pd.DataFrame(X, columns=["energy", "key", "tempo", "valence"])
    assert read(songs.assign(id=FILES), form).feature_names == tuple(songs.columns)
    assert read(songs.assign(key=np.arange(N) % 12, id=FILES), form).features.shape == (N, 4)
    assert read(songs.assign(key=[f"k{i}" for i in range(N)]), form).ids[0] == "k0"


# Ids


@both
@pytest.mark.parametrize(
    "name",
    ["image_path", "filename", "filenames", "file_name", "path", "image", "Image Path", "filepath", "id"],
)
def test_file_names_are_ids_when_nothing_else_is(form, name):
    assert read(frame(**{name: FILES}), form).ids.tolist() == FILES


@both
def test_the_most_distinct_file_names_are_the_ids(form):
    folders = ["/data/a"] * 20 + ["/data/b"] * 20
    assert read(frame(path=folders, image_path=FILES), form).ids.tolist() == FILES
    assert read(frame(path=folders), form).ids.tolist() == list(map(str, range(N)))
    assert read(frame(path=FILES, id=[f"a{i}" for i in range(N)]), form).ids[0] == "a0"


@both
def test_names_that_end_in_id_are_ids_when_they_differ(form):
    assert read(frame(ProductId=[f"p{i}" for i in range(N)]), form).ids[0] == "p0"
    data = read(frame(customer_id=np.arange(N) % 7), form)
    assert data.ids[0] == "0" and data.feature_names == tuple(NAMED)
    assert data.reading.metadata == ("customer_id",)


@both
def test_an_index_of_texts_gives_the_ids(form):
    for index in (pd.Index(FILES), pd.Index(FILES, name="key")):
        assert read(frame().set_index(index), form, index=True).ids.tolist() == FILES


def test_integer_ids_and_metadata_beyond_2_to_the_53_stay_exact_beside_missing_ones():
    large = pd.array([2**53 + 1 + 2 * i for i in range(N)], "Int64")
    large[3] = pd.NA
    data = read(frame(FAMILY, id=large, other=large), ".parquet")
    assert data.ids[:4].tolist() == ["9007199254740993", "9007199254740995", "9007199254740997", "row 3"]
    assert data.metadata["other"][0] == 2**53 + 1 and data.metadata["other"].isna().sum() == 1


# Labels


PAIRS = roles.words(
    "pass/fail PASS/Failed ok/nok OK/NG inlier/outlier negative/positive benign/malicious no/yes N/Y good/bad"
    " no_defect/defect No-defect/Defect defect-free/defective Normal/Anomalous normal/abnormal healthy/faulty"
    " legit/fraud False/True genuine/fraudulent accept/reject NORMAL/ATTACK regular/irregular intact/damaged"
    " not-anomalous/anomalous good/not-good normal./neptune. iO/niO i.O./n.i.O. 0/1 0.0/1.0 +1/-1 1/-1"
    " BENIGN/DDoS good/scratch"
)


@both
@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("space", ["-", " "])
def test_words_for_normal_and_anomalous(form, pair, space):
    normal, anomalous = pair.split("/")
    if normal[0] not in "+-" and anomalous != "-1":
        normal, anomalous = normal.replace("-", space), anomalous.replace("-", space)
    data = read(frame(FAMILY, label=[normal] * 36 + [anomalous] * 4), form)
    assert data.labels.tolist() == CODES
    assert data.reading.normal == (normal,) and data.reading.anomalous == (anomalous,)


@both
@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([1.0] * 36 + [-1.0] * 3 + [None], [0] * 36 + [1] * 3 + [-1]),
        (["none"] * 30 + [""] * 6 + ["scratch"] * 4, [0] * 30 + [-1] * 6 + [1] * 4),
        (["good", ""] * 18 + ["bad"] * 4, [0, -1] * 18 + [1] * 4),
        (["defect"] * N, [1] * N),
        ([0] * N, [0] * N),
    ],
)
def test_labels_with_gaps_or_of_one_kind(form, values, labels):
    assert read(frame(FAMILY, label=values), form).labels.tolist() == labels


@both
@pytest.mark.parametrize(
    "values",
    [
        ["cat", "dog"] * 20,
        [f"class {i % 20}" for i in range(N)],
        ["setosa"] * N,
        [1] * 36 + [0] * 4,
        [1] * N,
        [2] * 36 + [4] * 4,
        ["yes"] * 39 + ["no"],
        ["none"] * 36 + ["scratch"] * 4,
    ],
)
def test_words_that_would_make_nearly_every_row_anomalous_are_asked_about(form, values):
    data = read(frame(FAMILY, label=values), form)
    assert data.labels is None and data.metadata["label"].astype(str).tolist() == list(map(str, values))
    (note,) = data.notes
    assert "kept as metadata until you say which value means normal" in note and "--normal" in note
    told = read(frame(FAMILY, label=values), form, normal=[str(values[0])])
    assert told.labels.tolist() == [int(value != values[0]) for value in values]
    assert told.reading.normal == (str(values[0]),)


@both
def test_a_column_that_says_what_it_means_is_believed(form):
    assert read(frame(FAMILY, is_anomaly=[1] * N), form).labels.tolist() == [1] * N
    assert read(frame(FAMILY, is_anomaly=[True] * N), form).labels.tolist() == [1] * N
    assert read(frame(FAMILY, is_good=[1] * 36 + [0] * 4), form).labels.tolist() == CODES
    assert read(frame(FAMILY, is_normal=["yes"] * 36 + ["no"] * 4), form).labels.tolist() == CODES


@both
@pytest.mark.parametrize("classes", [["cat", "dog"] * 20, list(range(10)) * 4, [0, 1] * 20])
def test_is_anomaly_beside_classes_is_the_label(form, classes):
    data = read(frame(FAMILY, label=classes, is_anomaly=CODES), form)
    assert data.labels.tolist() == CODES and data.metadata["label"].astype(str).tolist() == list(
        map(str, classes)
    )


def test_a_value_for_normal_that_is_not_there_is_refused_with_those_that_are():
    refused(
        frame(FAMILY, label=["cat", "dog"] * 20),
        "t.csv: no row of label has the value 'cow'; it holds 'cat', 'dog'",
        normal="cow",
    )
    refused(frame(FAMILY), "no label column in which 'cow' could mean normal", normal="cow")


# Corrections


@both
def test_any_column_can_have_any_role(form):
    table = frame(code=FILES, quality=["A"] * 36 + ["B"] * 4, part=["train"] * 30 + ["test"] * 10)
    roles = {"id_column": "code", "label_column": "quality", "split_column": "part", "normal": "A"}
    data = read(table, form, **roles)
    assert (
        data.ids.tolist() == FILES
        and data.labels.tolist() == CODES
        and data.metadata.columns.tolist() == ["quality"]
    )
    assert data.split.tolist() == table["part"].tolist()
    assert data.reading.corrections.given == roles | {"normal": ("A",)}
    again = read(table, form, **data.reading.corrections.given)
    assert again.reading == data.reading


@both
def test_a_guess_can_be_taken_back(form):
    table = frame(FAMILY, id=FILES, label=WORDS, split=["train"] * N)
    data = read(table, form, id_column="", label_column="", split_column="")
    assert data.labels is None and data.split is None and data.ids[0] == "0"
    assert data.metadata.columns.tolist() == ["id", "label", "split"]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"id_column": "ID"}, "there is no column 'ID' for the id; the columns are 'label'"),
        ({"label_column": "lable"}, "there is no column 'lable' for the label"),
        ({"split_column": "part"}, "there is no column 'part' for the split"),
        ({"picture_column": "img"}, "there is no column 'img' for the picture"),
        ({"leave_out": "f9"}, "there is no column 'f9' to leave out; the columns are 'f0', 'f1'"),
        ({"embedding_column": ["f0", "f9"]}, "there is no column 'f9'; the columns are 'f0', 'f1'"),
        ({"embedding_column": "label"}, "column 'label' of label holds text, not numbers"),
    ],
)
def test_columns_that_are_not_there_are_refused_with_those_that_are(options, match):
    refused(frame(FAMILY, label=WORDS), match, **options)


def test_several_columns_of_a_file_of_arrays_are_refused():
    stream = io.BytesIO()
    np.savez(stream, a=X, b=X)
    with pytest.raises(DataError, match="it holds arrays, not columns"):
        load_embeddings(stream.getvalue(), filename="t.npz", embedding_column=["a", "b"])


# The reading in words


def test_a_reading_in_words():
    table = frame(FAMILY, path=FILES, label=WORDS, split=["train"] * N, age=range(N), city=["Oslo"] * N)
    data = read(table)
    assert str(data.reading) == (
        "4 dimensions: f0, f1, f2, f3; id from path; label from label (normal: good; anomalous: bad); "
        "split from split; metadata: age, city"
    )
    assert data.reading.facts()["picture"] == "none"
    assert set(data.reading.columns) == {*FAMILY, "path", "label", "split", "age", "city"}
    lists = pd.DataFrame({"embedding": list(X), "bbox": list(X)})
    assert str(read(lists, ".parquet").reading) == "4 dimensions, from embedding; left out: bbox"
    assert str(Reading(dimensions=1, features=("",))) == "1 dimension"
    many = Reading(dimensions=99, features=tuple(f"f{i}" for i in range(99)))
    assert many.facts()["features"] == "99 dimensions: f0, f1, f2 ... f98"


def test_an_array_has_a_reading_without_names():
    stream = io.BytesIO()
    np.save(stream, X)
    data = load_embeddings(stream.getvalue(), filename="t.npy")
    assert str(data.reading) == "4 dimensions" and data.feature_names is None
    assert data.reading.facts()["id"] == "none, rows are numbered"


def test_names_follow_the_features():
    data = read(frame())
    assert data.take_columns(np.array([2, 0])).feature_names == ("height", "length")
    assert data.take(np.arange(3)).feature_names == tuple(NAMED)
    with pytest.raises(DataError, match="4 dimensions have 1 names"):
        EmbeddingSet(X, data.ids, feature_names=("a",))


def test_corrections_say_only_what_was_said():
    assert Corrections().given == {}
    assert Corrections(id_column="", leave_out=("a",)).given == {"id_column": "", "leave_out": ("a",)}


def test_corrections_take_one_name_or_several_as_load_embeddings_does():
    several = Corrections.from_arguments(
        embedding_column=["a", "b"], normal="good", leave_out=[1], images=Path("in")
    )
    assert several == Corrections(("a", "b"), normal=("good",), leave_out=("1",), images="in")
    assert Corrections.from_arguments(embedding_column=["a"]) == Corrections("a")
    assert Corrections.from_arguments(embedding_column=[]) == Corrections.from_arguments() == Corrections()


def wine(quality):
    rows = np.random.default_rng(0).normal(size=(len(quality), 3))
    return pd.DataFrame(rows, columns=["acid", "sugar", "alcohol"]).assign(quality=quality)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_whole_numbers_named_quality_are_no_feature_and_may_be_the_label(tmp_path, suffix):
    file = tmp_path / f"wine.{suffix}"
    table = wine([3, 4, 5, 6, 7, 8] * 10)
    table.to_csv(file, index=False) if suffix == "csv" else table.to_parquet(file)
    data = load_embeddings(file)
    assert data.feature_names == ("acid", "sugar", "alcohol") and data.labels is None
    assert data.reading.unclear_label == "quality"
    assert data.metadata["quality"].tolist() == table["quality"].tolist()
    told = load_embeddings(file, label_column="quality", normal=("5", "6"))
    assert told.reading.unclear_label is None
    assert (told.labels == ANOMALOUS).sum() == 40


def test_fractions_named_quality_are_a_feature(tmp_path):
    wine(np.arange(60) / 7).to_csv(tmp_path / "wine.csv", index=False)
    data = load_embeddings(tmp_path / "wine.csv")
    assert data.feature_names[-1] == "quality" and data.reading.unclear_label is None


def test_quality_of_one_is_good(tmp_path):
    wine([1] * 50 + [0] * 10).to_csv(tmp_path / "wine.csv", index=False)
    data = load_embeddings(tmp_path / "wine.csv")
    assert (data.reading.normal, data.reading.anomalous) == (("1",), ("0",))
