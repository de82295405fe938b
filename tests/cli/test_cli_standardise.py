"""Standardised features and groups far apart, from the command line."""

import numpy as np
import pandas as pd
import pytest

from kdeviz.analysis.analyse import analyse
from kdeviz.comparison.compare import compare
from kdeviz.comparison.scored import scored_decision
from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.decision.decision import decide
from kdeviz.model.classifier import KDEClassifier
from kdeviz.output.recipe import Files, python_recipe, shell_recipe
from kdeviz.settings import Settings, name_of

ROWS = np.random.default_rng(0).normal(size=(200, 10)) * [1, 1, 1, 800, 1, 1, 1, 1, 1, 1]


@pytest.fixture
def file(tmp_path):
    np.save(tmp_path / "rows.npy", ROWS)
    return "rows.npy"


def test_check_names_the_option(run, file):
    done = run("check", file)
    assert "Feature 3 alone carries" in done.out and "--standardise (Standardise features)" in done.out
    assert "alone carries" not in run("check", file, "--standardise").out


def test_fit_standardises_and_info_and_score_know(run, file):
    assert run("fit", file, "--standardise", "--components", 4, "-o", "m.safetensors").code == 0
    model = KDEClassifier.load("m.safetensors", "cpu")
    assert model.settings == Settings(4, standardise=True)
    assert "standardised" in run("info", "m.safetensors").out
    assert run("score", "m.safetensors", file, "-o", "s.csv").code == 0
    expected = analyse(ROWS, None, Settings(4, standardise=True)).scores
    np.testing.assert_allclose(pd.read_csv("s.csv").sort_values("row")["log_density"], expected, rtol=1e-6)


def test_a_sweep_tries_both(run, file):
    done = run("sweep", file, "--components", "2,4", "--standardise", "no,yes")
    assert "standardised" in done.out.splitlines()[0]
    assert "standardised yes" in run("sweep", file, "--components", "2,4", "--standardise", "yes").out
    assert "standardised" not in run("sweep", file, "--components", "2,4").out


def test_fit_and_check_tell_of_groups_far_apart(run, tmp_path):
    rows = np.random.default_rng(0).normal(size=(300, 2))
    rows[::2, 0] += 1000
    np.save(tmp_path / "groups.npy", rows)
    for command in (("fit", "groups.npy", "-o", "m.safetensors"), ("check", "groups.npy")):
        done = run(*command, "--components", 2)
        assert "2 groups that lie far apart" in " ".join((done.out + done.err).split())
        assert "--bandwidth 0." in done.out + done.err


def test_a_sweep_follows_the_data_and_tells_how_to_go_on(run, file):
    done = run("sweep", file)
    assert "note: components 1: 1 settings, about" in done.err  # one feature carries it all
    done = run("sweep", file, "--components", "2,4", "--standardise", "yes")
    assert "To go on with 6, 8" in done.err and "--components=2,4,6,8" in done.err
    line = done.err[done.err.index("kdeviz sweep") :].splitlines()[0].split()
    assert run(*line[1:]).code == 0


def test_recipes_names_and_comparisons_say_so():
    data = EmbeddingSet.from_array(ROWS)
    plain, standard = (decide(analyse(data, None, Settings(4, standardise=which))) for which in (False, True))
    files = Files("rows.npy")
    assert "    standardise=True,\n" in python_recipe(standard, files)
    assert "--standardise" in shell_recipe(standard, files).split("kdeviz score")[0]
    assert "standardise" not in python_recipe(plain, files) + shell_recipe(plain, files)
    assert name_of(standard.analysis.settings) == f"{name_of(plain.analysis.settings)}, standardised"
    found = compare(scored_decision(plain, "a"), scored_decision(standard, "b"))
    row = next(setting for setting in found.settings if setting.name == "standardised")
    assert (row.first, row.second, row.differs) == ("no", "yes", True)
