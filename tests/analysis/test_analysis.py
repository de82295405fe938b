import dataclasses
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from held_out_steps import calibrated
from oracles import LOG_DENSITY, Classifier, held_out

from kdeviz import __version__
from kdeviz.analysis.analyse import FITTING, HOLDING_OUT, SCORING, analyse
from kdeviz.analysis.estimate import estimate, is_measured, measure_speeds, rough_seconds
from kdeviz.data import label_counts
from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.decision.metrics.separation import auroc
from kdeviz.errors import Cancelled, DataError, OptionError
from kdeviz.model.axes_cache import AxesCache
from kdeviz.model.classifier import KDEClassifier
from kdeviz.preflight.checks import preflight
from kdeviz.preflight.findings import apply
from kdeviz.settings import Settings

ANALYSE = sys.modules["kdeviz.analysis.analyse"]  # the function hides the module of its name
ESTIMATE = sys.modules["kdeviz.analysis.estimate"]
THREE = Settings(n_pca_components=3)


def rows(n, d=6, seed=0, dtype=np.float32):
    random = np.random.default_rng(seed)
    return (random.standard_normal((n, d)) * np.arange(1, d + 1)).astype(dtype)


def classifier(features, settings=THREE):
    model = KDEClassifier(**settings.to_dict())
    assert model.fit(features)
    return calibrated(model, features)


def same(found, expected):
    """Up to the last digits: the axes come from sums over folds, or from one over all rows."""
    assert found.dtype == expected.numpy().dtype
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-5, atol=1e-5)


@pytest.fixture
def small_blocks(monkeypatch):
    """256 rows per block."""
    monkeypatch.setattr("kdeviz.data.rows._BLOCK_BYTES", 0)
    monkeypatch.setattr("kdeviz.data.rows._FEWEST_ROWS", 256)


# --- what is computed


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int32])
@pytest.mark.parametrize(
    "wrap",
    [lambda x: x, torch.from_numpy, lambda x: x.tolist(), lambda x: EmbeddingSet.from_array(x, "mine")],
    ids=["array", "tensor", "list", "set"],
)
def test_scores_are_the_classifiers_own(wrap, dtype):
    train, score = wrap(rows(80, dtype=dtype)), wrap(rows(30, seed=1, dtype=dtype))
    plain = [np.asarray(x.features if isinstance(x, EmbeddingSet) else x) for x in (train, score)]
    model = classifier(plain[0])
    found = analyse(train, score, THREE, "cpu")
    same(found.scores, model.log_density(plain[1]))
    same(found.held_out_scores, model.held_out_scores)
    same(found.coordinates, model.transform(plain[1]))
    same(found.train_coordinates, model.transform(plain[0]))
    assert not found.inspects_training


def test_scores_agree_with_the_oracle():
    train, score = rows(80), rows(30, seed=1) * 3
    found = analyse(train, score, THREE, "cpu")
    oracle = Classifier(train, 3)
    np.testing.assert_allclose(found.scores, oracle.log_density(score), **LOG_DENSITY)
    expected = held_out(train, found.classifier.folds, 3)
    np.testing.assert_allclose(found.held_out_scores, expected, **LOG_DENSITY)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_tensors_of_any_kind(dtype):
    tensor = torch.tensor(rows(50), dtype=dtype, requires_grad=True)
    expected = analyse(tensor.detach().float().numpy(), None, THREE, "cpu")
    found = analyse(tensor, None, THREE, "cpu")
    np.testing.assert_array_equal(found.scores, expected.scores)


@pytest.mark.parametrize(("dtype", "result"), [(np.float64, np.float64), (np.float32, np.float32)])
def test_precision_of_the_rows_is_the_precision_of_the_scores(dtype, result):
    found = analyse(rows(40, dtype=dtype), rows(5, seed=1, dtype=dtype), THREE, "cpu")
    assert {found.scores.dtype, found.held_out_scores.dtype, found.coordinates.dtype} == {np.dtype(result)}


def test_without_a_score_set_training_rows_have_their_held_out_scores():
    found = analyse(rows(60), settings=THREE, device="cpu")
    assert found.inspects_training
    np.testing.assert_array_equal(found.scores, found.held_out_scores)
    same(found.scores, classifier(rows(60)).held_out_scores)
    assert not np.allclose(found.scores, classifier(rows(60)).log_density(rows(60)).numpy(), atol=0.01)


