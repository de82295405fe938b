"""The page of two decisions: what changed, whose verdict flips, whether that is more than chance."""

import numpy as np
import pytest
from report_steps import facts_of, figures_of, numbers_of, parsed, plain, table_of

from kdeviz import Settings, ThresholdRule, analyse, decide
from kdeviz.comparison import compare, scored_decision, separation_words, settings_table, verdict_words
from kdeviz.explain import explain, reason
from kdeviz.output import Explained, comparison_report
from kdeviz.ui.work.loaded import sample
from kdeviz.wording import number


def decided(k, share=0.05):
    train, score = sample().train, sample().score
    analysis = analyse(train, score, Settings(k), device="cpu")
    return decide(analysis, ThresholdRule("quantile", share))


def compared(*decisions):
    return compare(*(scored_decision(one, f"<b>{i}</b>") for i, one in enumerate(decisions)))


@pytest.fixture(scope="module")
def decisions():
    return decided(16), decided(2)


@pytest.fixture(scope="module")
def comparison(decisions):
    return compared(*decisions)


@pytest.fixture(scope="module")
def page(comparison, decisions):
    return parsed(comparison_report(comparison, Explained(*decisions), "kdeviz report --compare a b"))


def test_what_changed(page, comparison):
    _, rows = table_of(page, "settings")
    differing = [row.name for row in settings_table(comparison) if row.differs]
    assert [row[0] for row in rows if row[3] == "differs"] == differing
    assert "components" in differing and "bandwidth" not in differing
    assert rows[0] == ["name", "<b>0</b>", "<b>1</b>", ""]


def test_whose_verdict_flips(page, comparison, decisions):
    for side, samples, decision, rows_of in zip(
        ("first", "second"),
        comparison.disagreements,
        decisions,
        (comparison.first_rows, comparison.second_rows),
        strict=True,
    ):
        _, rows = table_of(page, f"only-{side}")
        assert [row[0] for row in rows] == comparison.ids[samples].tolist()[:100]
        place = int(rows_of[samples[0]])
        assert rows[0][-1] == plain(reason(decision, place, explain(decision.analysis, place)))
        assert len(list(page.one("table", id=f"only-{side}").all("img"))) == len(rows)
    first, second = map(len, comparison.disagreements)
    assert page.one("h1").text == f"{first + second} of 756 samples change their verdict"
    figures = figures_of(page)
    assert (figures["Only the first flags"][0], figures["Only the second flags"][0]) == (
        str(first),
        str(second),
    )


def test_more_than_chance(page, comparison):
    assert comparison.verdicts.p_value < 0.05 and comparison.separation.clear
    lead = (
        "On the labelled samples, the first is right more often and the first separates better, by more than "
        "chance explains."
    )
    assert page.one("p", class_="lead").text == lead
    text = page.one("section", id="chance").text
    assert plain(verdict_words(comparison.verdicts)) in text
    assert plain(separation_words(comparison.separation)) in text
    told, drawn = numbers_of(page)
    assert told["mcnemar_p"] == comparison.verdicts.p_value
    assert told["auroc_difference"] == comparison.separation.difference
    assert told["first"]["threshold"] == comparison.first.decision.threshold
    assert set(drawn) == {"chart-ranks", "chart-percentiles", "chart-rocs"}
    assert figures_of(page)["Order of the samples"][0] == number(comparison.spearman)


def test_equal_ones_and_ones_without_labels():
    rows = np.random.default_rng(0).normal(size=(120, 3))
    one = decide(analyse(rows, None, Settings(2), device="cpu"))
    page = parsed(comparison_report(compared(one, one)))
    assert page.one("h1").text == "All 120 samples keep their verdict"
    assert "nobody can say which of the two is right" in page.one("p", class_="lead").text
    assert "The settings are the same." in page.one("section", id="summary").text
    assert "chart-rocs" not in numbers_of(page)[1]
    assert facts_of(page)["Digest of the training samples"] == one.analysis.classifier.data_digest


def test_a_difference_that_chance_explains(decisions):
    slight = decide(decisions[0].analysis, ThresholdRule("quantile", 0.051))
    lead = parsed(comparison_report(compared(decisions[0], slight))).one("p", class_="lead").text
    assert lead == "On the labelled samples, chance could explain the difference between the two."
