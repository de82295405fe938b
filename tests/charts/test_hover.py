"""What hovering a sample says: named, short, wrapped, and never markup."""

import html

import numpy as np
import pandas as pd

from kdeviz import charts
from kdeviz.analysis.analyse import analyse
from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.decision.decision import decide
from kdeviz.settings import Settings
from kdeviz.wording import number

LONG = "<b>bold</b> <a href='http://x'>words</a> that go on " * 20


def shown(colour_by="log density", **more):
    random = np.random.default_rng(0)
    inspected = EmbeddingSet(
        random.standard_normal((30, 4)) * 2,
        np.array([f"id-{i}" for i in range(29)] + ["i" * 300]),
        labels=np.resize(np.array([0, 1, -1], np.int8), 30),
        metadata=pd.DataFrame({"text": [LONG] * 30, "remark": ["a short remark"] * 30, "height": range(30)}),
    )
    decision = decide(analyse(random.standard_normal((90, 4)), inspected, Settings(2), "cpu"))
    figure = charts.projection(decision, colour_by=colour_by, **more)
    texts = {}
    for trace in figure.data:
        if trace.hovertext is not None:
            texts |= dict(zip(trace.customdata, trace.hovertext, strict=True))
    return decision, {int(row): text.split("<br>") for row, text in texts.items()}


def test_label_and_verdict_are_named():
    decision, texts = shown()
    assert len(texts) == 30
    for row, lines in texts.items():
        assert f"label: {['normal', 'anomalous', 'not labelled'][row % 3]}" in lines
        assert f"verdict: {'flagged' if decision.flagged[row] else 'not flagged'}" in lines
        assert f"log density {number(decision.analysis.scores[row], 4)}" in lines
        assert f"p-value {number(decision.p_values[row])}" in lines


def test_long_texts_are_wrapped_and_cut_and_never_markup():
    _, texts = shown()
    for lines in texts.values():
        assert len(lines) <= 9
        for line in lines:
            assert "<" not in line
            assert len(html.unescape(line)) <= 36
        assert "&lt;b&gt;bold&lt;/b&gt;" in lines[1] + lines[2]
        assert any(line.endswith("…") for line in lines)


def test_another_text_can_be_chosen():
    _, texts = shown(text_column="remark")
    assert all("a short remark" in lines for lines in texts.values())


def test_what_the_colour_stands_for_is_said_once():
    for colour_by in ("label", "verdict"):
        _, texts = shown(colour_by)
        assert all(sum(line.startswith(colour_by) for line in lines) == 1 for lines in texts.values())
    _, texts = shown("height")
    assert all(lines[-1] == f"height: {number(float(row), 4)}" for row, lines in texts.items())