def test_training_rows_above_the_cap_get_their_plain_log_density():
    settings = Settings(n_pca_components=3, max_training_points=40, seed=5)
    found = analyse(rows(100), None, settings, "cpu")
    model = classifier(rows(100), settings)
    used = model.training_rows.numpy()
    others = np.setdiff1d(np.arange(100), used)
    assert len(used) == 40
    same(found.scores[used], model.held_out_scores)
    same(found.scores[others], model.log_density(rows(100)[others]))
    np.testing.assert_array_equal(found.train_coordinates, found.coordinates[used])


def test_training_coordinates_are_those_of_the_rows_that_were_used():
    settings = Settings(n_pca_components=3, max_training_points=40)
    found = analyse(rows(100), rows(7, seed=1), settings, "cpu")
    used = found.classifier.training_rows.numpy()
    expected = found.classifier.transform(rows(100)[used]).numpy()
    np.testing.assert_array_equal(found.train_coordinates, expected)


def test_one_scored_row():
    assert analyse(rows(40), rows(1, seed=1), THREE, "cpu").scores.shape == (1,)


def test_defaults_are_the_settings_defaults():
    assert analyse(rows(40, d=20), device="cpu").settings == Settings()


@pytest.mark.parametrize("device", ["cpu", torch.device("cpu")])
def test_device_by_name_or_itself(device):
    assert analyse(rows(40), None, THREE, device).classifier.device.type == "cpu"


def test_unknown_device():
    with pytest.raises(OptionError, match="abacus"):
        analyse(rows(40), None, THREE, "abacus")


def test_the_callers_data_is_not_changed():
    train, score = rows(60), rows(20, seed=1)
    before = train.copy(), score.copy()
    train.flags.writeable = score.flags.writeable = False
    found = analyse(train, score, THREE, "cpu")
    _ = found.coordinates, found.train_coordinates
    np.testing.assert_array_equal(train, before[0])
    np.testing.assert_array_equal(score, before[1])
    tensor = torch.from_numpy(before[0].copy())
    analyse(tensor, None, THREE, "cpu")
    np.testing.assert_array_equal(tensor.numpy(), before[0])


def test_threads_do_not_disturb_each_other():
    jobs = [(rows(150, seed=i), rows(60, seed=9), Settings(n_pca_components=2 + i % 3)) for i in range(8)]
    serial = [analyse(*job, "cpu") for job in jobs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda job: analyse(*job, "cpu"), jobs))
    for one, other in zip(serial, together, strict=True):
        np.testing.assert_allclose(other.scores, one.scores, **LOG_DENSITY)
        np.testing.assert_allclose(other.held_out_scores, one.held_out_scores, **LOG_DENSITY)


