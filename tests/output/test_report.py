"""The page of one decision: what it holds, that nothing in it is fetched, and that its numbers are true."""

import base64
import hashlib
import io
import json
import math
import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from PIL import Image
from report_steps import facts_of, figures_of, numbers_of, parsed, plain, table_of

from kdeviz import Settings, ThresholdRule, analyse, charts, decide, load_sample
from kdeviz.analysis import analysis_of_model, drift
from kdeviz.data import ANOMALOUS, NORMAL, EmbeddingSet
from kdeviz.decision import rank_order, stored_decision
from kdeviz.errors import Cancelled
from kdeviz.explain import explain, reason
from kdeviz.output import Extras, Files, finding, report, story
from kdeviz.preflight import preflight
from kdeviz.sweep import Grid, best, stability, sweep
from kdeviz.ui.work.loaded import sample
from kdeviz.wording import count, number, percent

HOSTILE = "</script><script>alert(1)</script><img src=http://evil.test/x onerror=alert(2)>{{ 7 * 7 }}\"'&amp;"
SECTIONS = [
    "Data and checks",
    "Settings",
    "Charts",
    "Threshold, p-values and metrics",
    "The most anomalous samples",
    "Drift, stability and sweep",
    "Provenance",
    "How to get the same again",
]


@pytest.fixture(scope="module")
def decision():
    analysis = analyse(sample().train, sample().score, Settings(), device="cpu")
    return decide(analysis, ThresholdRule("quantile", 0.02))


@pytest.fixture(scope="module")
def with_truth():
    """A decision whose file tells the true log density of each sample."""
    return decide(analyse(*load_sample("mixture").train_and_test(), Settings(2), device="cpu"))


@pytest.fixture(scope="module")
def html(decision):
    extras = Extras(
        name="my run",
        files=Files("sample"),
        command="kdeviz report m.safetensors sample -o report.html",
        checks=preflight(sample().everything),
    )
    return report(decision, extras)


@pytest.fixture(scope="module")
def page(html):
    return parsed(html)


# --- one file that fetches nothing, and lets nothing run but its own scripts


def test_it_is_small(html):
    assert len(html.encode()) < 6e6


def test_only_its_own_two_scripts_may_run(page):
    policy = page.one("meta", **{"http-equiv": "Content-Security-Policy"}).attributes["content"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    running = [s for s in page.all("script") if s.attributes.get("type") != "application/json"]
    digests = [base64.b64encode(hashlib.sha256(s.raw.encode()).digest()).decode() for s in running]
    assert rules["script-src"].split() == [f"'sha256-{digest}'" for digest in digests]
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data: blob:"
    assert "unsafe-eval" not in policy
    assert "'self'" not in policy and "http" not in policy
    head = next(page.all("head"))
    first = [child.attributes for child in head.children if not isinstance(child, str)][:2]
    assert first[0] == {"charset": "utf-8"} and "http-equiv" in first[1], (
        "the policy comes before all it rules"
    )


def test_nothing_leads_outside(page):
    for element in page.all():
        for name, value in element.attributes.items():
            assert not name.startswith("on"), element
            if name in ("src", "href", "action", "data", "poster", "srcset"):
                assert value.startswith(("data:image/", "data:,", "#")), value
    assert "url(" not in page.one("style").raw and "@import" not in page.one("style").raw


def test_the_scripts_close_nothing():
    for ends in ("</script", "<!--", "<script", "\r", "\0"):
        assert ends not in charts.plotly_script()


# --- for every reader


def test_headings_are_in_order(page):
    levels = [int(heading.tag[1]) for heading in page.all("h1", "h2", "h3", "h4")]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(deeper - level <= 1 for level, deeper in pairwise(levels))
    sections = [
        section.one("h2").text
        for section in page.one("main").all("section")
        if "aria-label" not in section.attributes
    ]
    assert sections == SECTIONS
    links = {link.attributes["href"] for link in page.one("nav").all("a")}
    assert links == {f"#{section.attributes['id']}" for section in page.all("section")} - {"#summary"}


def test_every_table_has_heads(page):
    tables = list(page.all("table"))
    assert len(tables) >= 4
    for table in tables:
        assert all(head.attributes["scope"] == "col" for head in table.one("thead").all("th"))
        for row in table.one("tbody").all("tr"):
            assert row.one("th").attributes["scope"] == "row"


def test_every_chart_is_told_to_a_screen_reader(page):
    for figure in page.all("figure"):
        chart, heading = figure.one("div", class_="chart"), figure.one("h3").text
        subtitle = next(figure.one("figcaption").all("p")).text
        assert chart.attributes["role"] == "img"
        told = chart.attributes["aria-label"]
        assert plain(told) == f"{heading}. {subtitle}"


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour):
    """WCAG 2.2, relative luminance."""
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


