import json
import re
import zlib
from itertools import pairwise

import numpy as np
import pytest
from figure_steps import spec, strings, subtitle, title
from hypothesis import given
from hypothesis import strategies as st

from kdeviz.charts.agreement import AgreementNumbers, draw_agreement
from kdeviz.charts.heat_map import draw_heat_map, heat_map_numbers
from kdeviz.charts.knobs import values_of
from kdeviz.charts.parts import spread
from kdeviz.charts.strip import StripNumbers, draw_strip
from kdeviz.charts.theme import DARK, LIGHT
from kdeviz.charts.tuning_lines import draw_tuning_lines, tuning_lines_numbers
from kdeviz.decision.metrics.bootstrap import Estimate
from kdeviz.decision.metrics.intervals import Interval
from kdeviz.decision.rules import ThresholdRule
from kdeviz.settings import Settings
from kdeviz.sweep.choice import best
from kdeviz.sweep.grid import Grid
from kdeviz.sweep.metrics import METRICS
from kdeviz.sweep.sweep import Sweep, SweepRow
from kdeviz.wording import count, number

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
NASTY = "<script>alert(1)</script> <img src=http://x>& <a href='x'>y</a> %{x}"
NOTHING = Interval(np.nan, np.nan)


def row_of(settings):
    random = np.random.default_rng(zlib.crc32(repr(settings).encode()))
    k = settings.n_pca_components
    value = random.uniform(0.5, 0.9)
    return SweepRow(
        settings,
        k if isinstance(k, int) else 5,
        training_points=settings.max_training_points,
        explained_variance=0.95,
        log_density=Estimate(10 * value, Interval(10 * value - 1, 10 * value + 1)),
        alarm_share=Estimate(0.00002, Interval(0.0, 0.004)),
        auroc=Estimate(value, Interval(value - 0.02, value + 0.03)),
        average_precision=Estimate(value, NOTHING),
        recall=Estimate(1.0, Interval(0.9, 1.0)),
        fit_seconds=value,
        score_seconds=value,
        model_bytes=int(1e8 * value),
    )


def sweep_of(grid, done=None, failed=()):
    rows = [row_of(settings) for settings in grid.settings][:done]
    for at in failed:
        rows[at] = SweepRow(rows[at].settings, error=NASTY)
    return Sweep(tuple(rows), len(grid), ThresholdRule(), True)


def assert_tame(figure, theme):
    """Strict JSON that plotly reads back, without tags of strangers, with a title and no small text."""
    decoded = spec(figure)
    decoded["layout"].pop("template", None)
    for text in strings(decoded):
        assert not re.search(r"<(?!/?(br|extra)\b[^<>]*>)", text), text
        assert not re.search(r"&(?!(amp|lt|gt|quot|#x27|#39);)", text), text
    assert title(figure)
    assert subtitle(figure)
    assert "nan" not in title(figure) + subtitle(figure)
    assert title(figure)[0] == title(figure)[0].upper()
    assert figure.layout.font.color == theme.muted
    assert min(map(int, re.findall(r'"size":\s*(1\d)\b', json.dumps(decoded["layout"])))) >= 12


def traces(figure, name):
    return [trace for trace in figure.data if trace.name == name]


GRIDS = {
    "plain": sweep_of(Grid(components=(2, 4, 8), scalings=("scale", "norm"), bandwidths=(0.5, "scott"))),
    "one setting": sweep_of(Grid()),
    "one failed setting": sweep_of(Grid(), failed=(0,)),
    "no row yet": sweep_of(Grid(components=(2, 3)), done=0),
    "one row yet": sweep_of(Grid(components=(2, 3), scalings=("norm", "scale")), done=1),
    "some failed": sweep_of(Grid(components=(2, 3, 0.5), bandwidths=("silverman", 3)), failed=(0, 4)),
    "cancelled": sweep_of(Grid(components=(1, 2, 3), caps=(10, 100), scalings=("norm", "scale")), done=8),
    "large": sweep_of(Grid(components=tuple(range(1, 65)), caps=tuple(range(100, 2000, 100)))),
}


