import math
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdeviz.charts import (
    heat_map_numbers,
    knob_text,
    knob_value,
    tuning_lines_numbers,
    values_of,
    varied,
)
from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.decision.metrics.bootstrap import Estimate
from kdeviz.decision.metrics.intervals import Interval
from kdeviz.decision.rules import ThresholdRule
from kdeviz.errors import OptionError
from kdeviz.settings import Settings
from kdeviz.sweep.choice import best
from kdeviz.sweep.grid import Grid
from kdeviz.sweep.metrics import METRICS, estimate_of
from kdeviz.sweep.sweep import Sweep, SweepRow, sweep


def estimate(value, half_width=0.01):
    return Estimate(value, Interval(value - half_width, value + half_width))


def row_of(settings):
    """A row with numbers that tell it from every other."""
    random = np.random.default_rng(zlib.crc32(repr(settings).encode()))
    k = settings.n_pca_components
    return SweepRow(
        settings,
        components=k if isinstance(k, int) else 5,
        training_points=min(settings.max_training_points, 500),
        explained_variance=0.95,
        log_density=estimate(random.normal(), 0.1),
        alarm_share=estimate(random.uniform(0.01, 0.05)),
        auroc=estimate(random.uniform(0.5, 0.95)),
        average_precision=estimate(random.uniform(0.5, 0.95)),
        recall=estimate(random.uniform(0.1, 0.9)),
        fit_seconds=random.uniform(0.01, 2),
        score_seconds=random.uniform(0.01, 2),
        model_bytes=int(random.integers(1000, 10**6)),
    )


def sweep_of(grid, done=None):
    rows = tuple(map(row_of, grid.settings))
    return Sweep(rows if done is None else rows[:done], len(grid), ThresholdRule(), True)


GRID = Grid(
    components=(8, 2, 0.9),
    scalings=("norm", "scale"),
    bandwidths=(2.0, "silverman", "scott", 0.5),
    caps=(400, 40),
    seeds=(3, 1),
)


# --- knobs


@pytest.mark.parametrize(
    ("knob", "value", "text"),
    [
        ("components", 12345, "12\u202f345"),
        ("components", 0.29, "29 % of the variance"),
        ("components", 0.999, "99.9 % of the variance"),
        ("bandwidth", "scott", "Scott"),
        ("bandwidth", "silverman", "Silverman"),
        ("bandwidth", 0.5, "Scott × 0.5"),
        ("bandwidth", 2.0, "Scott × 2"),
        ("cap", 40000, "40\u202f000"),
        ("seed", 0, "0"),
    ],
)
def test_values_as_people_write_them(knob, value, text):
    assert knob_text(knob, value) == text


def test_values_of_settings():
    settings = Settings(0.5, "norm", 77, 0.25, 9)
    assert [knob_value(settings, knob) for knob in ("components", "bandwidth", "cap", "seed")] == [
        0.5,
        0.25,
        77,
        9,
    ]
    with pytest.raises(OptionError, match="'scaling' is no knob"):
        knob_value(settings, "scaling")


def test_values_in_their_order():
    found = sweep_of(GRID)
    assert values_of(found, "components") == (2, 8, 0.9)
    assert values_of(found, "bandwidth") == (0.5, "scott", 2.0, "silverman")
    assert values_of(found, "cap") == (40, 400)
    assert values_of(found, "seed") == (1, 3)
    assert values_of(sweep_of(Grid(bandwidths=(1.0, "scott", 0.9))), "bandwidth")[0] == 0.9


def test_what_varies():
    assert varied(sweep_of(GRID)) == ("components", "bandwidth", "cap", "seed")
    assert varied(sweep_of(Grid(scalings=("norm", "scale"), caps=(5, 50)))) == ("cap",)
    assert varied(sweep_of(Grid())) == ()
    assert varied(sweep_of(GRID, done=0)) == ()


# --- heat


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("across", "down"), [("components", "bandwidth"), ("cap", "seed"), ("seed", "cap")])
def test_every_cell_is_its_row(metric, across, down):
    found = sweep_of(GRID)
    others = [knob for knob in ("components", "bandwidth", "cap", "seed") if knob not in (across, down)]
    fixed = {knob: values_of(found, knob)[1] for knob in others}
    view = heat_map_numbers(found, metric, across, down, fixed)
    assert view.fixed == fixed
    assert view.scalings == ("norm", "scale")
    assert view.x == values_of(found, across)
    assert view.y == values_of(found, down)
    assert len(set(view.rows.ravel().tolist())) == view.rows.size == 2 * len(view.x) * len(view.y)
    for (panel, y, x), number in np.ndenumerate(view.rows):
        row = found.rows[number]
        wanted = {**fixed, across: view.x[x], down: view.y[y]}
        assert {knob: knob_value(row.settings, knob) for knob in wanted} == wanted
        assert row.settings.feature_scaling_method.value == view.scalings[panel]
        expected = estimate_of(row, metric)
        assert view.values[panel, y, x] == expected.value
        np.testing.assert_array_equal([view.low[panel, y, x], view.high[panel, y, x]], expected.interval)
    if metric != "log_density":
        assert not view.relative
        np.testing.assert_array_equal(view.shown, view.values)


