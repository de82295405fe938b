"""Findings against brute force, and fixes against their findings."""

import dataclasses
import re
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import correlated_rows
from hypothesis import given, settings
from hypothesis import strategies as st

from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.data.labels import ANOMALOUS, NORMAL, UNKNOWN
from kdeviz.data.rows import Rows
from kdeviz.errors import DataError, FitWarning, OptionError
from kdeviz.model.classifier import KDEClassifier
from kdeviz.model.principal_axes import principal_axes
from kdeviz.preflight.checks import preflight
from kdeviz.preflight.copies import row_copies
from kdeviz.preflight.findings import apply
from kdeviz.preflight.scan import scan

KINDS = (
    "missing|infinite|too large|zero rows|duplicate rows|constant columns|duplicate columns|outliers|units|"
    "labels|contamination|rank"
)
CLEAN = correlated_rows(200, 6).astype(np.float32)


def as_set(features, **parts):
    return dataclasses.replace(EmbeddingSet.from_array(np.asarray(features)), **parts)


def finding(data, kind, components=2):
    found = [finding for finding in preflight(data, components).findings if finding.kind == kind]
    assert len(found) <= 1
    return found[0] if found else None


def numbers(found):
    return [] if found is None else found.tolist()


def is_clean(data, kind):
    found = finding(data, kind)
    return found is None or (found.severity == "ok" and not found.fixes)


def spoiled(at, value, dtype=np.float32):
    features = CLEAN.astype(dtype)
    features[at] = value
    return features


def first_copies(lines):
    """Which lines equal an earlier one; NaN equals nothing."""
    return [i for i, line in enumerate(lines) if any((line == other).all() for other in lines[:i])]


def train_mask(data):
    train = np.array([split == "train" for split in data.split]) if data.split is not None else None
    train = np.ones(len(data), bool) if train is None or not train.any() else train
    return train if data.excluded is None else train & ~data.excluded


@st.composite
def small_sets(draw):
    dtype = np.dtype(draw(st.sampled_from(["f2", "f4", "f8", "g", ">f4", ">f8", "i1", "i8", "u2", "?"])))
    n, d = draw(st.integers(1, 9)), draw(st.integers(1, 5))
    values = [0.0, 1.0] + ([-0.0, 2.5, np.nan, np.inf, -np.inf] if dtype.kind == "f" else [])
    weights = np.array([3, 3, 2, 2, 0.2, 0.2, 0.1][: len(values)])
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    features = rng.choice(values, (n, d), p=weights / weights.sum()).astype(dtype)
    features = np.asfortranarray(features) if draw(st.booleans()) else features
    split = rng.choice(["train", "test"], n) if draw(st.booleans()) else None
    labels = rng.integers(-1, 2, n).astype(np.int8) if draw(st.booleans()) else None
    excluded = rng.random(n) < 0.2 if draw(st.booleans()) else None
    return as_set(features, split=split, labels=labels, excluded=excluded)


def many_sets(test):
    return settings(max_examples=300)(given(small_sets())(test))


@many_sets
def test_findings_are_those_of_brute_force(data):
    x, train = data.features.astype(np.float64), train_mask(data)
    result = preflight(data, 2)
    found = {finding.kind: finding for finding in result.findings}
    assert result.facts.rows == len(x) and result.facts.training_rows == train.sum()
    for kind, where in (("missing", np.isnan(x)), ("infinite", np.isinf(x))):
        assert numbers(found[kind].rows) == np.flatnonzero(where.any(1)).tolist()
        assert numbers(found[kind].columns) == np.flatnonzero(where.any(0)).tolist()
        assert (found[kind].severity == "error") == where.any()
    zero = (x == 0).all(1)
    assert numbers(found["zero rows"].rows) == np.flatnonzero(zero).tolist()
    assert numbers(found["duplicate rows"].rows) == [i for i in first_copies(x) if not zero[i]]
    leaked = sum(any((row == other).all() for other in x[train]) for row in x[~train & ~zero])
    said = re.search(r"(\d+) rows? to be scored also occurs? in training", found["duplicate rows"].sentence)
    assert (int(said[1]) if said else 0) == leaked

    usable = np.isfinite(x).all(1)
    fitted = x[usable & train]
    if len(fitted) < 2:
        assert found["rank"].severity == "error" and result.facts.rank is None
        assert "constant columns" not in found
        return
    constant = np.flatnonzero((fitted == fitted[0]).all(0))
    assert numbers(found["constant columns"].columns) == constant.tolist()
    varying = (x[usable][:, constant] != fitted[0, constant]).any(0).sum()
    assert (found["constant columns"].severity == "warning") == (varying > 0)
    others = np.setdiff1d(np.arange(x.shape[1]), constant)
    copies = others[first_copies(x[usable][:, others].T)]
    assert numbers(found["duplicate columns"].columns) == copies.tolist()
    assert result.facts.rank == np.linalg.matrix_rank(fitted - fitted.mean(0), tol=1e-6)