@pytest.mark.parametrize("name", ["settings", "scores", "warnings"])
def test_an_analysis_is_frozen(name):
    found = analyse(rows(40), None, THREE, "cpu")
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(found, name, None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.settings.seed = 3


# --- what a person is told


def test_warnings_are_data():
    features = np.hstack([rows(90, d=2), rows(90, d=2)])  # pytest turns a Python warning into an error
    found = analyse(features, None, THREE, "cpu")
    assert found.classifier.n_components_ == 2
    assert found.warnings == (
        "3 components were asked for, but the 90 training rows vary along 2 directions only: kept 2 "
        "components",
    )
    assert analyse(rows(90), None, THREE, "cpu").warnings == ()


@pytest.mark.parametrize(
    ("train", "score", "message"),
    [
        (rows(2), None, "training data: 2 rows are fewer than 3 components: load more rows or lower"),
        (rows(0), None, "0 rows are fewer than 3 components"),
        (rows(9), rows(0), "scored data: there are no rows to score: load some"),
        (rows(9)[0], None, r"training data: .*got \(6,\)"),
        (np.float32(3), None, r"training data: .*got \(1,\)"),
        (rows(9), rows(9)[0], r"scored data: .*got \(6,\)"),
        (rows(9), rows(9, d=4), "4 dimensions, the model was fitted on 6"),
        (rows(9), rows(9) * np.nan, "9 of 9 rows hold NaN"),
        (rows(9).astype(object), None, "real numbers, got object"),
        (np.ones((9, 6)), None, "all 9 rows are equal"),
    ],
)
def test_data_that_cannot_be_used(train, score, message):
    with pytest.raises(DataError, match=message):
        analyse(train, score, THREE, "cpu")


def test_one_row_cannot_be_fitted():
    with pytest.raises(DataError, match="at least two rows, got 1"):
        analyse(rows(1), None, Settings(n_pca_components=1), "cpu")


def test_provenance_is_json_and_names_data_versions_and_device():
    train = EmbeddingSet.from_array(rows(40), "mine")
    found = analyse(train, rows(7, seed=1), Settings(n_pca_components=3, seed=8), "cpu").provenance
    assert json.loads(json.dumps(found)) == found
    assert found["train_digest"] == train.digest
    assert found["score_digest"] == EmbeddingSet.from_array(rows(7, seed=1)).digest != train.digest
    assert (found["train_name"], found["score_name"]) == ("mine", "scored data")
    assert found["train_shape"] == [40, 6]
    assert (found["kdeviz_version"], found["torch_version"]) == (__version__, torch.__version__)
    assert found["device"].startswith("CPU, ")
    assert found["seed"] == 8
    assert found["created"].endswith("+00:00")
    alone = analyse(train, None, THREE, "cpu").provenance
    assert alone["score_name"] is alone["score_digest"] is None


def test_timings_per_stage():
    timings = analyse(rows(40), rows(9), THREE, "cpu").timings
    assert list(timings) == ["fit", "hold_out", "score"]
    assert all(seconds >= 0 for seconds in timings.values())


# --- rows that are left out of training


def partly_excluded(n=90, split=None):
    """Every fourth row is far off, labelled anomalous, and excluded; and which rows that are."""
    excluded = np.arange(n) % 4 == 1
    data = EmbeddingSet.from_array(np.where(excluded[:, None], 4, 1) * rows(n))
    labels = excluded.astype(np.int8)
    return dataclasses.replace(data, labels=labels, excluded=excluded, split=split), excluded


@pytest.mark.parametrize("cap", [1000, 30])
def test_excluded_rows_are_scored_in_full_and_the_others_without_themselves(cap):
    data, excluded = partly_excluded()
    settings = Settings(3, max_training_points=cap)
    found, model = analyse(data, None, settings, "cpu"), classifier(data.features[~excluded], settings)
    used = np.flatnonzero(~excluded)[model.training_rows.numpy()]
    others = np.setdiff1d(np.arange(90), used)
    assert found.inspects_training
    np.testing.assert_array_equal(found.fitted_on, used)
    same(found.held_out_scores, model.held_out_scores)
    np.testing.assert_array_equal(found.scores[used], found.held_out_scores)
    same(found.scores[others], model.log_density(data.features[others]))
    same(found.coordinates, model.transform(data.features))
    np.testing.assert_array_equal(found.train_coordinates, found.coordinates[used])
    assert not any("labelled anomalous" in warning for warning in found.warnings)


def test_scores_with_excluded_rows_agree_with_the_oracle():
    data, excluded = partly_excluded()
    found, oracle = analyse(data, None, THREE, "cpu"), Classifier(data.features[~excluded], 3)
    expected = held_out(data.features[~excluded], found.classifier.folds, 3)
    np.testing.assert_allclose(found.scores[~excluded], expected, **LOG_DENSITY)
    wanted = oracle.log_density(data.features[excluded])
    np.testing.assert_allclose(found.scores[excluded], wanted, **LOG_DENSITY)


def test_excluded_anomalies_separate_as_if_they_had_come_in_a_file_of_their_own():
    data, excluded = partly_excluded()
    found = analyse(data, None, THREE, "cpu")
    apart = analyse(data.features[~excluded], data.features[excluded], THREE, "cpu")
    together = np.concatenate([apart.held_out_scores, apart.scores])
    labels = np.repeat([0, 1], [len(apart.held_out_scores), len(apart.scores)]).astype(np.int8)
    assert auroc(found.scores, data.labels) == auroc(together, labels)
    assert auroc(found.scores, data.labels) > 0.9
    learnt = analyse(dataclasses.replace(data, excluded=None), None, THREE, "cpu")
    assert any("23 of the 90 training rows are labelled anomalous" in warning for warning in learnt.warnings)


def test_excluded_rows_of_a_split_are_scored_with_the_test_rows():
    data, excluded = partly_excluded(split=np.where(np.arange(90) < 60, "train", "test"))
    train, score = data.train_and_test()
    found = analyse(train, score, THREE, "cpu")
    fitted = ~excluded & (np.arange(90) < 60)
    assert found.inspected.ids.tolist() == data.ids[~fitted].tolist()
    model = classifier(data.features[fitted])
    same(found.scores, model.log_density(data.features[~fitted]))


@pytest.mark.parametrize("split", [None, np.where(np.arange(90) < 60, "train", "test")])
def test_all_rows_excluded(split):
    data = dataclasses.replace(partly_excluded(split=split)[0], excluded=np.ones(90, bool))
    with pytest.raises(DataError, match="every training row is left out of training"):
        analyse(*data.train_and_test(), THREE, "cpu")


def test_provenance_says_what_was_done_to_the_training_rows():
    data = dataclasses.replace(partly_excluded()[0], excluded=None)
    assert analyse(data, None, THREE, "cpu").provenance["train_changes"] == []
    fixed = apply(preflight(data).fix("contamination: leave out of training"), data)
    found = analyse(fixed, None, THREE, "cpu").provenance
    assert found["train_changes"] == ["23 rows labelled anomalous left out of training"]
    assert json.loads(json.dumps(found)) == found
    assert found["train_digest"] == fixed.to_fit.digest != data.digest
    assert found["train_shape"] == [90, 6]


# --- progress and cancelling


CASES = {
    "scored": (rows(700), rows(300, seed=1), THREE),
    "training only": (rows(700), None, THREE),
    "capped": (rows(700), None, Settings(n_pca_components=3, max_training_points=300)),
    "wide": (rows(30, d=50), rows(10, d=50), THREE),
    "one row": (rows(700), rows(1), THREE),
}


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("case", CASES)
def test_every_stage_goes_from_0_to_1_in_order(case):
    heard = []
    analyse(*CASES[case], "cpu", lambda stage, done: heard.append((stage, done)))
    stages = list(dict.fromkeys(stage for stage, _ in heard))
    assert stages == [FITTING, HOLDING_OUT, SCORING]
    assert heard == sorted(heard, key=lambda pair: (stages.index(pair[0]), pair[1]))
    for stage in stages:
        done = [share for name, share in heard if name == stage]
        assert (done[0], done[-1]) == (0, 1)
        assert done.count(1) == 1


# --- principal axes are computed once


@pytest.mark.usefixtures("no_axes_yet")
def test_axes_are_computed_once_per_data_cap_and_seed(decomposed):
    data = rows(300)
    for components, scaling, bandwidth in ((3, "scale", 1.0), (5, "norm", 2.0), (2, "scale", "silverman")):
        analyse(data, None, Settings(components, scaling, bandwidth=bandwidth, seed=components), "cpu")
    assert decomposed == [300]
    for cap, seed in ((100, 0), (100, 1), (200, 0), (100, 0)):
        analyse(data, None, Settings(3, max_training_points=cap, seed=seed), "cpu")
    assert decomposed == [300, 100, 100, 200]
    analyse(rows(300, seed=1), None, THREE, "cpu")
    assert decomposed == [300, 100, 100, 200, 300]


@pytest.mark.usefixtures("no_axes_yet")
@pytest.mark.parametrize("shape", [(400, 150), (140, 200)])
def test_another_component_count_costs_no_pca(make_rows, decomposed, shape):
    data = EmbeddingSet.from_array(make_rows(*shape))
    for components in (16, 32, 33, 100, 120, 2, 0.5, 0.99, 124):
        found = analyse(data, None, Settings(components), "cpu")
        plain = classifier(data.features, Settings(components))
        same(found.scores, plain.held_out_scores)
    assert len(decomposed) == 1 + 2 * 9  # two for each of the plain fits


@pytest.mark.usefixtures("no_axes_yet")
@pytest.mark.parametrize("cap", [20, 1000])
def test_axes_of_all_rows_and_of_those_not_excluded_do_not_mix(decomposed, cap):
    data, excluded = partly_excluded()
    whole, settings = dataclasses.replace(data, excluded=None), Settings(3, max_training_points=cap)
    plain = classifier(data.features[~excluded], settings).held_out_scores
    plain_whole = classifier(whole.features, settings).held_out_scores
    decomposed.clear()
    for _ in range(2):
        same(analyse(data, None, settings, "cpu").held_out_scores, plain)
        same(analyse(whole, None, settings, "cpu").held_out_scores, plain_whole)
    assert len(decomposed) == 2
    analyse(data.features[~excluded], None, settings, "cpu")  # the same rows, without a word about others
    assert len(decomposed) == 2


@pytest.mark.parametrize("cap", [100, 1000])
def test_an_analysis_equals_a_plain_fit_to_the_last_bit(cap):
    data = rows(300, 20)
    for components in (16, 3, 20, 16):
        settings = Settings(components, max_training_points=cap)
        found = analyse(data, rows(9, 20, seed=5), settings, "cpu")
        plain = classifier(data, settings)
        np.testing.assert_array_equal(found.scores, plain.log_density(rows(9, 20, seed=5)).numpy())


def test_writing_into_a_model_leaves_the_next_analysis_alone():
    first = analyse(rows(300), None, THREE, "cpu")
    with torch.no_grad():
        for tensor in first.classifier.state_dict().values():
            tensor.zero_()
    np.testing.assert_array_equal(analyse(rows(300), None, THREE, "cpu").scores, first.scores)


# --- what else an analysis knows


def test_other_labels_are_the_same_analysis():
    labels = np.array([0, 1] * 20, np.int8)
    found = analyse(rows(40), None, THREE, "cpu")
    coordinates = found.coordinates
    other = found.relabelled(labels)
    assert other.inspects_training
    assert found.inspected.labels is None
    np.testing.assert_array_equal(other.inspected.labels, labels)
    assert other.coordinates is coordinates
    assert other.scores is found.scores
    scored = analyse(rows(60), rows(40, seed=1), THREE, "cpu").relabelled(labels)
    assert not scored.inspects_training
    assert scored.train.labels is None


@pytest.fixture
def no_axes_yet(monkeypatch):
    monkeypatch.setattr(ANALYSE, "_AXES", AxesCache())


@pytest.mark.usefixtures("small_blocks", "no_axes_yet")
def test_progress_is_told_after_every_block():
    heard = []
    analyse(*CASES["scored"], "cpu", lambda stage, done: heard.append((stage, round(done, 3))))
    thirds, tenths = [0, round(256 / 700, 3), round(512 / 700, 3), 1], [i / 10 for i in range(11)]
    expected = {FITTING: thirds, HOLDING_OUT: tenths, SCORING: [0, round(256 / 300, 3), 1]}
    assert heard == [(stage, share) for stage, shares in expected.items() for share in shares]


@pytest.mark.usefixtures("small_blocks", "no_axes_yet")
@pytest.mark.parametrize("after", range(18))
def test_cancelling_takes_effect_within_one_block(after):
    heard, asked = [], []

    def cancelled():
        asked.append(len(heard) >= after)
        return asked[-1]

    with pytest.raises(Cancelled, match=r"cancelled while (finding|scoring)"):
        analyse(*CASES["scored"], "cpu", lambda *told: heard.append(told), cancelled)
    assert len(heard) == after  # nothing more was done, or told, after the first yes
    assert asked == [False] * after + [True]


def test_not_cancelled():
    found = analyse(rows(40), None, THREE, "cpu", cancelled=lambda: False)
    np.testing.assert_array_equal(found.scores, analyse(rows(40), None, THREE, "cpu").scores)


# --- a graphics card that is too small


class Card:
    """Pretends that "auto" is a CUDA device; the classifier fails there with `error`, in `method`."""

    def __init__(self, monkeypatch, method, error):
        class OnCard(KDEClassifier):
            on_card = False

            def to(self, device):
                self.on_card = device.type != "cpu"
                return self

            def _maybe(self, name):
                if self.on_card and name == method:
                    raise error

            def fit_report(self, *args, **kwargs):
                self._maybe("fit_report")
                return super().fit_report(*args, **kwargs)

            @property
            def folds(self):
                self._maybe("folds")
                return super().folds

            def log_density_of(self, *args, **kwargs):
                self._maybe("log_density_of")
                return super().log_density_of(*args, **kwargs)

        name = ANALYSE.device_name
        monkeypatch.setattr(ANALYSE, "KDEClassifier", OnCard)
        monkeypatch.setattr(ANALYSE, "resolve_device", lambda device: torch.device("cuda", 0))
        monkeypatch.setattr(
            ANALYSE, "device_name", lambda device: "Tiny (cuda:0)" if device.type == "cuda" else name(device)
        )


@pytest.mark.parametrize("method", ["fit_report", "folds", "log_density_of"])
@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9)"),
    ],
    ids=["cuda", "mps"],
)
def test_out_of_gpu_memory_falls_back_to_the_cpu_with_a_warning(monkeypatch, method, error):
    expected = analyse(rows(40), rows(9, seed=1), THREE, "cpu")
    Card(monkeypatch, method, error)
    found = analyse(rows(40), rows(9, seed=1), THREE)
    assert found.warnings[0] == "Tiny (cuda:0) ran out of memory: computed on the CPU"
    assert found.provenance["device"].startswith("CPU")
    np.testing.assert_array_equal(found.scores, expected.scores)