@pytest.mark.parametrize("theme", [charts.LIGHT, charts.DARK], ids=lambda theme: theme.name)
def test_all_text_can_be_read(html, theme):
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)[1]
    used = set(re.findall(r"(?<![\w-])color: var\(--(\w+)\)", style))
    assert used == {"text", "muted", "normal"}
    assert all(f"--{name}: {getattr(theme, name)}" in style for name in used)
    assert min(contrast(getattr(theme, name), theme.paper) for name in used) >= 4.5


# --- what it tells


def test_the_first_screen_is_in_plain_words(page, decision):
    header = page.one("header")
    assert header.one("h1").text == finding(decision)
    figures = figures_of(page)
    assert len(figures) <= 4
    assert figures["Flagged"][0] == f"{count(decision.n_flagged)} of {count(756)}"
    assert figures["Expected false alarms"][0] == percent(decision.expected_alarms.rate)
    assert figures["Separation (AUROC)"][0] == number(decision.auroc)
    assert all(len(parts) == 2 and parts[1].endswith(".") for parts in figures.values())
    steps = list(page.one("ol", class_="steps").all("li"))
    told = [(step.one("h3").text, *(p.text for p in step.all("p"))) for step in steps]
    assert told == [(step.title, *(plain(s) for s in step.sentences)) for step in story(decision)]
    shown = list(page.one("ul", class_="gallery").all("li"))
    ids = decision.analysis.inspected.ids[rank_order(decision.analysis).rows[:6]]
    assert [tile.one("b").text for tile in shown] == ids.tolist()
    assert all(tile.one("img").attributes["src"].startswith("data:image/") for tile in shown)


def test_the_numbers_for_programs_are_exact(page, decision):
    told, _ = numbers_of(page)
    assert told["flagged"] == decision.n_flagged and told["inspected"] == 756
    assert told["threshold"] == decision.threshold
    assert told["auroc"] == decision.auroc
    assert told["confusion"] == decision.confusion._asdict()
    assert told["expected_alarms"] == decision.expected_alarms._asdict()
    for name, estimate in decision.metrics._asdict().items():
        assert told["metrics"][name] == {
            "value": estimate.value, "low": estimate.interval.low, "high": estimate.interval.high,
        }  # fmt: skip
    assert told["smallest_p_value"] == decision.p_values.min()
    assert told["data_digest"] == decision.analysis.provenance["train_digest"]
    assert told["inspected_digest"] == decision.analysis.inspected.digest
    exact = [float(data.attributes["value"]) for data in page.all("data")]
    assert decision.threshold in exact and decision.metrics.f1.value in exact


def test_threshold_p_values_and_metrics(page, decision):
    facts = facts_of(page)
    assert facts["Threshold"] == f"{number(decision.threshold, 4)} nats of log density"
    _, rows = table_of(page, "p-values")
    assert [row[1] for row in rows] == [
        plain(count(int((decision.p_values <= p).sum()))) for p in (0.05, 0.01, 0.001)
    ]
    _, rows = table_of(page, "metrics")
    for row, estimate in zip(rows, decision.metrics, strict=True):
        low, high = estimate.interval
        assert row[1:3] == [number(estimate.value), f"{number(low)} to {number(high)}"]
    caught, false, missed, passed = map(count, decision.confusion)
    _, rows = table_of(page, "confusion")
    assert rows == [["anomalous", caught, missed], ["normal", false, passed]]