@pytest.mark.parametrize("case", GRIDS)
def test_every_sweep(case):
    found = GRIDS[case]
    possible = any(row.error is None for row in found.rows)
    for theme, metric, choice in (
        (LIGHT, "auroc", best(found) if possible else None),
        (DARK, "log_density", best(found, "log_density") if possible else None),
        (DARK, "alarm_share", None),
    ):
        figure = draw_heat_map(heat_map_numbers(found, metric, "cap", "components", choice=choice), theme)
        assert_tame(figure, theme)
        assert figure.layout.coloraxis.cmin < figure.layout.coloraxis.cmax
        assert_tame(draw_tuning_lines(tuning_lines_numbers(found, metric, choice=choice), theme), theme)


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric(metric):
    found = GRIDS["some failed"]
    assert_tame(draw_heat_map(heat_map_numbers(found, metric, choice=best(found)), LIGHT), LIGHT)
    assert_tame(draw_tuning_lines(tuning_lines_numbers(found, metric), DARK), DARK)


# --- heat


def test_the_title_names_the_best_setting_and_its_interval():
    found = GRIDS["plain"]
    choice = best(found)
    view = heat_map_numbers(found, "auroc", choice=choice)
    value, (low, high) = choice.best.auroc
    settings = choice.best.settings
    width = {"scott": "Scott", 0.5: "Scott × 0.5"}[settings.bandwidth]
    assert title(draw_heat_map(view, LIGHT)) == (
        f"{settings.n_pca_components} components, {settings.feature_scaling_method.value}, bandwidth {width} "
        f"give the best AUROC, {number(value)} ({number(low)} to {number(high)})"
    )
    by_other = draw_heat_map(heat_map_numbers(found, "average_precision", choice=choice), LIGHT)
    assert title(by_other).endswith(f", best by AUROC: average precision {number(value)}")
    without = title(draw_heat_map(heat_map_numbers(found, "auroc"), LIGHT))
    assert without.startswith(f"Best shown: {settings.n_pca_components} components, ")


def test_the_title_of_a_cost_names_the_lowest():
    found = GRIDS["plain"]
    least = min(found.rows, key=lambda row: row.fit_seconds)
    text = title(draw_heat_map(heat_map_numbers(found, "fit_seconds"), LIGHT))
    assert text.startswith(f"Best shown: {least.settings.n_pca_components} components, ")
    assert f"{1000 * least.fit_seconds:.0f} ms" in text


def test_titles_without_a_number():
    assert (
        title(draw_heat_map(heat_map_numbers(GRIDS["no row yet"], "auroc"), LIGHT))
        == "No setting is done yet"
    )
    failed = title(draw_heat_map(heat_map_numbers(GRIDS["one failed setting"], "recall"), LIGHT))
    assert failed == "No recall at 1 % false positives is known for these settings"


def test_log_density_says_what_compares():
    found = GRIDS["plain"]
    figure = draw_heat_map(heat_map_numbers(found, "log_density", choice=best(found, "log_density")), LIGHT)
    assert "best of its kind" in title(figure)
    assert "below the best of equal components and scaling" in subtitle(figure)
    assert figure.layout.coloraxis.colorbar.title.text == "nats below the best (0 = best)"
    assert figure.layout.coloraxis.cmax == 0
    plain = draw_heat_map(heat_map_numbers(found, "log_density"), LIGHT)
    view = heat_map_numbers(found, "log_density")
    assert title(plain).endswith(f"up to {number(-view.shown.min())} nats apart")