def test_other_errors_on_a_card_are_not_hidden(monkeypatch):
    Card(monkeypatch, "fit_report", RuntimeError("an illegal memory access was encountered"))
    with pytest.raises(RuntimeError, match="illegal"):
        analyse(rows(40), None, THREE)


def test_out_of_cpu_memory_is_an_error(monkeypatch):
    def fail(*args, **kwargs):
        raise torch.OutOfMemoryError("no more")

    monkeypatch.setattr(KDEClassifier, "fit_report", fail)
    with pytest.raises(torch.OutOfMemoryError):
        analyse(rows(40), None, THREE, "cpu")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_real_card_agrees_with_the_cpu():
    one, other = (analyse(rows(300), rows(50, seed=1), THREE, device) for device in ("cpu", "cuda"))
    np.testing.assert_allclose(other.scores, one.scores, **LOG_DENSITY)
    np.testing.assert_allclose(other.held_out_scores, one.held_out_scores, **LOG_DENSITY)
    assert "cuda:0" in other.provenance["device"]


# --- estimates


@pytest.fixture
def known_speeds(monkeypatch):
    monkeypatch.setattr(
        ESTIMATE,
        "_speeds",
        lambda device, kind: ESTIMATE._Speeds(1e10, 1e10, 1e9, 1e8 / kind.components, 1e-3),
    )