def test_data_settings_provenance_and_commands(page, decision):
    facts = facts_of(page)
    learned = f"{count(1051)} of {count(1051)} samples of Handwritten digits"
    assert facts["Learned from"] == plain(learned)
    assert facts["Labels"] == "566 normal, 190 anomalous, 0 not labelled"
    assert facts["Picture"] == "thumbnail"
    assert facts["Bandwidth (smoothness)"] == "Scott"
    assert facts["Components (PCA)"].startswith("16 asked for; 16 components keep 99")
    provenance = decision.analysis.provenance
    assert facts["Digest of the training samples"] == provenance["train_digest"]
    assert facts["Digest of the scored samples"] == provenance["score_digest"]
    assert (facts["kdeviz"], facts["torch"]) == (provenance["kdeviz_version"], provenance["torch_version"])
    assert facts["Device"] == provenance["device"] and facts["Computed at"] == provenance["created"]
    assert set(decision.analysis.timings) <= {name.lower().replace(" ", "_") for name in facts}
    text = page.one("section", id="data").text
    assert "12 of 12 checks found nothing" in text
    command, shell, python = (code.raw for code in page.all("code"))
    assert command == "kdeviz report m.safetensors sample -o report.html"
    assert "kdeviz fit sample -o model.safetensors" in shell and "kdeviz score" in shell
    told = {}
    exec(compile(python, "recipe", "exec"), told)
    assert told["decision"].threshold == decision.threshold
    assert (told["decision"].flagged == decision.flagged).all()


def test_the_samples_that_are_listed(page, decision):
    heads, rows = table_of(page, "samples")
    assert heads == ["Rank", "Sample", "Label", "Verdict", "Log density, nats", "p-value", "Why"]
    order = rank_order(decision.analysis).rows[: decision.n_flagged]
    assert [row[1] for row in rows] == decision.analysis.inspected.ids[order].tolist()
    assert {row[3] for row in rows} == {"flagged"}
    for place in (0, 7, len(rows) - 1):
        row = int(order[place])
        why = reason(decision, row, explain(decision.analysis, row))
        score, p_value = decision.analysis.scores[row], decision.p_values[row]
        assert rows[place][4:] == [number(score, 4), number(p_value), plain(why)]
    pictures = list(page.one("table", id="samples").all("img"))
    assert len(pictures) == len(rows)
    assert "Every flagged sample, the most anomalous first." in page.one("section", id="samples").text


def chart_id(name):
    return "chart-" + "-".join(name.lower().split())


def test_the_charts_of_the_app(page, decision):
    _, drawn = numbers_of(page)
    named = {chart_id(name) for name, one in charts.CHARTS.items() if one.fits(decision)}
    assert set(drawn) == named | {"chart-map", "chart-variance"}
    assert {place.attributes["id"] for place in page.all("div", class_="chart")} == set(drawn)
    types = {trace["type"] for chart in drawn.values() for trace in chart["data"]}
    assert types <= {"scatter", "bar", "heatmap", "contour"}, "drawn as SVG, which needs no eval"
    headings = [heading.text for heading in page.one("section", id="charts").all("h3")]
    assert headings[0] == f"{decision.n_flagged} of 756 samples fall below the threshold"


def test_the_truth_is_drawn_where_the_file_tells_it(page, with_truth):
    assert "chart-truth" not in numbers_of(page)[1]
    told = parsed(report(with_truth))
    assert set(numbers_of(told)[1]) == {*map(chart_id, charts.CHARTS), "chart-map", "chart-variance"}
    section = told.one("section", id="charts")
    factor = number(charts.truth_numbers(with_truth).factor)
    titles = [heading.text for heading in section.all("h3")]
    assert f"The estimate is typically off by a factor of {factor}" in titles
    assert plain(charts.CHARTS["Truth"].below) in plain(section.text)


def test_a_chart_of_its_own_is_in_it_too(monkeypatch, unlabelled):
    def drawn(decision, theme):
        return go.Figure(layout={"title": {"text": f"{decision.n_flagged} seen &lt;otherwise&gt;"}})

    own = charts.Chart("Of its own", drawn, needs_labels=False, below="Below it.")
    monkeypatch.setattr(charts, "CHARTS", {"Other wise": own})
    page = parsed(report(decide(unlabelled)))
    assert "chart-other-wise" in numbers_of(page)[1]
    section = page.one("section", id="charts")
    assert f"{decide(unlabelled).n_flagged} seen <otherwise>" in [title.text for title in section.all("h3")]
    assert "Below it." in section.text


def applied(chart):
    """The chart on a dark page, as the page's script makes it."""
    whole = json.loads(json.dumps({"data": chart["data"], "layout": chart["layout"]}))
    for way, part in chart["dark"]:
        inside = whole
        for step in way[:-1]:
            inside = inside[step]
        inside[way[-1]] = part
    return whole


