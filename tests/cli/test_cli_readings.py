"""The commands say how a file was read, and take corrections."""

import re

import numpy as np
import pandas as pd
import pytest
from cli_steps import refused

from kdeviz.cli.corrections import _OPTIONS
from kdeviz.data.reading import Corrections

N = 40
NAMES = ["length", "width", "height"]


@pytest.fixture
def parts(run):
    """A table with numbers beside its features, written where commands run."""
    rows = np.random.default_rng(0).normal(size=(N, 3)).round(4)
    table = pd.DataFrame(rows, columns=NAMES).assign(
        age=np.arange(N) % 9, path=[f"{i}.png" for i in range(N)], quality=["A"] * 36 + ["B"] * 4
    )
    table.to_csv("parts.csv", index=False)
    return table


@pytest.mark.usefixtures("parts")
def test_check_prints_the_reading_and_three_rows(run):
    outcome = run("check", "parts.csv", "--label-column", "quality", "--normal", "A", "--leave-out", "age")
    assert outcome.fact("features") == "3 dimensions: length, width, height"
    assert re.search(r"^id +path$", outcome.out, re.MULTILINE)
    assert outcome.fact("metadata") == "age, quality"
    assert outcome.fact("label") == "quality (normal: A; anomalous: B)"
    assert outcome.fact("labels") == "36 normal, 4 anomalous"
    preview = outcome.out.split("\n\n")[1].splitlines()
    assert preview[0].split() == ["id", "length", "width", "height", "label", "age", "quality"]
    assert [line.split()[0] for line in preview[1:]] == ["0.png", "1.png", "2.png"]


@pytest.mark.usefixtures("parts")
def test_fit_prints_the_reading_and_takes_corrections(run):
    plain = run("fit", "parts.csv", "-o", "m", "--components", 2)
    assert plain.fact("features") == "4 dimensions: length, width, height, age"
    assert "all numeric columns (length, width, height, age)" in plain.err
    fewer = run(
        "fit", "parts.csv", "-o", "n", "--components", 2, *[f"--embedding-column={name}" for name in NAMES]
    )
    assert fewer.fact("features") == "3 dimensions: length, width, height"
    assert "all numeric columns" not in fewer.err
    assert run("score", "n", "parts.csv", "-o", "s.csv", "--leave-out", "age").code == 0


def test_corrections_are_refused_where_they_do_not_fit(run, parts):
    assert "there is no column 'agee' to leave out" in refused(
        run("check", "parts.csv", "--leave-out", "agee")
    )
    assert "no row of quality has the value 'c'" in refused(
        run("check", "parts.csv", "--label-column", "quality", "--normal", "C")
    )
    assert "--decimal 'x' is no decimal mark" in refused(run("check", "parts.csv", "--decimal", "x"))
    assert "the sample set takes no --normal" in refused(run("check", "sample", "--normal", "x"))


def test_there_is_an_option_for_every_correction():
    assert set(_OPTIONS) == set(Corrections.__dataclass_fields__)