def cost(n=5000, d=256, k=16, cap=40000, scored=0):
    return estimate(n, d, Settings(n_pca_components=k, max_training_points=cap), "cpu", scored)


@pytest.mark.usefixtures("known_speeds")
@pytest.mark.parametrize("larger", [{"n": 10000}, {"d": 512}, {"k": 32}, {"scored": 1000}])
def test_estimated_seconds_grow_with_the_work(larger):
    assert cost(**larger).seconds > cost().seconds > 0


@pytest.mark.usefixtures("known_speeds")
@pytest.mark.parametrize("larger", [{"n": 10000}, {"d": 512}, {"k": 32}])
def test_estimated_memory_grows_with_the_work(larger):
    assert cost(**larger).bytes > cost().bytes > 0


@pytest.mark.usefixtures("known_speeds")
def test_estimate_honours_the_cap():
    capped, whole = cost(n=100_000, cap=2000), cost(n=100_000, cap=100_000)
    assert capped.seconds < whole.seconds / 20
    assert capped.bytes == cost(n=2000, cap=2000).bytes < whole.bytes
    assert cost(n=2000, cap=2000) == cost(n=2000, cap=9000)


def test_each_fold_costs_something_however_few_its_rows(monkeypatch):
    monkeypatch.setattr(
        ESTIMATE, "_speeds", lambda device, kind: ESTIMATE._Speeds(1e30, 1e30, 1e30, 1e30, 1.0)
    )
    few, many, most = cost(n=40).seconds, cost(n=400).seconds, cost(n=6000).seconds
    assert few - many == pytest.approx(2 * (40 - 10)) and many - most == pytest.approx(2 * (10 - 5))