@many_sets
def test_every_fix_removes_its_finding_and_is_recorded(data):
    before = data.features.copy()
    for found in preflight(data, 2).findings:
        for fix in found.fixes:
            fixed = apply(fix, dataclasses.replace(data, changes=("read",)))
            assert fixed.changes == ("read", fix.done)
            assert found.kind == "outliers" or is_clean(fixed, found.kind)
            lost = 0 if fix.rows is None else len(fix.rows)
            dropped = fix.kind == "drop rows"
            assert len(fixed) == len(data) - (lost if dropped else 0)
            if fix.kind != "drop columns":
                assert fixed.in_training.sum() >= 2
                assert str(lost) in fix.title and str(lost) in fix.done
            kept = np.delete(np.arange(len(data)), fix.rows if dropped else [])
            assert fixed.ids.astype(int).tolist() == kept.tolist()
            rest = data.features[kept]
            if fix.columns is not None:
                rest = np.delete(rest, fix.columns, axis=1)
            np.testing.assert_array_equal(fixed.features, rest)
    np.testing.assert_array_equal(data.features, before)


@pytest.mark.parametrize("columns", [1, 3])
def test_false_hashes_make_no_copies(columns):
    x = np.random.default_rng(0).integers(0, 3, (60, columns)).astype(np.float32)
    for hashes in (np.zeros(60, np.uint64), x[:, 0].astype(np.uint64)):
        rows, originals = row_copies(x, hashes, np.arange(60))
        assert rows.tolist() == first_copies(x)
        for row, original in zip(rows, originals, strict=True):
            assert original == np.flatnonzero((x == x[row]).all(1))[0]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_hashes_tell_rows_of_few_bits_apart(dtype):
    """Binary features differ in high bits only, which a plain product would lose."""
    x = (np.arange(2**16)[:, None] >> np.arange(16) & 1).astype(dtype)
    assert len(np.unique(scan(x, np.ones(len(x), bool)).hashes)) == len(x)


def test_hashes_do_not_depend_on_the_place_of_a_row():
    x = np.tile(np.random.default_rng(0).normal(size=37), (5001, 1))
    assert len(np.unique(scan(x, np.ones(len(x), bool)).hashes)) == 1


def test_clean_rows_have_no_problems_and_one_finding_per_check():
    data = as_set(CLEAN, labels=np.full(200, NORMAL, np.int8))
    result = preflight(data, 4)
    assert [found.kind for found in result.findings] == KINDS.split("|")
    assert result.problems == () and {found.severity for found in result.findings} == {"ok"}
    assert all(found.sentence.endswith(".") for found in result.findings)
    assert all(found.rows is None and found.columns is None for found in result.findings)


def test_facts():
    labels = np.array([NORMAL] * 150 + [ANOMALOUS] * 40 + [UNKNOWN] * 10, np.int8)
    split = np.array(["train"] * 120 + ["test"] * 80)
    excluded = np.arange(200) < 5
    facts = preflight(as_set(CLEAN, labels=labels, split=split, excluded=excluded, name="n")).facts
    assert facts[:5] == ("n", 200, 6, "float32", 200 * 6 * 4)
    assert (facts.training_rows, facts.other_rows) == (115, 85)
    assert (facts.rank, facts.rank_is_exact) == (6, True)
    bare = preflight(as_set(CLEAN)).facts
    assert (bare.training_rows, bare.other_rows) == (200, 0)