@pytest.mark.parametrize("name", charts.CHARTS)
def test_the_dark_chart_is_the_light_one_and_what_differs(page, decision, with_truth, name):
    if charts.CHARTS[name].needs_truth:
        page, decision = parsed(report(with_truth)), with_truth
    chart = numbers_of(page)[1][chart_id(name)]
    light, dark = (
        json.loads(charts.CHARTS[name].draw(decision, theme=theme).to_json(validate=False))
        for theme in (charts.LIGHT, charts.DARK)
    )
    found = applied(chart)
    assert found["data"] == dark["data"]
    assert found["layout"]["xaxis"] == dark["layout"]["xaxis"]
    assert found["layout"]["font"]["color"] == charts.DARK.muted
    assert chart["data"] == light["data"]
    assert len(json.dumps(chart["dark"])) < len(json.dumps(chart["data"])) + 2000


# --- drift, stability, sweep


@pytest.fixture(scope="module")
def unlabelled():
    rng = np.random.default_rng(0)
    ids = np.array([f"row {i}" for i in range(150)])
    train = EmbeddingSet.from_array(rng.normal(size=(200, 4)), "train")
    return analyse(
        train, EmbeddingSet(2 * rng.normal(size=(150, 4)), ids, name="far"), Settings(2), device="cpu"
    )


def test_drift_stability_and_sweep_where_they_were_run(unlabelled):
    decided = decide(unlabelled, ThresholdRule("quantile", 0.05))
    repeated = stability(unlabelled.train, unlabelled.scored, unlabelled.settings, 5, 2, (60,), "cpu")
    swept = sweep(unlabelled.train, unlabelled.scored, Grid((1, 2), bandwidths=("scott", 0.5)), device="cpu")
    choice = best(swept)
    page = parsed(report(decided, Extras(stability=repeated, sweep=(swept, choice))))
    section = page.one("section", id="trust")
    assert drift(unlabelled).found and drift(unlabelled).in_words[:-1] in section.text
    assert section.one("p", class_="warning").text.startswith("Mind: Drift: ")
    assert f"by chance alone {percent(repeated.chance)} would" in section.text
    assert plain(choice.sentence) in section.text
    ids = [place.attributes["id"] for place in section.all("div", class_="chart")]
    assert ids == ["chart-strip", "chart-agreement", "chart-sweep"]
    _, drawn = numbers_of(page)
    assert "Without labels of both kinds" in page.one("section", id="numbers").text
    assert "chart-roc" not in drawn


def test_what_was_not_run_is_said(page):
    text = page.one("section", id="trust").text
    assert "Stability: the fit was not repeated." in text
    assert "Sweep: other settings are not part of this report." in text


# --- what a file says


def hostile_set(n, d, seed, **more):
    rng = np.random.default_rng(seed)
    png = io.BytesIO()
    Image.new("RGB", (300, 200), "red").save(png, "PNG")
    metadata = pd.DataFrame(
        {HOSTILE: [f"{HOSTILE} and a long text of sample {i} {'word ' * 100}" for i in range(n)]}
    )
    return EmbeddingSet(
        rng.normal(size=(n, d)),
        np.array([f"{HOSTILE}{i}" for i in range(n)]),
        np.where(np.arange(n) % 4, NORMAL, ANOMALOUS).astype(np.int8),
        metadata=metadata,
        thumbnails=[png.getvalue()] * n,
        name=HOSTILE,
        feature_names=tuple(f"{HOSTILE}{i}" for i in range(d)),
        notes=(HOSTILE,),
        changes=(HOSTILE,),
        **more,
    )


@pytest.fixture(scope="module")
def hostile():
    analysis = analyse(hostile_set(80, 3, 0), hostile_set(60, 3, 1), Settings(2), device="cpu")
    decided = decide(analysis, ThresholdRule("top_k", 12))
    marks = {"mark": [HOSTILE] * 60, "note": [HOSTILE] * 60}
    return report(decided, Extras(HOSTILE, Files(HOSTILE), command=HOSTILE, marks=marks, text_column=HOSTILE))


def test_texts_of_a_file_are_never_markup(hostile):
    page = parsed(hostile)
    assert len(list(page.all("script"))) == 4
    assert all(image.attributes["src"].startswith("data:image/") for image in page.all("img"))
    assert not [name for element in page.all() for name in element.attributes if name.startswith("on")]
    assert "49" not in page.one("title").text
    assert HOSTILE in page.one("p", class_="about").text
    heads, rows = table_of(page, "samples")
    assert heads[:5] == ["Rank", "Sample", "Text", "Label", "Mark"]
    assert rows[0][1].startswith(HOSTILE)
    assert all(trace["type"] != "image" for chart in numbers_of(page)[1].values() for trace in chart["data"])