@pytest.mark.parametrize("case", ["plain", "cancelled", "some failed", "large"])
def test_a_click_gives_the_row(case):
    found = GRIDS[case]
    view = heat_map_numbers(found, "auroc", "components", "cap")
    figure = draw_heat_map(view, LIGHT)
    clicked = traces(figure, "settings")
    assert len(clicked) == len(view.scalings)
    for trace, name in zip(clicked, view.scalings, strict=True):
        for x, y, row in zip(trace.x, trace.y, trace.customdata, strict=True):
            settings = found.rows[row].settings
            assert settings.n_pca_components == view.x[x]
            assert settings.max_training_points == view.y[y]
            assert settings.feature_scaling_method.value == name
    shown = [row for trace in clicked for row in trace.customdata]
    assert sorted(shown) == sorted(view.rows[view.rows >= 0].tolist())


@THEMES
def test_the_strong_end_is_the_better_one(theme):
    for metric, end, better in (("auroc", 1.0, "high"), ("fit_seconds", 0.0, "low")):
        axis = draw_heat_map(heat_map_numbers(GRIDS["plain"], metric), theme).layout.coloraxis
        colours = dict(axis.colorscale)
        assert colours[end] == theme.scale[0]
        assert colours[1 - end] == theme.scale[-1]
        assert axis.colorbar.title.text.endswith(f"({better} = better)")


def test_all_panels_share_one_scale():
    figure = draw_heat_map(heat_map_numbers(GRIDS["plain"], "auroc"), LIGHT)
    heats = [trace for trace in figure.data if trace.type == "heatmap"]
    assert {trace.coloraxis for trace in heats} == {"coloraxis"}
    assert [trace.xaxis for trace in heats] == ["x", "x2"]
    assert {"scale", "norm"} <= {note.text for note in figure.layout.annotations}