@pytest.mark.parametrize(
    ("kind", "value"), [("missing", np.nan), ("infinite", np.inf), ("infinite", -np.inf)]
)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_bad_values_in_few_rows_or_in_few_columns(kind, value, dtype):
    few_rows = finding(as_set(spoiled(np.s_[3:5, :], value, dtype)), kind)
    assert few_rows.rows.tolist() == [3, 4] and few_rows.columns.tolist() == list(range(6))
    assert [fix.name for fix in few_rows.fixes] == [f"{kind}: drop rows"]
    assert few_rows.sentence == f"2 of 200 rows hold {kind} values, in 6 of 6 dimensions: a fit refuses them."
    one = finding(as_set(spoiled((7, 1), value, dtype)), kind)
    assert [fix.kind for fix in one.fixes] == ["drop rows", "drop columns"]
    assert one.sentence == f"1 of 200 rows holds {kind} values, in 1 of 6 dimensions: a fit refuses it."
    column = finding(as_set(spoiled(np.s_[:, 2], value, dtype)), kind)
    assert [fix.kind for fix in column.fixes] == ["drop columns"]
    assert column.fixes[0].done == f"1 dimension with {kind} values dropped"
    hopeless = finding(as_set(spoiled(np.s_[:, :2], value, dtype)), kind)
    assert hopeless.fixes == () and "repair the file" in hopeless.sentence


@pytest.mark.parametrize(("bad", "offered"), [(2, True), (3, False)])
def test_columns_are_dropped_for_bad_values_when_they_are_few(bad, offered):
    features = np.random.default_rng(0).normal(size=(50, 40))
    features[:30, :bad] = np.nan
    fixes = [fix.kind for fix in finding(as_set(features), "missing").fixes]
    assert fixes == (["drop columns", "drop rows"] if offered else ["drop rows"])


def test_a_row_may_hold_both_kinds_of_bad_values():
    features = spoiled((9, 0), np.nan)
    features[9, 1] = np.inf
    data = as_set(features)
    assert finding(data, "missing").rows.tolist() == finding(data, "infinite").rows.tolist() == [9]
    assert finding(data, "missing").columns.tolist() == [0]
    assert finding(data, "infinite").columns.tolist() == [1]
    with pytest.raises(DataError):
        KDEClassifier(2).fit(features)


def test_values_too_large_to_be_squared():
    features = spoiled((9, 0), -1e160, np.float64)
    with pytest.warns(FitWarning, match="vary along"):
        KDEClassifier(2).fit(features)
    found = finding(as_set(features), "too large")
    assert (found.severity, found.rows.tolist()) == ("warning", [9])
    assert KDEClassifier(2).fit(apply(found.fixes[0], as_set(features)).features)
    assert is_clean(as_set(spoiled((9, 0), 1e149, np.float64)), "too large")


def test_rows_of_zeros():
    found = finding(as_set(spoiled([4, 8], -0.0)), "zero rows")
    assert (found.severity, found.rows.tolist()) == ("warning", [4, 8])
    assert is_clean(as_set(spoiled([4, 8], -0.0)), "duplicate rows")
    tiny = np.finfo(np.float32).smallest_subnormal
    assert is_clean(as_set(spoiled(np.s_[4, 1:], 0)), "zero rows")
    assert is_clean(as_set(spoiled([4], tiny)), "zero rows")


def test_copies_of_training_rows_among_the_others_are_worse():
    features = CLEAN.copy()
    features[[150, 160, 170]] = features[[3, 3, 140]]
    features[10] = features[190]
    features[180] = features[181]
    data = as_set(features, split=np.where(np.arange(200) < 120, "train", "test"))
    found = finding(data, "duplicate rows")
    assert found.rows.tolist() == [150, 160, 170, 181, 190] and found.severity == "warning"
    assert "3 rows to be scored also occur in training" in found.sentence
    alone = finding(as_set(features), "duplicate rows")
    assert alone.severity == "note" and "to be scored" not in alone.sentence


def test_rows_with_missing_values_equal_no_row_and_infinity_equals_itself():
    assert is_clean(as_set(spoiled([5, 6], np.nan)), "duplicate rows")
    assert finding(as_set(spoiled([5, 6], np.inf)), "duplicate rows").rows.tolist() == [6]


def test_large_integers_are_compared_exactly():
    features = np.random.default_rng(0).integers(-(2**62), 2**62, (20, 3))
    features[7] = features[3]
    features[9] = features[3] + 1  # the same in float64
    found = finding(as_set(features), "duplicate rows")
    assert found.rows.tolist() == [7]
    constant = np.full((20, 2), 2**62)
    constant[5, 1] += 1
    constant[:, 0] += np.arange(20) * 2**50
    assert is_clean(as_set(constant), "constant columns")