def test_long_texts_and_large_pictures_are_made_small(hostile):
    page = parsed(hostile)
    _, rows = table_of(page, "samples")
    assert all(row[2].endswith("…") and len(row[2]) <= 240 for row in rows)
    for image in page.all("img"):
        with Image.open(io.BytesIO(base64.b64decode(image.attributes["src"].partition(",")[2]))) as opened:
            assert max(opened.size) <= 144


# --- other decisions


def test_many_samples_stay_small_and_at_most_200_are_listed():
    rng = np.random.default_rng(0)
    train, score = rng.normal(size=(300, 3)), rng.normal(size=(30_000, 3))
    score[:3000] *= 3
    decided = decide(analyse(train, score, Settings(2), device="cpu"), ThresholdRule("quantile", 0.05))
    assert decided.n_flagged > 2000
    html = report(decided)
    assert len(html.encode()) < 6.5e6
    page = parsed(html)
    assert len(table_of(page, "samples")[1]) == 200
    listed = plain(f"The 200 most anomalous of the {count(decided.n_flagged)} flagged samples.")
    assert listed in page.one("section", id="samples").text
    _, drawn = numbers_of(page)
    a_map = drawn["chart-map"]["data"]
    assert a_map[0]["type"] == "heatmap"
    assert sum(len(trace["hovertext"]) for trace in a_map if "hovertext" in trace) == 2500


def test_rows_whose_training_rows_are_not_here(unlabelled):
    decided = decide(unlabelled)
    model = decided.fitted_model
    opened = stored_decision(analysis_of_model(model, unlabelled.scored))
    assert not len(opened.analysis.fitted_on)
    page = parsed(report(opened))
    told, drawn = numbers_of(page)
    assert told["flagged"] == decided.n_flagged and told["threshold"] == decided.threshold
    assert "chart-what-matters" not in drawn
    assert len([trace for trace in drawn["chart-map"]["data"] if trace["type"] == "contour"]) == 3
    _, rows = table_of(page, "samples")
    assert all(row[-1].startswith("Flagged because component") for row in rows)
    assert not list(page.one("section", id="again").all("code"))


def test_rows_that_were_left_out_of_the_fit_were_not_learned_from(unlabelled):
    train = unlabelled.train
    for settings, excluded in ((Settings(2), np.arange(len(train)) < 18), (Settings(2, "scale", 100), None)):
        some = decide(analyse(replace(train, excluded=excluded), None, settings))
        told, learned = report(some, Extras("few")), len(some.analysis.fitted_on)
        assert learned < len(train)
        assert f"{learned} of {len(train)} samples of" in told
        assert f"{len(train)} samples, {learned} of them were learned from" in told
    assert f"{len(train)} samples, those that were learned from" in report(
        decide(analyse(train)), Extras("all")
    )


def test_where_the_training_rows_lie_is_known_to_the_model(unlabelled):
    model = decide(unlabelled).fitted_model
    opened = analysis_of_model(model, unlabelled.scored)
    np.testing.assert_allclose(opened.train_coordinates, unlabelled.train_coordinates, atol=1e-5)


def test_one_component_and_nothing_flagged(unlabelled):
    narrow = analyse(unlabelled.train, unlabelled.scored, Settings(1), device="cpu")
    page = parsed(report(decide(narrow, ThresholdRule("log_density", -1e9))))
    assert "chart-map" not in numbers_of(page)[1]
    assert len(table_of(page, "samples")[1]) == 6
    assert "Nothing is flagged" in page.one("section", id="samples").text


def test_infinite_numbers_are_still_json(unlabelled):
    told, _ = numbers_of(parsed(report(replace(decide(unlabelled), threshold=-math.inf))))
    assert told["threshold"] == "-inf"


def test_it_tells_how_far_it_is_and_can_be_cancelled(decision):
    seen = []
    with pytest.raises(Cancelled):
        report(decision, None, lambda stage, fraction: seen.append((stage, fraction)), lambda: len(seen) > 5)
    assert [stage for stage, _ in seen] == ["Explaining the most anomalous samples"] * len(seen)
    fractions = [fraction for _, fraction in seen]
    assert fractions == sorted(fractions) and 0 < fractions[-1] < 1