def test_an_estimate_is_near_the_work_that_is_counted(monkeypatch):
    """Of small data too: in steps, one is a density of a few points, and a fit with ten folds is some 30."""
    monkeypatch.setattr(
        ESTIMATE, "_speeds", lambda device, kind: ESTIMATE._Speeds(2.5e10, 2.5e10, 2e8, 7e8, 4e-4)
    )
    measured = {  # milliseconds of one core, with the speeds above
        (40, 8, 2): 25,
        (59, 64, 16): 55,
        (200, 64, 16): 15,
        (1000, 64, 16): 20,
        (1000, 400, 2): 90,
        (1000, 400, 16): 215,
        (4000, 64, 16): 52,
        (8000, 8, 2): 92,
        (8000, 400, 16): 280,
    }
    for (n, d, k), milliseconds in measured.items():
        assert 1 / 1.5 < 1000 * cost(n, d, k).seconds / milliseconds < 1.5


@pytest.mark.parametrize("components", [16, 0.9])
@pytest.mark.parametrize(("n", "d"), [(0, 0), (1, 1), (3, 2000), (100_000, 8)])
def test_estimate_of_any_shape_from_measured_speeds(n, d, components):
    found = estimate(n, d, Settings(n_pca_components=components), scored=10)
    assert np.isfinite(found.seconds)
    assert found.seconds >= 0
    assert found.bytes > 0