def test_colours_tell_the_good_apart_and_say_where_they_end():
    grid = Grid(components=tuple(range(1, 11)))
    values = [0.1, 0.2, 0.90, 0.91, 0.92, 0.93, 0.94, 0.95, 0.95, 0.96]
    rows = tuple(
        row_of(settings)._replace(auroc=Estimate(value, NOTHING), fit_seconds=1 - value)
        for settings, value in zip(grid.settings, values, strict=True)
    )
    found = Sweep(rows, 10, ThresholdRule(), True)
    figure = draw_heat_map(heat_map_numbers(found, "auroc"), LIGHT)
    assert figure.layout.coloraxis.cmax == 0.96
    assert figure.layout.coloraxis.cmin == pytest.approx(0.96 - 3 * (0.96 - 0.925))
    assert "one colour below 0.855" in subtitle(figure)
    cost = draw_heat_map(heat_map_numbers(found, "fit_seconds"), LIGHT)
    assert cost.layout.coloraxis.cmin == pytest.approx(0.04)
    assert cost.layout.coloraxis.cmax == pytest.approx(0.04 + 3 * 0.035)
    assert "one colour above 145 ms" in subtitle(cost)
    even = draw_heat_map(heat_map_numbers(GRIDS["plain"], "explained_variance"), LIGHT)
    assert "one colour" not in subtitle(even)


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@THEMES
def test_numbers_are_written_where_there_is_room_and_can_be_read(theme):
    view = heat_map_numbers(GRIDS["plain"], "auroc")
    figure = draw_heat_map(view, theme)
    axis = figure.layout.coloraxis
    written = {}
    for trace in traces(figure, "numbers"):
        assert trace.textfont.size >= 12
        assert trace.unselected.textfont.color == trace.textfont.color
        panel = 0 if trace.xaxis == "x" else 1
        for x, y, text in zip(trace.x, trace.y, trace.text, strict=True):
            written[panel, y, x] = text
            share = np.clip((view.values[panel, y, x] - axis.cmin) / (axis.cmax - axis.cmin), 0, 1)
            at = share * (len(axis.colorscale) - 1)
            near = theme.scale[::-1][round(at)]
            light, dark = sorted((luminance(near), luminance(trace.textfont.color)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) > 3.5
    assert written == {place: number(value) for place, value in np.ndenumerate(view.values)}
    assert not traces(draw_heat_map(heat_map_numbers(GRIDS["large"], "auroc"), theme), "numbers")


def test_empty_cells_are_told_apart():
    found = GRIDS["some failed"]
    view = heat_map_numbers(found, "auroc")
    figure = draw_heat_map(view, LIGHT)
    (crosses,) = traces(figure, "no number")
    assert sorted(view.rows[0, y, x] for x, y in zip(crosses.x, crosses.y, strict=True)) == [0, 4]
    assert "× = no number" in subtitle(figure)
    assert "not done" not in subtitle(figure)
    (clicked,) = traces(figure, "settings")
    assert {0, 4} <= set(clicked.customdata)
    cancelled = draw_heat_map(heat_map_numbers(GRIDS["cancelled"], "auroc", "components", "cap"), LIGHT)
    assert "empty = not done" in subtitle(cancelled)
    assert not traces(cancelled, "no number")


@THEMES
def test_best_and_simplest_are_framed_and_named(theme):
    grid = Grid(components=(1, 2, 3, 4), bandwidths=(1.0, 2.0), scalings=("scale", "norm"))
    rows = [row_of(settings)._replace(auroc=Estimate(0.5, NOTHING)) for settings in grid.settings]
    norm = grid.settings.index(Settings(4, "norm", bandwidth=1.0))
    scale = grid.settings.index(Settings(2, "scale", bandwidth=2.0))
    rows[norm] = rows[norm]._replace(auroc=Estimate(0.9, Interval(0.8, 0.95)))
    rows[scale] = rows[scale]._replace(auroc=Estimate(0.85, NOTHING))
    found = Sweep(tuple(rows), len(rows), ThresholdRule(), True)
    figure = draw_heat_map(heat_map_numbers(found, "auroc", choice=best(found)), theme)
    frames = {}
    for shape in figure.layout.shapes:
        middle = ((shape.x0 + shape.x1) / 2, (shape.y0 + shape.y1) / 2)
        frames.setdefault((shape.xref, *middle), []).append((shape.line.color, shape.line.width))
    assert set(frames) == {("x2", 3.0, 0.0), ("x", 1.0, 1.0)}
    widths = {place: dict(lines)[theme.text] for place, lines in frames.items()}
    assert widths["x2", 3.0, 0.0] > widths["x", 1.0, 1.0]
    assert subtitle(figure).endswith("thick frame = best · thin frame = simplest as good")
    same = draw_heat_map(
        heat_map_numbers(found, "auroc", choice=best(found)._replace(simplest=rows[norm])), theme
    )
    assert subtitle(same).endswith("frame = best and simplest")
    none = draw_heat_map(heat_map_numbers(found, "auroc"), theme)
    assert not none.layout.shapes and "frame" not in subtitle(none)


def test_hover_says_setting_number_and_interval():
    found = GRIDS["plain"]
    (trace, _) = traces(draw_heat_map(heat_map_numbers(found, "auroc"), LIGHT), "settings")
    for text, row in zip(trace.hovertext, trace.customdata, strict=True):
        estimate = found.rows[row].auroc
        assert f"{found.rows[row].settings.n_pca_components} components, scale" in text
        assert f"AUROC {number(estimate.value)} ({number(estimate.interval.low)} to" in text
    (shares, _) = traces(draw_heat_map(heat_map_numbers(found, "alarm_share"), LIGHT), "settings")
    assert "&lt; 0.01 %" in shares.hovertext[0]
    (nats, _) = traces(draw_heat_map(heat_map_numbers(found, "log_density"), LIGHT), "settings")
    assert re.search(r"log density \d+\.\d+ nats .*<br>.* nats below the best", nats.hovertext[0])


def test_what_is_held_fixed_is_said():
    grid = Grid(components=(2, 3), caps=(10, 10000), seeds=(4, 7))
    figure = draw_heat_map(heat_map_numbers(sweep_of(grid), "auroc", fixed={"cap": 10000, "seed": 7}), LIGHT)
    assert f"training cap {count(10000)} · seed 7" in subtitle(figure)


# --- lines


@THEMES
def test_lines_show_values_intervals_and_names(theme):
    found = GRIDS["plain"]
    view = tuning_lines_numbers(found, "auroc", choice=best(found))
    figure = draw_tuning_lines(view, theme)
    for line, name in enumerate(view.scalings):
        (trace,) = traces(figure, name)
        assert trace.mode == "lines+markers"
        np.testing.assert_array_equal(trace.y, view.values[line])
        np.testing.assert_allclose(trace.y + trace.error_y.array, view.high[line])
        np.testing.assert_allclose(trace.y - trace.error_y.arrayminus, view.low[line])
        np.testing.assert_array_equal(trace.customdata, view.rows[line])
        np.testing.assert_allclose(trace.x, [0, 1, 2], atol=0.1)
    assert len({trace.line.color for trace in figure.data if trace.name in view.scalings}) == 2
    assert {note.text for note in figure.layout.annotations} == {"scale", "norm"}
    assert list(figure.layout.xaxis.ticktext) == ["2", "4", "8"]
    assert "give the best AUROC" in title(figure)
    (ring,) = traces(figure, "best")
    assert ring.y[0] == best(found).best.auroc.value
    assert "95 % intervals" in subtitle(figure)
    assert "95 % intervals" not in subtitle(
        draw_tuning_lines(tuning_lines_numbers(found, "fit_seconds"), theme)
    )


def test_what_does_not_compare_is_not_joined():
    found = GRIDS["plain"]
    figure = draw_tuning_lines(tuning_lines_numbers(found, "log_density"), LIGHT)
    assert {trace.mode for trace in figure.data} == {"markers"}
    assert title(figure) == "Log densities of different components do not compare"
    assert "other components do not compare" in subtitle(figure)
    joined = draw_tuning_lines(tuning_lines_numbers(found, "log_density", "bandwidth"), LIGHT)
    assert {trace.mode for trace in joined.data} == {"lines+markers"}
    assert "norm and scale do not compare" in subtitle(joined)
    view = tuning_lines_numbers(found, "log_density", "bandwidth")
    words = {0.5: "Scott × 0.5", "scott": "Scott"}
    tops = [words[view.x[int(np.argmax(line))]] for line in view.values]
    assert title(joined) == f"Best: scale with bandwidth {tops[0]}; norm with bandwidth {tops[1]}"


def test_many_ticks_are_thinned():
    found = GRIDS["large"]
    axis = draw_tuning_lines(tuning_lines_numbers(found, "auroc"), LIGHT).layout.xaxis
    assert 8 <= len(axis.tickvals) <= 16
    values = values_of(found, "components")
    assert list(axis.ticktext) == [str(values[at]) for at in axis.tickvals]


@given(st.lists(st.floats(-5, 5), max_size=6), st.floats(0.01, 3))
def test_labels_are_moved_apart_and_as_little_as_needed(heights, gap):
    moved = spread(heights, gap)
    assert len(moved) == len(heights)
    order = np.argsort(heights, kind="stable")
    steps = np.diff(np.array(moved)[order])
    assert (steps >= gap - 1e-9).all()
    assert np.mean(moved or [0]) == pytest.approx(np.mean(heights or [0]), abs=1e-9)
    if (np.diff(np.array(heights)[order]) >= gap).all():
        np.testing.assert_allclose(moved, heights)


def test_labels_apart_against_a_general_solver():
    from scipy.optimize import minimize

    for heights in ([0.0, 0.1, 0.15, 3.0], [1.0, 1.0, 1.0], [2.0, 0.0, 0.4, 0.2, 2.1]):
        order = np.argsort(heights, kind="stable")
        apart = [{"type": "ineq", "fun": lambda z, a=a, b=b: z[b] - z[a] - 0.5} for a, b in pairwise(order)]
        found = minimize(lambda z, h=heights: ((z - h) ** 2).sum(), heights, constraints=apart)
        np.testing.assert_allclose(spread(heights, 0.5), found.x, atol=1e-5)


# --- repeats


def agreement(sources, caps, found=0.5, smallest=None, top=20):
    S = len(sources)
    values = np.array([np.full(S, found), np.full(S, 0.9), np.full(S, 0.4)])
    return AgreementNumbers(
        top,
        tuple(sources),
        np.array(caps, np.int64),
        np.full(S, 10),
        values,
        values - 0.05,
        values + 0.02,
        0.95,
        smallest,
    )


FULL = (["cap", "cap", "cap", "seeds", "bootstrap"], [500, 1000, 2500, 5000, 5000])


@THEMES
def test_agreement_against_caps(theme):
    figure = draw_agreement(agreement(*FULL, [0.9, 0.96, 0.97, 0.98, 0.99], 1000), theme)
    assert_tame(figure, theme)
    assert title(figure) == f"{count(1000)} training rows find 96.0 % of the top 20 again, on average"
    assert list(figure.layout.xaxis.ticktext) == [
        "500",
        count(1000),
        count(2500),
        f"{count(5000)}<br>other seeds",
        f"{count(5000)}<br>resampled",
    ]
    at = figure.layout.xaxis.tickvals
    np.testing.assert_allclose(at[:4], np.log2([500, 1000, 2500, 5000]))
    assert at[4] >= at[3] + 0.5
    found_again = [0.9, 0.96, 0.97, 0.98, 0.99]
    for name, values in (("found again", found_again), ("Spearman", [0.9] * 5), ("Jaccard", [0.4] * 5)):
        smaller, full = traces(figure, name)
        assert (len(smaller.x), len(full.x)) == (3, 2)
        assert (smaller.mode, full.mode) == ("lines+markers", "markers")
        assert full.marker.symbol == f"{smaller.marker.symbol}-open"
        assert [*smaller.y, *full.y] == values
        np.testing.assert_allclose(smaller.error_y.arrayminus, 0.05)
        np.testing.assert_allclose(smaller.error_y.array, 0.02)
    (line,) = figure.layout.shapes
    assert line.y0 == line.y1 == 0.95
    assert {"found again", "Spearman", "Jaccard", "95 %"} == {n.text for n in figure.layout.annotations}


@THEMES
@pytest.mark.parametrize(
    ("view", "expected"),
    [
        # A smaller cap that does well by luck is no reason to trust it: the next larger one does not.
        (
            agreement(*FULL, [0.97, 0.9, 0.931, 1, 1]),
            f"{count(2500)} training rows find only 93.1 % of the top 20 again, on average",
        ),
        # So does one that finds the top by luck and ranks the others as chance would.
        (
            agreement(["cap"], [50], 0.99)._replace(values=np.array([[0.99], [0.42], [0.9]])),
            "50 training rows find 99.0 % of the top 20 again, "
            "but rank the others differently (rank correlation 0.42)",
        ),
        (
            agreement(["cap"], [50], 0.96)._replace(chance=0.9),
            "50 training rows find only 96.0 % of the top 20 again, on average",
        ),
        (agreement(["cap"], [50])._replace(unseen="all equal"), "Nothing can be seen here"),
        (agreement(["bootstrap"], [80]), "No smaller cap was tried"),
        (agreement([], []), "No smaller cap was tried"),
        (
            agreement(["cap"], [50], 0.99, 50, 3),
            "50 training rows find 99.0 % of the top 3 again, on average",
        ),
        (agreement(["cap"], [50], 1, 50, 3), "50 training rows find 100 % of the top 3 again, on average"),
    ],
)
def test_agreement_of_awkward_repeats(view, expected, theme):
    figure = draw_agreement(view, theme)
    assert_tame(figure, theme)
    assert title(figure) == expected


def test_disagreement_is_not_cut_off():
    view = agreement(*FULL)
    view.low[1, 0] = -0.8
    assert draw_agreement(view, LIGHT).layout.yaxis.range[0] < -0.8
    assert -0.1 < draw_agreement(agreement(*FULL), LIGHT).layout.yaxis.range[0] <= 0


def strip(frequency, names=None, repeats=20):
    frequency = np.asarray(frequency, np.float64)
    K = len(frequency)
    return StripNumbers(
        np.arange(100, 100 + K),
        tuple(names or (f"sample {i}" for i in range(K))),
        np.linspace(-20, -3, K),
        frequency,
        repeats,
        0.95,
        int((frequency >= 0.95).sum()),
    )


@THEMES
def test_the_strip(theme):
    view = strip([1, 0.95, 0.4, 0])
    figure = draw_strip(view, theme)
    assert_tame(figure, theme)
    assert title(figure) == "2 of the 4 most anomalous come back in at least 95 % of repeats"
    assert "20 repeats" in subtitle(figure)
    bars, clicked = figure.data
    assert list(bars.y) == [1, 0.95, 0.4, 0]
    assert list(clicked.customdata) == [100, 101, 102, 103]
    assert (np.asarray(clicked.y) + clicked.base >= 1).all()
    assert "sample 2<br>in 40.0 % of the repeats<br>log density" in clicked.hovertext[2]
    assert list(figure.layout.xaxis.ticktext) == list(view.names)
    assert figure.layout.xaxis.tickangle == -90
    assert not figure.layout.images


@THEMES
def test_pictures_stand_under_their_bars(theme):
    picture = "data:image/png;base64,iVBORw0KGgo="
    figure = draw_strip(strip([1, 0.5, 0.2]), theme, [picture, None, picture])
    assert_tame(figure, theme)
    assert [(image.x, image.source) for image in figure.layout.images] == [(0, picture), (2, picture)]
    for image in figure.layout.images:
        assert image.y < 0
        assert image.y - image.sizey >= figure.layout.yaxis.range[0]
    assert not figure.layout.xaxis.ticktext
    none = draw_strip(strip([1, 0.5]), theme, [None, None])
    assert len(none.layout.xaxis.ticktext) == 2
    assert none.layout.yaxis.range[0] == 0


@THEMES
def test_ids_are_shown_as_text(theme):
    figure = draw_strip(strip([1, 0.5], [NASTY, "two\nlines " + "x" * 80]), theme)
    assert_tame(figure, theme)
    assert "&lt;script&gt;" in figure.data[1].hovertext[0]
    assert "two lines" in figure.data[1].hovertext[1]
    assert all(len(text) < 60 and "\n" not in text for text in figure.layout.xaxis.ticktext)


def test_a_strip_that_shows_nothing_says_so():
    figure = draw_strip(strip([np.nan, np.nan])._replace(unseen="all scores are equal"), LIGHT)
    assert_tame(figure, LIGHT)
    assert (title(figure), subtitle(figure)) == ("Nothing can be seen here", "All scores are equal")
    assert "by chance alone, 5.00 % would" in subtitle(draw_strip(strip([1.0])._replace(chance=0.05), LIGHT))


def test_a_strip_without_repeats():
    figure = draw_strip(strip([np.nan, np.nan], repeats=0), LIGHT)
    assert_tame(figure, LIGHT)
    assert title(figure) == "No repeat at the full cap: nothing is known of these samples"
    assert "not repeated" in figure.data[1].hovertext[0]


def test_a_strip_of_one_and_of_many():
    assert_tame(draw_strip(strip([1.0]), DARK), DARK)
    assert not draw_strip(strip(np.ones(300)), DARK).layout.xaxis.ticktext


def test_settings_are_named_in_the_singular():
    found = sweep_of(Grid(components=(1, 0.5)))
    (trace,) = traces(draw_heat_map(heat_map_numbers(found, "auroc"), LIGHT), "settings")
    assert trace.hovertext[0].startswith("1 component, scale")
    assert trace.hovertext[1].startswith("50 % of the variance, scale")
