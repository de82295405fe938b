"""Two groups far apart: rows midway are seen after one click, and warnings are rare."""

import sys

import numpy as np
import pytest
import torch
from scipy.cluster.hierarchy import fcluster, linkage

from kdeviz.analysis.analyse import analyse
from kdeviz.data.samples import load_sample
from kdeviz.decision.decision import decide
from kdeviz.settings import Offer, Settings


def far_apart(n, d, distance=1000.0, seed=0, groups=2):
    """Groups of unit spread along a line."""
    random = np.random.default_rng(seed)
    way = random.normal(size=d)
    way *= distance / np.linalg.norm(way)
    return random.normal(size=(n, d)) + (np.arange(n) % groups)[:, None] * way, way


@pytest.mark.parametrize("seed", range(6))
def test_groups_are_those_of_single_linkage(seed):
    module, random = sys.modules["kdeviz.model.separate_groups"], np.random.default_rng(seed)
    centres = random.normal(size=(seed + 1, 3)) * 200
    points = np.concatenate([centre + random.normal(size=(40, 3)) for centre in centres])
    random.shuffle(points)
    numbers = module._single_linkage(points)
    links = linkage(points, "single")  # scipy's
    longest = module._LONG * np.quantile(links[:, 2], module._NEARLY_ALL)
    expected = fcluster(links, longest, "distance")
    assert len(set(zip(numbers, expected, strict=True))) == len(set(numbers)) == len(set(expected))
    assert len(set(expected)) >= len(centres)


@pytest.mark.parametrize(("d", "k"), [(2, 2), (4, 4), (8, 8), (16, 16), (32, 16)])
@pytest.mark.parametrize("n", [300, 1000])
def test_after_one_click_the_rows_midway_are_flagged(n, d, k):
    rows, way = far_apart(n, d)
    midway = way / 2 + np.random.default_rng(1).normal(size=(50, d))
    settings = Settings(k)
    before = analyse(rows, midway, settings)
    assert before.groups is not None and before.groups.groups == 2
    assert before.groups.in_words in before.warnings
    after = analyse(rows, midway, before.groups.offer.applied(settings))
    assert decide(after).n_flagged == 50
    assert after.groups is None
    if d == k >= 8:  # the case
        assert decide(before).n_flagged <= 1 and before.groups.passes > 0.95


def test_of_three_groups_each_is_seen():
    rows, way = far_apart(600, 6, groups=3)
    found = analyse(rows, None, Settings(6))
    assert found.groups.groups == 3
    midway = np.concatenate(
        [way * part + np.random.default_rng(1).normal(size=(20, 6)) for part in (0.5, 1.5)]
    )
    after = analyse(rows, midway, found.groups.offer.applied(Settings(6)))
    assert decide(after).n_flagged == 40


def test_the_bandwidth_is_smaller_and_the_rest_of_the_settings_stays():
    rows, _ = far_apart(400, 2)
    settings = Settings(2, "scale", 350, "silverman", 3)
    offer = analyse(rows, None, settings).groups.offer
    assert set(offer.changes) == {"bandwidth"} and offer.changes["bandwidth"] < 1
    assert offer.title == f"Use bandwidth Scott × {offer.changes['bandwidth']:g}"
    assert offer.options == f"--bandwidth {offer.changes['bandwidth']}"
    changed = offer.applied(settings)
    assert (changed.n_pca_components, changed.max_training_points, changed.seed) == (2, 350, 3)


def test_an_offer_names_the_options_of_the_command():
    offer = Offer("", {"n_pca_components": 3, "bandwidth": 0.5, "standardise": True})
    assert offer.options == "--components 3 --bandwidth 0.5 --standardise"


def test_it_looks_at_some_rows_only(monkeypatch):
    module, sizes = sys.modules["kdeviz.model.separate_groups"], []
    link = module._single_linkage
    monkeypatch.setattr(module, "_single_linkage", lambda rows: sizes.append(len(rows)) or link(rows))
    rows, _ = far_apart(6000, 4)
    assert analyse(rows, None, Settings(4)).groups is not None
    assert sizes == [512]


def quiet(seed):
    random = np.random.default_rng(seed)
    n, d = int(random.choice([80, 300, 800])), int(random.choice([2, 5, 16, 40]))
    normal = random.normal(size=(n, d))
    near = random.normal(size=(3, d)) * random.uniform(1, 4)
    texts = random.normal(size=(5, 96))[random.integers(0, 5, n)] * 2 + random.normal(size=(n, 96))
    yield "Gaussian", normal
    yield "spectrum", normal * np.arange(1, d + 1) ** -1.0
    yield "t, 3 degrees", random.standard_t(3, (n, d))
    yield "Cauchy", random.standard_cauchy((n, d))
    yield "lognormal", np.exp(normal)
    yield "near groups", normal + near[random.integers(0, 3, n)]
    yield "a few far rows", np.vstack([normal, normal[:3] + 1000])
    yield "texts", texts / np.linalg.norm(texts, axis=1, keepdims=True)
    yield "few values", random.integers(0, 3, (n, d)).astype(float)
    yield "yes and no", np.hstack([normal, (random.random((n, 1)) < 0.3) * 1.0])


@pytest.mark.parametrize("method", ["scale", "norm"])
@pytest.mark.parametrize("seed", range(3))
def test_warnings_are_rare(seed, method):
    for name, rows in quiet(seed):
        assert analyse(rows.astype(np.float32), None, Settings(16, method)).groups is None, name


@pytest.mark.parametrize("k", [2, 8, 16, 32])
def test_the_sample_set_has_no_such_groups(k):
    train, score = load_sample().train_and_test()
    assert analyse(train, score, Settings(k)).groups is None


def test_global_state_is_left_alone():
    state = torch.get_rng_state()
    rows, _ = far_apart(200, 4)
    analyse(rows, None, Settings(4))
    assert torch.equal(torch.get_rng_state(), state)