def below_best(found, view):
    """What `shown` must be, one cell at a time."""
    shown = np.full(view.values.shape, np.nan)
    for place, number in np.ndenumerate(view.rows):
        if np.isnan(view.values[place]):
            continue
        row = found.rows[number]
        rivals = [
            view.values[other]
            for other, number in np.ndenumerate(view.rows)
            if number >= 0
            and not np.isnan(view.values[other])
            and found.rows[number].components == row.components
            and found.rows[number].settings.feature_scaling_method is row.settings.feature_scaling_method
        ]
        shown[place] = view.values[place] - max(rivals)
    return shown


@pytest.mark.parametrize(
    ("across", "down"),
    [("components", "bandwidth"), ("bandwidth", "components"), ("bandwidth", "cap"), ("components", "cap")],
)
def test_log_densities_are_shown_below_the_best_they_compare_with(across, down):
    rows = list(sweep_of(GRID).rows)
    # A share of the variance may keep fewer components with fewer rows: those do not compare.
    for number, row in enumerate(rows):
        if row.settings.n_pca_components == 0.9 and row.settings.max_training_points == 40:
            rows[number] = row._replace(components=4)
    rows[5] = rows[5]._replace(error="it failed")
    found = Sweep(tuple(rows), len(GRID), ThresholdRule(), True)
    view = heat_map_numbers(found, "log_density", across, down)
    assert view.relative
    np.testing.assert_array_equal(view.shown, below_best(found, view))
    for panel in view.shown:
        assert np.nanmax(panel) == 0
    if across == "components" and down == "bandwidth":
        assert (np.nanmax(view.shown, axis=1) == 0).all()


def test_equal_components_by_another_name_compare():
    grid = Grid(components=(5, 0.9), bandwidths=("scott", 2.0))
    found = sweep_of(grid)  # 0.9 of the variance are 5 components here
    view = heat_map_numbers(found, "log_density")
    assert (view.shown == 0).sum() == 1
    np.testing.assert_array_equal(view.shown, view.values - view.values.max())


@given(st.integers(0, 24), st.integers(0, 23), st.sampled_from(sorted(METRICS)))
def test_missing_and_failed_rows_are_empty(done, failed, metric):
    grid = Grid(
        components=(2, 3, 4), bandwidths=(0.5, "scott"), scalings=("scale", "norm"), caps=(9, 99), seeds=(0,)
    )
    rows = list(sweep_of(grid, done).rows)
    if failed < done:
        rows[failed] = SweepRow(rows[failed].settings, error="it failed")
    found = Sweep(tuple(rows), len(grid), ThresholdRule(), True)
    view = heat_map_numbers(found, metric, fixed={"cap": 9} if done > 12 else None)
    listed = view.rows[view.rows >= 0].tolist()
    assert sorted(listed) == [
        number for number, row in enumerate(rows) if row.settings.max_training_points == 9
    ]
    assert np.isnan(view.values[view.rows < 0]).all()
    assert np.isnan(view.shown[view.rows < 0]).all()
    for place, number in np.ndenumerate(view.rows):
        if number >= 0:
            assert np.isnan(view.values[place]) == (number == failed)
            assert np.isnan(view.shown[place]) == (number == failed)


def test_a_metric_that_no_row_has():
    rows = [
        row._replace(auroc=None, log_density=Estimate(-math.inf, Interval(math.nan, math.nan)))
        for row in sweep_of(Grid(components=(1, 2))).rows
    ]
    found = Sweep(tuple(rows), 2, ThresholdRule(), False)
    for metric in ("auroc", "log_density"):
        view = heat_map_numbers(found, metric)
        assert np.isnan(view.values).all()
        assert np.isnan(view.shown).all()
        assert view.rows.tolist() == [[[0, 1]]]


def test_the_chosen_rows_have_their_places():
    found = sweep_of(GRID)
    choice = best(found, "average_precision")
    view = heat_map_numbers(found, "auroc", choice=choice)
    assert view.chosen_by == "average_precision"
    assert view.fixed == {
        "cap": choice.best.settings.max_training_points,
        "seed": choice.best.settings.seed,
    }
    assert found.rows[view.rows[view.best]] == choice.best
    if view.simplest is not None:
        assert found.rows[view.rows[view.simplest]] == choice.simplest
    other = {"cap": 440 - choice.best.settings.max_training_points}
    elsewhere = heat_map_numbers(found, "auroc", fixed=other, choice=choice)
    assert elsewhere.best is None
    assert elsewhere.fixed["cap"] == other["cap"]
    assert heat_map_numbers(found, "auroc").best is None
    assert heat_map_numbers(found, "auroc").fixed == {"cap": 40, "seed": 1}