def test_dimensions_constant_in_training_that_vary_elsewhere():
    features = spoiled(np.s_[:, 1], 3.0)
    features[:, 4] = -1
    features[150:, 4] = np.arange(50)
    quiet = finding(as_set(features), "constant columns")
    assert (quiet.severity, quiet.columns.tolist()) == ("note", [1])
    split = np.where(np.arange(200) < 120, "train", "test")
    found = finding(as_set(features, split=split), "constant columns")
    assert (found.severity, found.columns.tolist()) == ("warning", [1, 4])
    assert "1 of them varies, which it cannot see" in found.sentence


def test_dimensions_that_repeat_another():
    features = np.column_stack([CLEAN, CLEAN[:, 2], CLEAN[:, 0], CLEAN[:, 2] * np.float32(1.0001)])
    found = finding(as_set(features), "duplicate columns")
    assert (found.severity, found.columns.tolist()) == ("note", [6, 7])
    late = features.copy()
    late[-1, 6] += 1  # told apart by the last row only
    assert finding(as_set(late), "duplicate columns").columns.tolist() == [7]


def test_columns_are_judged_without_the_bad_rows():
    features = np.column_stack([CLEAN, CLEAN[:, 2], np.ones(200)])
    features[11] = np.nan
    assert finding(as_set(features), "duplicate columns").columns.tolist() == [6]
    assert finding(as_set(features), "constant columns").columns.tolist() == [7]


