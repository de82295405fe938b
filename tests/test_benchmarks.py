"""The benchmarks still run, and their contestants compute the same thing."""

import time
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist

benchmarks = pytest.importorskip("benchmarks", reason="the benchmarks are not part of the source package")

from benchmarks import limit, load, memory, peers, reference, run, scale  # noqa: E402
from benchmarks.growth_plot import Line, Panel, draw  # noqa: E402
from benchmarks.tables import Table, markdown  # noqa: E402
from benchmarks.timing import Work, comparison, paired  # noqa: E402
from kdeviz import KDEClassifier  # noqa: E402
from kdeviz.model.kde import GaussianKDE  # noqa: E402


@pytest.mark.parametrize(
    "name",
    ["score", "fit", "memory", "explain", "find", "sweep", "scale", "load_files", "cold", "gpu", "trust"],
    ids="{}.py".format,
)
def test_a_question_runs_at_a_small_size(name):
    found = list(run.tables([name], quick=True))
    assert found
    for table in found:
        assert table.rows
        assert {len(row) for row in table.rows} == {len(table.header)}
        assert markdown(table).startswith(f"## {table.title}\n")


def test_each_of_several_sessions_is_shown_its_own_right_numbers():
    (table,) = load.run((3,), rounds=2, every=0.5)
    ((sessions, moves, right, *_),) = table.rows
    assert (sessions, moves, right) == (3, 6, 6)


@pytest.mark.parametrize("name", [peers.SCIPY, peers.LOOP])
def test_peers_with_full_covariance_give_our_log_density(name):
    points, queries = _correlated(300, 4), _correlated(20, 4, seed=1)
    ours = GaussianKDE().fit(points).log_prob(queries)
    theirs = torch.as_tensor(peers.PEERS[name].ready(points)(queries))
    np.testing.assert_allclose(theirs, ours, atol=1e-3)


def test_scikit_learn_is_given_the_same_bandwidth():
    points, queries = _uncorrelated(), torch.zeros(1, 4)
    ours = GaussianKDE().fit(points).log_prob(queries)
    theirs = peers.PEERS[peers.SKLEARN].ready(points)(queries)
    np.testing.assert_allclose(theirs, ours, atol=1e-3)


@pytest.mark.parametrize("name", [name for name in peers.PEERS if name not in run.ALWAYS_THERE])
def test_optional_peers_are_skipped_with_a_reason(name, monkeypatch):
    def missing(points):
        raise ImportError(f"No module named {name!r}\nmore")

    monkeypatch.setitem(peers.PEERS, name, peers.Peer(missing, 1))
    scorers, skipped = peers.prepare([name, peers.SCIPY], torch.randn(20, 2))
    assert list(scorers) == [peers.SCIPY]
    assert skipped == {name: f"ImportError: No module named {name!r}"}


def test_the_reference_fit_is_ours_with_another_factor_of_the_same_covariance():
    features = _correlated(200, 6)
    model = KDEClassifier(3)
    model.fit(features)
    _, dataset = reference.fit(features, 3)
    np.testing.assert_allclose(pdist(dataset), pdist(model.kde_model.dataset), rtol=1e-4)


def test_the_limit_is_the_time_of_both_operations():
    assert limit.Limit(multiply_adds=100.0, exps=10.0).pairs(4) == pytest.approx(1 / (5 / 100 + 1 / 10))
    measured = limit.measured(size=128)
    assert measured.multiply_adds > measured.exps > 1e6


def test_memory_is_that_of_the_work():
    """The reference's full U alone takes n squared numbers."""
    assert memory.extra_mebibytes("reference_fit", 2000, 32) > 2000**2 * 4 / 2**20


def test_times_are_per_unit_and_paired():
    works = {"ours": Work(lambda: time.sleep(0.004), 2), "theirs": Work(lambda: time.sleep(0.02))}
    times = paired(works, 3)
    assert min(times["ours"]) >= 0.002
    table = comparison("t", times, "ms", 1e3, {"absent": "why"})
    assert table.rows[1][4] > 2
    assert table.rows[2][:2] == ["absent", "skipped: why"]
    assert "skipped: why |" in markdown(table)


def test_slope_ignores_what_a_call_costs_by_itself():
    sizes = [10, 100, 1000, 10_000, 100_000]
    assert scale.slope([(n, 1e-4 + 1e-5 * n) for n in sizes]) == pytest.approx(1, abs=0.01)
    assert scale.slope([(n, 1e-7 * n**2) for n in sizes]) == pytest.approx(2, abs=0.01)
    assert np.isnan(scale.slope([(10, 0.1)]))


def test_the_plot_is_a_picture_with_every_name_and_slope():
    lines = [
        Line("kdeviz", [(100, 0.001), (1000, 0.01)], 1.0, True),
        Line("<other>", [(100, 0.001)], float("nan"), False),
    ]
    picture = draw("Title", [Panel("Points", lines), Panel("Queries", lines)])
    root = ElementTree.fromstring(picture)
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count("kdeviz · 1.00") == texts.count("<other>") == 2
    heights = [float(e.get("y")) for e in root.iter() if e.text in ("kdeviz · 1.00", "<other>")][:2]
    assert abs(heights[0] - heights[1]) >= 14


def test_numbers_are_written_short():
    row = ["x", 3, 0.12345, 123.456]
    assert markdown(Table("T", ("a", "b", "c", "d"), [row])).endswith("| x | 3 | 0.123 | 123 |")


def _correlated(n, k, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, k, generator=generator) @ (torch.eye(k) + 0.5)


def _uncorrelated():
    """Covariance exactly the identity: there one width is the full covariance."""
    points = torch.randn(300, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    points -= points.mean(0)
    factor = torch.linalg.cholesky(torch.linalg.inv(torch.cov(points.T)))
    return (points @ factor).float()
