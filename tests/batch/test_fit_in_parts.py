"""A fit on files that are read in parts is the fit on the same files in memory."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kdeviz.analysis import analyse
from kdeviz.batch import analyse_in_parts, fitting
from kdeviz.data import Corrections, draw, load_embeddings, survey
from kdeviz.data.readers import streams
from kdeviz.decision import decide
from kdeviz.errors import DataError
from kdeviz.settings import Settings

ROWS = 900
RANDOM = np.random.default_rng(3)
FEATURES = RANDOM.normal(size=(ROWS, 5)).astype(np.float32)
FEATURES[400:420] = FEATURES[:20]
LABELS = np.where(np.arange(ROWS) % 50 == 7, "crack", "good")
SPLIT = np.where(np.arange(ROWS) % 3 == 0, "test", "train")
SETTINGS = Settings(n_pca_components=3, max_training_points=250, seed=4)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch, tmp_path):
    monkeypatch.setattr(streams, "_TEXT_BYTES", 3000)
    monkeypatch.setattr(streams, "_ARRAY_BYTES", 3000)
    monkeypatch.chdir(tmp_path)


def b_of(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def frame(rows=slice(None), **more):
    columns = {"path": [f"{i}.png" for i in range(ROWS)], "label": LABELS, "split": SPLIT}
    columns |= {f"f{i}": FEATURES[:, i] for i in range(5)} | more
    return pd.DataFrame(columns)[rows]


def several(write, suffix, parts=4):
    """Part 10 comes after part 2."""
    for i, rows in zip((1, 2, 10, 11), np.array_split(np.arange(ROWS), parts), strict=True):
        write(f"part-{i}.{suffix}", rows)
    return ["."]


def with_empty_part():
    found = several(lambda path, rows: frame(slice(rows[0], rows[-1] + 1)).to_parquet(path), "parquet")
    frame(slice(0, 0)).to_parquet("part-3.parquet")
    return found


def of_types():
    """float32 in one file, float64 in the others."""
    kinds = iter((np.float32, np.float64, np.float64, np.float32))
    return several(lambda path, rows: np.save(path, FEATURES[rows].astype(next(kinds))), "npy")


def partitions():
    for label in ("good", "crack"):
        Path(f"d/label={label}").mkdir(parents=True)
        frame().loc[label == LABELS].drop(columns="label").to_parquet(
            f"d/label={label}/0.parquet", index=False
        )
    return ["d"]


def listed():
    columns = {"embedding": FEATURES.tolist(), "label": LABELS.tolist()}
    pq.write_table(pa.table(columns), "lists.parquet", row_group_size=100)
    return ["lists.parquet"]


def csv():
    frame().to_csv("a.csv", index=False)
    return ["a.csv"]


def late_words():
    """Words of the label that no part but the last one has, and a split that the first part lacks."""
    late = np.where(np.arange(ROWS) < 800, "", np.where(np.arange(ROWS) % 2, "ok", "broken"))
    frame(label=late, split=np.where(np.arange(ROWS) < 400, "train", "val")).to_csv("late.csv", index=False)
    return ["late.csv"]


def lines():
    frame().to_json("a.jsonl", orient="records", lines=True)
    return ["a.jsonl"]


def gappy_lines():
    """Keys that not every record has."""
    rows = [
        {k: v for k, v in row.items() if i > 500 or k != "label"}
        for i, row in enumerate(frame().to_dict("records"))
    ]
    pd.Series(rows).to_json("gaps.jsonl", orient="records", lines=True)
    return ["gaps.jsonl"]


def array():
    np.save("a.npy", FEATURES)
    return ["a.npy"]


def big_endian():
    np.save("b.npy", FEATURES.astype(">f8"))
    return ["b.npy"]


def archive():
    np.savez("a.npz", x=FEATURES, label=LABELS, split=SPLIT)
    return ["a.npz"]


def train_and_test():
    np.save("train.npy", FEATURES[:600])
    np.save("test.npy", FEATURES[600:])
    return ["."]


def arrays():
    return several(lambda path, rows: np.save(path, FEATURES[rows]), "npy")


def tables():
    return several(lambda path, rows: frame(slice(rows[0], rows[-1] + 1)).to_csv(path, index=False), "csv")


def pattern():
    arrays()
    return ["part-*.npy"]


def list_of_files():
    arrays()
    return ["part-10.npy", "part-2.npy", "part-1.npy"]


SINGLE = (array, big_endian, csv, late_words, lines, gappy_lines, listed, archive)
SEVERAL = (train_and_test, partitions, of_types, with_empty_part, arrays, tables, pattern, list_of_files)


def in_memory(files, settings=SETTINGS, **said):
    data = load_embeddings(files if len(files) > 1 else files[0], **said)
    return data, analyse(data.train_and_test()[0], None, settings)


def assert_same(parts, data, whole):
    found, expected = parts.analysis.classifier, whole.classifier
    assert found.data_digest == expected.data_digest
    assert found.settings == expected.settings
    assert found.to_bytes() == expected.to_bytes()
    assert parts.analysis.held_out_scores.tolist() == whole.held_out_scores.tolist()
    assert parts.analysis.warnings == whole.warnings
    assert decide(parts.analysis).threshold == decide(whole).threshold
    assert parts.found.rows == len(data)
    assert parts.found.rows_to_fit == len(whole.train)
    fitted = whole.train.take(whole.fitted_on)
    assert parts.analysis.train.ids.tolist() == fitted.ids.tolist()
    for role in ("label", "split", "normal", "anomalous", "embedding", "features"):
        assert getattr(parts.found.reading, role) == getattr(data.reading, role), role


@pytest.mark.parametrize("prepare", SINGLE + SEVERAL)
def test_the_model_is_the_one_of_memory(prepare):
    files = prepare()
    parts = analyse_in_parts(files, None, SETTINGS)
    assert len(parts.analysis.classifier.training_rows) == 250
    assert_same(parts, *in_memory(files))


def test_what_is_said_of_columns_counts():
    """A label that nobody would guess, whose normal word the first part lacks."""
    odd = np.where(np.arange(ROWS) < 300, "x", np.where(np.arange(ROWS) % 9, "y", "x"))
    frame(grade=odd, set=SPLIT).drop(columns=["label", "split"]).to_csv("a.csv", index=False)
    said = {"label_column": "grade", "normal": ("y",), "split_column": "", "leave_out": ("f1",)}
    parts = analyse_in_parts(["a.csv"], None, SETTINGS, said=Corrections(**said))
    data, whole = in_memory(["a.csv"], **said)
    assert_same(parts, data, whole)
    assert parts.analysis.train.features.shape == (250, 4)


def test_files_of_several_folders_and_patterns_are_one_set_in_name_order():
    for name in ("b/2", "b/10", "a/x"):
        Path(name).parent.mkdir(exist_ok=True)
        np.save(f"{name}.npy", FEATURES[: 100 * len(name)])
    parts = analyse_in_parts(["b", "a/*.npy"], None, SETTINGS)
    assert [str(file.path) for file in parts.found.files[1:]] == [
        str(Path("b/2.npy").resolve()),
        str(Path("b/10.npy").resolve()),
    ]
    assert parts.found.rows == 1000


def test_all_rows_are_fitted_when_they_are_few():
    np.save("a.npy", FEATURES)
    settings = Settings(n_pca_components=3)
    assert_same(analyse_in_parts(["a.npy"], None, settings), *in_memory(["a.npy"], settings))


def test_rows_to_inspect_are_scored_as_in_memory():
    np.save("a.npy", FEATURES)
    new = load_embeddings(b_of(2 * FEATURES), filename="new.npy")
    parts = analyse_in_parts(["a.npy"], new, SETTINGS)
    whole = analyse(load_embeddings("a.npy"), new, SETTINGS)
    assert parts.analysis.scores.tolist() == whole.scores.tolist()
    assert parts.analysis.provenance["train_shape"] == whole.provenance["train_shape"] == [ROWS, 5]


def test_every_training_row_has_to_be_finite():
    """Also those that are not drawn; a test row is not looked at."""
    bad = frame()
    bad.loc[(bad.index % 3 == 0) & (bad.index > 500), "f2"] = np.inf
    bad.to_csv("test.csv", index=False)
    analyse_in_parts(["test.csv"], None, SETTINGS)
    bad.loc[700, "f3"] = np.nan
    bad.to_parquet("bad.parquet", row_group_size=100)
    with pytest.raises(DataError, match=r"hold NaN or infinity \(rows 466\)"):
        analyse_in_parts(["bad.parquet"], None, SETTINGS)


def test_files_that_do_not_belong_together_are_refused():
    np.save("a.npy", FEATURES)
    np.save("b.npy", FEATURES[:, :4])
    with pytest.raises(DataError, match=r"b\.npy has 4 dimensions and a\.npy has 5"):
        analyse_in_parts(["."], None, SETTINGS)
    with pytest.raises(DataError, match="no file matches"):
        analyse_in_parts(["*.csv"], None, SETTINGS)
    with pytest.raises(DataError, match="there is no such file"):
        analyse_in_parts(["none.npy"], None, SETTINGS)


def test_a_file_that_changes_between_the_passes_is_refused(monkeypatch):
    np.save("a.npy", FEATURES)
    found = survey(["a.npy"])
    np.save("a.npy", FEATURES[:800])
    with pytest.raises(DataError, match="had 900 rows and now has 800"):
        draw(found, np.arange(10))


def test_progress_tells_both_passes():
    np.save("a.npy", FEATURES)
    np.save("b.npy", FEATURES)
    told = []
    analyse_in_parts(["."], None, SETTINGS, on_progress=lambda *now: told.append(now))
    for stage in (fitting.COUNTING, fitting.DRAWING):
        shares = [share for name, share in told if name == stage]
        assert len(shares) > 10
        assert shares == sorted(shares)
        assert shares[-1] == 1


def test_a_set_that_is_too_small_is_refused_as_in_memory():
    np.save("a.npy", FEATURES[:2])
    with pytest.raises(DataError, match="2 rows are fewer than 3 components"):
        analyse_in_parts(["a.npy"], None, SETTINGS)