@pytest.mark.parametrize(("n", "d"), [(100_000, 1), (20_000, 2), (5000, 64), (40, 16), (12, 3)])
@pytest.mark.parametrize("offset", [0, 100])
def test_a_row_ten_times_longer_is_an_outlier_and_gaussian_rows_are_none(n, d, offset):
    features = np.random.default_rng(n).normal(size=(n, d))
    features[n // 2] = 1  # a row of typical length
    assert is_clean(as_set(features + offset), "outliers")
    features[n // 2] *= 10
    data = as_set(features + offset)
    found = finding(data, "outliers")
    assert (found.severity, found.rows.tolist()) == ("warning", [n // 2])
    assert [fix.kind for fix in found.fixes] == ["leave out of training", "drop rows"]
    for fix in found.fixes:
        assert is_clean(apply(fix, data), "outliers")
    elsewhere = np.where(np.arange(n) == n // 2, "test", "train")
    assert is_clean(as_set(features + offset, split=elsewhere), "outliers")


def test_an_outlier_moves_every_log_density_under_scale():
    """What the sentence says: dividing k scores by a length L raises each log density by k log L."""
    longer = np.vstack([CLEAN, 1000 * CLEAN[:1]])
    found = finding(as_set(longer), "outliers")
    assert found.rows.tolist() == [200] and "moves every log density" in found.sentence
    before, after = KDEClassifier(3), KDEClassifier(3)
    assert before.fit(CLEAN) and after.fit(longer)
    moved = (after.log_density(CLEAN) - before.log_density(CLEAN)).abs()
    assert moved.min() > 1


def test_rows_that_are_nearly_all_equal_have_no_outliers():
    features = np.zeros((100, 3))
    features[:3] = [[1, 2, 3], [2, 1, 0], [4, 4, 1]]
    assert is_clean(as_set(features), "outliers")


def test_contamination_is_left_out_and_not_lost():
    labels = np.zeros(200, np.int8)
    labels[[5, 50, 150]] = ANOMALOUS
    labels[60] = UNKNOWN
    split = np.where(np.arange(200) < 120, "train", "test")
    data = as_set(CLEAN, labels=labels, split=split)
    found = finding(data, "contamination")
    assert (found.severity, found.rows.tolist()) == ("warning", [5, 50])
    assert finding(data, "labels").sentence == "Labels: 196 normal, 3 anomalous, 1 not labelled."
    fixed = apply(found.fixes[0], data)
    assert fixed.changes == ("2 rows labelled anomalous left out of training",)
    assert np.flatnonzero(fixed.excluded).tolist() == [5, 50] and data.excluded is None
    assert not (fixed.train_and_test()[0].labels == ANOMALOUS).any()
    assert finding(as_set(CLEAN, labels=labels), "contamination").rows.tolist() == [5, 50, 150]
    unlabelled = as_set(CLEAN)
    assert finding(unlabelled, "contamination") is None
    assert finding(unlabelled, "labels").sentence.startswith("There are no labels")


def test_what_was_left_out_before_stays_out():
    data = as_set(CLEAN, labels=(np.arange(200) == 5).astype(np.int8), excluded=np.arange(200) == 9)
    fixed = apply(finding(data, "contamination").fixes[0], data)
    assert np.flatnonzero(fixed.excluded).tolist() == [5, 9]
    assert np.flatnonzero(data.excluded).tolist() == [9]


def test_training_rows_are_not_all_left_out():
    found = finding(as_set(CLEAN, labels=np.full(200, ANOMALOUS, np.int8)), "contamination")
    assert found.severity == "warning" and found.fixes == ()


@pytest.mark.parametrize(("n", "d", "rank"), [(300, 12, 5), (3000, 40, 7), (30, 200, 4), (300, 1100, 9)])
def test_more_components_than_rank(n, d, rank):
    rng = np.random.default_rng(d)
    features = (rng.normal(size=(n, rank)) @ rng.normal(size=(rank, d))).astype(np.float32)
    result = preflight(as_set(features), rank + 1)
    assert (result.facts.rank, result.facts.rank_is_exact) == (rank, True)
    model = KDEClassifier(rank + 1)
    with pytest.warns(UserWarning, match="vary along"):
        model.fit(features)
    assert model.n_components_ == rank
    found = finding(as_set(features), "rank", rank + 1)
    assert found.severity == "warning" and f"{rank} can be kept" in found.sentence
    for fewer in (rank, 0.9):
        assert finding(as_set(features), "rank", fewer).severity == "ok"


@pytest.mark.parametrize(("n", "d", "row"), [(4000, 8, 1234), (2400, 1200, 804)])
def test_rank_in_rows_that_a_sample_misses(n, d, row):
    features = np.zeros((n, d), np.float32)
    features[:, :2] = np.random.default_rng(0).normal(size=(n, 2))
    features[row, 5] = 1
    expected = principal_axes(Rows(features), torch.device("cpu"), 3).rank
    assert expected == 3
    assert preflight(as_set(features), 3).facts[-2:] == (3, True)


def test_rank_of_wide_rows_is_a_lower_bound():
    features = np.random.default_rng(0).normal(size=(3000, 1500)).astype(np.float32)
    facts = preflight(as_set(features)).facts
    assert 16 <= facts.rank < 1500 and not facts.rank_is_exact
    found = finding(as_set(features), "rank", 16)
    assert found.severity == "ok" and "at least" in found.sentence


def test_fewer_rows_than_components():
    few = CLEAN[:5]
    assert KDEClassifier(6).fit(few) is False
    found = finding(as_set(few), "rank", 6)
    assert found.severity == "error" and "5 usable training rows for 6 components" in found.sentence
    assert finding(as_set(few), "rank", 5).severity == "warning"
    assert finding(as_set(few), "rank", 4).severity == "ok"
    split = np.array(["train"] * 4 + ["test"])
    assert finding(as_set(few, split=split), "rank", 5).severity == "error"


@pytest.mark.parametrize(("features", "words"), [(np.ones((9, 3)), "are equal"), (CLEAN[:1], "at least two")])
def test_rows_without_variance_cannot_be_fitted(features, words):
    found = finding(as_set(features), "rank", 1)
    assert found.severity == "error" and words in found.sentence
    with pytest.raises(DataError):
        KDEClassifier(1).fit(features)


def test_everything_known_of_a_row_follows_it():
    data = as_set(
        spoiled((1, 0), np.nan),
        labels=(np.arange(200) % 2).astype(np.int8),
        metadata=pd.DataFrame({"n": np.arange(200)}),
        thumbnails=[bytes([i]) for i in range(200)],
        split=np.where(np.arange(200) < 120, "train", "test"),
        excluded=np.arange(200) == 2,
    )
    fixed = apply(finding(data, "missing").fixes[0], data)
    kept = np.delete(np.arange(200), 1)
    assert fixed.ids.astype(int).tolist() == fixed.metadata["n"].tolist() == kept.tolist()
    assert [image[0] for image in fixed.thumbnails] == kept.tolist()
    np.testing.assert_array_equal(fixed.labels, kept % 2)
    np.testing.assert_array_equal(fixed.excluded, kept == 2)
    np.testing.assert_array_equal(fixed.split == "train", kept < 120)
    assert len(data) == 200 and np.isnan(data.features[1, 0])


def test_fixes_are_found_again_by_name():
    features = np.column_stack([spoiled((1, 0), np.nan), np.ones(200)])
    data = as_set(features, labels=(np.arange(200) == 5).astype(np.int8))
    names = ("missing: drop rows", "constant columns: drop", "contamination: leave out of training")
    for name in names:
        data = apply(preflight(data, 2).fix(name), data)
    assert data.changes == (
        "1 row with missing values dropped",
        "1 dimension without variation in training dropped",
        "1 row labelled anomalous left out of training",
    )
    assert preflight(data, 2).problems == () and data.features.shape == (199, 6)
    with pytest.raises(OptionError, match=r"needs no fix 'missing: drop rows'; on offer: none"):
        preflight(data, 2).fix(names[0])
    with pytest.raises(OptionError, match="on offer: 'missing: drop rows', 'missing: drop columns', 'const"):
        preflight(as_set(features), 2).fix("nonsense")


def test_a_fix_of_other_data_is_refused():
    data = as_set(spoiled((1, 0), np.nan))
    fix = finding(data, "missing").fixes[0]
    with pytest.raises(DataError, match=r"shape \(200, 6\), these have \(199, 6\): run preflight again"):
        apply(fix, apply(fix, data))


def test_problems_come_by_severity():
    features = np.column_stack([CLEAN, np.ones(200)])
    features[4] = 0
    features[5] = np.nan
    problems = preflight(as_set(features), 2).problems
    severities = [found.severity for found in problems]
    assert severities == sorted(severities, key=["error", "warning", "note"].index)
    assert {"error", "warning"} <= set(severities)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int16])
def test_mapped_files_of_many_blocks(tmp_path, dtype):
    features = (1000 * np.random.default_rng(0).normal(size=(20_000, 5))).astype(dtype)
    features[:, 3] = features[:, 1]
    features[19_999], features[10_000] = features[2], features[17]
    np.save(tmp_path / "x.npy", features)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    data = as_set(mapped)
    result = preflight(data, 2)
    found = {finding.kind: finding for finding in result.findings}
    expected = pd.DataFrame(features).duplicated().to_numpy()
    assert found["duplicate rows"].rows.tolist() == np.flatnonzero(expected).tolist()
    assert {10_000, 19_999} <= set(found["duplicate rows"].rows)
    assert found["duplicate columns"].columns.tolist() == [3]
    assert result.facts.bytes == features.nbytes and result.facts.dtype == np.dtype(dtype).name
    assert "20\u202f000 rows" in found["duplicate rows"].sentence
    fixed = apply(found["duplicate columns"].fixes[0], data)
    assert type(fixed.features) is np.ndarray and fixed.features.dtype == dtype
    np.testing.assert_array_equal(mapped, features)


@pytest.mark.parametrize("shape", [(400_000, 8), (4000, 512), (200, 20_000)])
@pytest.mark.parametrize("copied", [False, True])
def test_memory_stays_bounded(shape, copied):
    features = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    if copied:
        features[:] = features[:1]
    data = as_set(features)
    tracemalloc.start()
    try:
        preflight(data, 2)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 150 * 2**20


@pytest.mark.parametrize("features", [np.zeros((0, 3)), np.zeros((1, 1)), np.full((3, 2), np.nan)])
def test_almost_nothing(features):
    result = preflight(as_set(features))
    assert result.facts.rows == len(features) and result.problems[0].severity == "error"


def test_text_and_no_dimensions_are_refused():
    for features in (np.array([["a", "b"]]), np.zeros((3, 0)), np.ones((3, 2), complex)):
        with pytest.raises(DataError):
            preflight(as_set(features))


def test_a_finding_names_its_rows_by_their_ids_and_its_columns_by_their_names():
    rows = np.random.default_rng(0).standard_normal((60, 4))
    rows[3] = np.nan
    rows[20:40] = rows[0]
    rows[:, 1] = 2.0
    data = EmbeddingSet(rows, np.array([f"s{i}" for i in range(60)]), feature_names=("a", "b", "c", "d"))
    which = {finding.kind: finding.which for finding in preflight(data).findings}
    assert which["missing"] == "row s3"
    assert which["duplicate rows"] == "rows s20, s21, s22, s23, s24, s25, s26, s27 and 12 more"
    assert which["constant columns"] == "dimension b"
    assert which["infinite"] == which["zero rows"] == ""


def test_a_long_or_odd_id_is_named_in_one_short_line():
    rows = np.random.default_rng(0).standard_normal((9, 2))
    rows[3] = np.inf
    data = EmbeddingSet(rows, np.array(["x"] * 3 + ["a\nb" + "y" * 500] + ["x"] * 5))
    (which,) = [finding.which for finding in preflight(data).findings if finding.kind == "infinite"]
    assert which.startswith("row a b") and len(which) < 40
