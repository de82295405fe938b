"""The scikit-learn estimator: scikit-learn's own checks, and what they do not look at."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from kdeviz import FitWarning, KDEClassifier, KDEOutlierDetector, NotFittedError, analyse, decide
from kdeviz.data.samples import load_sample
from kdeviz.decision.rules import ThresholdRule

NAMES = [f"feature {i}" for i in range(12)]


@pytest.mark.filterwarnings("ignore::kdeviz.errors.FitWarning")
@parametrize_with_checks(
    [KDEOutlierDetector(), KDEOutlierDetector(0.9, "norm", bandwidth="silverman", alert_budget=0.05)]
)
def test_every_check_of_scikit_learn(estimator, check):
    check(estimator)


def test_the_checks_of_the_array_api_too():
    """scikit-learn skips them unless scipy was asked for them before it was loaded."""
    code = (
        "from sklearn.utils.estimator_checks import check_estimator\n"
        "from kdeviz import KDEOutlierDetector\n"
        "found = check_estimator(KDEOutlierDetector(), on_skip=None)\n"
        "print({check['status'] for check in found})"
    )
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "{'passed'}\n"


@pytest.fixture(scope="module")
def detector(rows32):
    return KDEOutlierDetector(5, alert_budget=0.05).fit(rows32)


@pytest.fixture(scope="module")
def queries(rows64):
    """Some like the training rows, and some far out."""
    noise = np.random.default_rng(3).normal(size=(200, 12))
    return (rows64[:200] + noise * np.repeat([0.05, 1], 100)[:, None]).astype(np.float32)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_scores_are_those_of_the_classifier(rows64, queries, dtype):
    rows, queries = rows64.astype(dtype), queries.astype(dtype)
    given = {
        "bandwidth": 0.8,
        "feature_scaling_method": "norm",
        "max_training_points": 200,
        "standardise": True,
    }
    model = KDEClassifier(5, **given, seed=7)
    model.fit(rows)
    detector = KDEOutlierDetector(5, **given, random_state=7).fit(rows)
    for features in (rows, queries):
        found, expected = detector.score_samples(features), model.log_density(features).numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-12 * (dtype == np.float64))


def test_the_threshold_is_the_held_out_quantile(rows32, queries, detector):
    decision = decide(analyse(rows32, queries, detector.model_.settings), ThresholdRule("quantile", 0.05))
    assert detector.offset_ == decision.threshold == detector.model_.threshold
    verdicts = detector.predict(queries)
    np.testing.assert_array_equal(verdicts == -1, decision.flagged)
    assert set(verdicts.tolist()) == {1, -1}
    np.testing.assert_array_equal(
        detector.decision_function(queries), detector.score_samples(queries) - detector.offset_
    )


def test_the_budget_holds_on_new_rows(make_rows):
    rows = make_rows(4400, 40, decades=0.3)
    detector = KDEOutlierDetector(16, alert_budget=0.05).fit(rows[:400])
    assert (detector.predict(rows[400:]) == -1).mean() == pytest.approx(0.05, abs=0.025)


def test_components_are_cut_to_the_rows_that_are_taken():
    rows = np.random.default_rng(0).normal(size=(40, 20))
    with pytest.warns(FitWarning) as warned:
        KDEOutlierDetector(max_training_points=9).fit(rows)
    told = "n_pca_components=16 is more than 9 rows of 20 features have: kept 8"
    assert str(warned[0].message) == told


@pytest.mark.parametrize(("shape", "kept"), [((40, 3), 3), ((5, 30), 4), ((2, 1), 1)])
def test_components_are_cut_to_what_there_can_be(shape, kept):
    rows = np.random.default_rng(0).normal(size=shape)
    with pytest.warns(FitWarning) as warned:
        detector = KDEOutlierDetector().fit(rows)
    told = f"n_pca_components=16 is more than {shape[0]} rows of {shape[1]} features have: kept {kept}"
    assert str(warned[0].message) == told
    assert warned[0].filename == __file__
    assert detector.model_.n_components_ == kept
    assert detector.n_pca_components == 16


def test_components_are_cut_to_the_capped_rows(rows32):
    with pytest.warns(FitWarning) as warned:
        detector = KDEOutlierDetector(11, max_training_points=8).fit(rows32)
    assert detector.model_.n_components_ == 7
    assert "kept 7" in str(warned[0].message)
    assert "there are no held-out scores" in str(warned[1].message)
    assert detector.offset_ == -np.inf  # so nothing is flagged
    assert set(detector.predict(rows32).tolist()) == {1}


def test_a_remark_on_the_fit_is_a_warning(rows32):
    flat = rows32.copy()
    flat[:, 3:] = flat[:, :1]
    with pytest.warns(FitWarning, match="directions only"):
        KDEOutlierDetector(8).fit(flat)


@pytest.mark.parametrize(
    "given",
    [
        {"alert_budget": 0},
        {"alert_budget": 1.5},
        {"n_pca_components": 0},
        {"feature_scaling_method": "minmax"},
        {"bandwidth": -1},
        {"device": "abacus"},
    ],
)
def test_an_impossible_parameter_is_refused_by_fit(rows32, given):
    detector = KDEOutlierDetector(**given)
    with pytest.raises(ValueError, match=str(next(iter(given.values())))):
        detector.fit(rows32)
    assert not hasattr(detector, "model_")


def test_it_is_not_called_contamination():
    assert not {"contamination", "novelty"} & KDEOutlierDetector().get_params().keys()


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_frames_keep_their_names(rows32, detector, queries, frame):
    columns = dict(zip(NAMES, rows32.T, strict=True))
    named = KDEOutlierDetector(5, alert_budget=0.05).fit(frame(columns))
    assert named.n_features_in_ == 12
    assert named.feature_names_in_.tolist() == NAMES
    assert named.model_.feature_names == tuple(NAMES)
    asked = frame(dict(zip(NAMES, queries.T, strict=True)))
    np.testing.assert_array_equal(named.score_samples(asked), detector.score_samples(queries))
    with pytest.raises(ValueError, match="feature names"):
        named.predict(asked[NAMES[::-1]])


def test_the_caller_keeps_its_rows(rows64):
    rows = rows64.copy()
    KDEOutlierDetector(5).fit(rows).predict(rows)
    np.testing.assert_array_equal(rows, rows64)


def test_it_survives_pickle_and_clone_forgets(detector, queries):
    again = pickle.loads(pickle.dumps(detector))
    np.testing.assert_array_equal(again.score_samples(queries), detector.score_samples(queries))
    assert again.offset_ == detector.offset_
    assert again.get_params() == detector.get_params()
    fresh = clone(detector)
    assert fresh.get_params() == detector.get_params()
    assert not hasattr(fresh, "model_")
    assert not hasattr(pickle.loads(pickle.dumps(fresh)), "model_")


def test_a_pickle_of_a_detector_holds_no_module_of_torch(detector):
    assert b"torch" not in pickle.dumps(detector).split(b"__metadata__")[0]


@pytest.mark.filterwarnings("ignore::kdeviz.errors.FitWarning")
def test_in_a_pipeline_and_in_a_search_by_labels():
    data = load_sample()
    train, test = data.train_and_test()
    rows = np.concatenate([train.features[:300], test.features])
    labels = np.concatenate([np.ones(300, int), np.where(test.labels == 1, -1, 1)])
    pipeline = make_pipeline(StandardScaler(), KDEOutlierDetector(alert_budget=0.05))
    assert set(pipeline.fit(train.features).predict(test.features).tolist()) == {1, -1}
    grid = {"kdeoutlierdetector__n_pca_components": [2, 8, 20]}
    fold = [(np.arange(300), np.arange(300, len(rows)))]
    for scorer in ("roc_auc", make_scorer(f1_score, pos_label=-1)):
        search = GridSearchCV(pipeline, grid, scoring=scorer, cv=fold, error_score="raise").fit(rows, labels)
        assert search.cv_results_["mean_test_score"].max() == search.best_score_ > 0.3
    with pytest.raises(TypeError, match="scoring"):
        GridSearchCV(KDEOutlierDetector(), {"n_pca_components": [2, 8]}).fit(rows)


def test_random_state_is_scikit_learns(rows32, queries):
    def scores(state):
        return KDEOutlierDetector(5, max_training_points=100, random_state=state).fit(rows32).model_

    same = [scores(np.random.RandomState(3)) for _ in range(2)]
    np.testing.assert_array_equal(same[0].training_rows, same[1].training_rows)
    assert scores(None).training_rows.tolist() != scores(None).training_rows.tolist()
    assert scores(4).settings.seed == 4


def test_before_fit(rows32):
    with pytest.raises(ValueError, match="not fitted yet") as raised:  # scikit-learn's own error
        KDEOutlierDetector().predict(rows32)
    assert not isinstance(raised.value, NotFittedError)


def test_a_decision_as_a_detector(rows32, queries):
    decision = decide(analyse(rows32, queries), ThresholdRule("top_k", 9))
    detector = KDEOutlierDetector.of(decision)
    np.testing.assert_array_equal(detector.score_samples(queries), decision.analysis.scores)
    np.testing.assert_array_equal(detector.predict(queries) == -1, decision.flagged)
    assert detector.n_features_in_ == 12
    assert detector.get_params()["n_pca_components"] == 16


@pytest.mark.filterwarnings("ignore::kdeviz.errors.FitWarning")
def test_the_adapter_for_pyod_that_the_docstring_shows(rows64, queries):
    pyod = pytest.importorskip("pyod.models.base")
    shown = KDEOutlierDetector.__doc__.partition("```python\n")[2].partition("```")[0]
    given = {"BaseDetector": pyod.BaseDetector, "KDEOutlierDetector": KDEOutlierDetector}
    exec("\n".join(line.removeprefix("    ") for line in shown.splitlines()), given)
    adapter = given["KDE"](contamination=0.1).fit(rows64)
    assert adapter.labels_.sum() == 30
    verdicts = adapter.predict(queries)
    np.testing.assert_array_equal(verdicts, adapter.decision_function(queries) > adapter.threshold_)