def test_both_chosen_rows_in_one_picture():
    rows = [row_of(settings) for settings in Grid(components=(1, 2, 3, 4), bandwidths=(1.0, 2.0)).settings]
    rows = [row._replace(auroc=estimate(0.5)) for row in rows]
    rows[6] = rows[6]._replace(auroc=estimate(0.9, 0.1))  # 4 components, first bandwidth
    rows[3] = rows[3]._replace(auroc=estimate(0.85))  # 2 components, second bandwidth
    found = Sweep(tuple(rows), len(rows), ThresholdRule(), True)
    view = heat_map_numbers(found, "auroc", choice=best(found))
    assert (view.best, view.simplest) == ((0, 0, 3), (0, 1, 1))
    line = tuning_lines_numbers(found, "auroc", choice=best(found))
    assert line.best == (0, 3)
    assert line.fixed == {"bandwidth": 1.0}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"metric": "beauty"}, "metric 'beauty' is not known"),
        ({"across": "scaling"}, "'scaling' is no knob"),
        ({"across": "cap", "down": "cap"}, "both 'cap'"),
        ({"fixed": {"cap": 41}}, "no row of the sweep has cap=41: choose 40, 400"),
        ({"fixed": {"bandwidth": 2.0}}, "bandwidth is an axis"),
        ({"fixed": {"colour": 2.0}}, "'colour' is no knob"),
    ],
)
def test_what_cannot_be_shown(arguments, message):
    with pytest.raises(OptionError, match=message):
        heat_map_numbers(sweep_of(GRID), **{"metric": "auroc", **arguments})
    if arguments != {"fixed": {"cap": 41}}:  # no value is known before the first row
        with pytest.raises(OptionError, match=message):
            heat_map_numbers(sweep_of(GRID, 0), **{"metric": "auroc", **arguments})


def test_no_row_yet():
    view = heat_map_numbers(sweep_of(GRID, 0), "log_density")
    assert view.rows.shape == view.values.shape == view.shown.shape == (0, 0, 0)
    assert (view.scalings, view.x, view.y, view.fixed) == ((), (), (), {})
    line = tuning_lines_numbers(sweep_of(GRID, 0), "log_density")
    assert line.values.shape == (0, 0)
    assert line.comparable


# --- lines


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("across", ["components", "bandwidth", "cap", "seed"])
def test_a_line_is_a_row_of_the_heat_map(metric, across):
    found = sweep_of(GRID)
    down = "seed" if across != "seed" else "cap"
    for value in values_of(found, down):
        heat = heat_map_numbers(found, metric, across, down)
        line = tuning_lines_numbers(found, metric, across, {down: value})
        at = heat.y.index(value)
        assert line.fixed == {**heat.fixed, down: value}
        assert (line.x, line.scalings) == (heat.x, heat.scalings)
        for part in ("rows", "values", "low", "high"):
            np.testing.assert_array_equal(getattr(line, part), getattr(heat, part)[:, at])
        assert line.comparable == (metric != "log_density" or across != "components")


def test_lines_through_other_component_counts_do_not_compare():
    grid = Grid(components=(0.9,), caps=(40, 400))
    found = sweep_of(grid)
    assert tuning_lines_numbers(found, "log_density", "cap").comparable
    rows = (found.rows[0]._replace(components=4), found.rows[1])
    changed = found._replace(rows=rows)
    assert not tuning_lines_numbers(changed, "log_density", "cap").comparable
    assert tuning_lines_numbers(changed, "auroc", "cap").comparable
    failed = found._replace(rows=(SweepRow(rows[0].settings, error="it failed"), rows[1]))
    assert tuning_lines_numbers(failed, "log_density", "cap").comparable


def test_a_real_sweep():
    random = np.random.default_rng(0)
    features = random.normal(size=(60, 6)) * np.arange(6, 0, -1)
    labels = np.zeros(60, np.int8)
    labels[:8], features[:8] = 1, features[:8] + 3
    score = EmbeddingSet(features, np.arange(60).astype(str), labels=labels)
    train = EmbeddingSet.from_array(random.normal(size=(80, 6)) * np.arange(6, 0, -1))
    found = sweep(train, score, Grid(components=(2, 4, 99), bandwidths=("scott", 2.0)))
    for metric in METRICS:
        view = heat_map_numbers(found, metric, choice=best(found))
        assert view.scalings == ("scale",)
        assert view.rows.tolist() == [[[0, 2, 4], [1, 3, 5]]]
        assert found.rows[view.rows[view.best]] == best(found).best
        for place, number in np.ndenumerate(view.rows):
            expected = estimate_of(found.rows[number], metric)
            np.testing.assert_equal(view.values[place], math.nan if expected is None else expected.value)
        np.testing.assert_array_equal(view.shown, below_best(found, view) if view.relative else view.values)