def test_a_rough_guess_needs_no_measurement_and_grows_with_the_work(monkeypatch):
    monkeypatch.setattr(ESTIMATE, "_speeds", None)
    shapes = [(1000, 64), (10_000, 64), (10_000, 512), (2_000_000, 512)]
    found = [rough_seconds(n, d, Settings()) for n, d in shapes]
    assert found == sorted(found)
    assert found[0] < 0.1
    assert found[-1] > 10


def test_speeds_are_measured_once(monkeypatch):
    monkeypatch.setattr(ESTIMATE, "_MEASURED", {})
    assert not is_measured(1000, 64, Settings(), "cpu")
    measure_speeds("cpu")
    assert all(is_measured(1000, 200, Settings(k), "cpu") for k in (1, 16, 33, 128))
    monkeypatch.setattr(ESTIMATE, "_seconds", None)
    assert estimate(1000, 64, Settings(), "cpu").seconds > 0


PEAK = """
import re, sys
from pathlib import Path
import numpy as np
from kdeviz.analysis import analyse, estimate
from kdeviz.settings import Settings
n, d, cap = map(int, sys.argv[1:])
settings = Settings(n_pca_components=16, max_training_points=cap)
features = np.random.default_rng(0).standard_normal((n, d), dtype=np.float32)
analyse(features[:300, :64].copy(), features[:9, :64].copy(), settings, "cpu")
def memory(field):
    return 1024 * int(re.search(field + r":\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])

before = memory("VmRSS")
analyse(features, features[:1000], settings, "cpu")
print(memory("VmHWM") - before, estimate(n, d, settings, "cpu", 1000).bytes)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("shape", [(20000, 128, 4000), (500, 4000, 4000)])
def test_estimated_memory_is_not_exceeded_and_not_absurd(shape):
    command = [sys.executable, "-c", PEAK, *map(str, shape)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    measured, estimated = map(int, output.split())
    assert measured <= estimated <= 4 * measured + 200e6


@pytest.mark.parametrize(("n", "k"), [(200, 16), (2000, 4)])
def test_new_rows_score_like_held_out_ones_however_few_there_are(n, k):
    found = analyse(rows(n, d=k), rows(20_000, d=k, seed=9), Settings(k), "cpu")
    assert found.warnings == ()
    alarms = (found.scores < np.quantile(found.held_out_scores, 0.05)).mean()
    assert abs(alarms - 0.05) < 0.02


def test_without_held_out_scores_it_is_said_what_that_means():
    found = analyse(rows(17, d=20), None, Settings(16), "cpu")
    (warning,) = found.warnings
    assert warning == (
        "without some of its 17 rows the model would keep fewer than 16 components: there are no held-out "
        "scores, so no alarm can be expected and training rows look more normal than they are; use fewer "
        "components or more rows"
    )
    assert not found.calibrated
    assert len(found.held_out_scores) == len(found.calibration) == 0
    same(found.scores, found.classifier.log_density(rows(17, d=20)))


def test_equal_rows_count_once_in_the_calibration():
    features = np.concatenate([rows(80), rows(80)[:30], rows(80)[:1]])
    found = analyse(features, None, THREE, "cpu")
    assert len(found.held_out_scores) == 111
    np.testing.assert_array_equal(found.calibration, np.sort(found.held_out_scores[:80]))
    np.testing.assert_array_equal(np.flatnonzero(found.distinct), np.arange(80))


def test_large_numbers_of_rows_are_written_as_everywhere_else():
    labels = (np.arange(1500) < 1100).astype(np.int8)
    data = EmbeddingSet(np.random.default_rng(0).normal(size=(1500, 2)), np.arange(1500).astype(str), labels)
    (told,) = [
        w for w in analyse(data, None, Settings(2), device="cpu").warnings if "labelled anomalous" in w
    ]
    assert told.startswith("1\u202f100 of the 1\u202f500 training rows are labelled anomalous")
    assert label_counts(data) == "400 normal, 1\u202f100 anomalous"
