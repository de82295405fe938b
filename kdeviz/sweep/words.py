"""Why rows of a sweep were chosen, in plain words."""

from __future__ import annotations

import math
from collections.abc import Iterator

from kdeviz.settings import bandwidth_in_words
from kdeviz.sweep.metrics import METRICS, estimate_of
from kdeviz.sweep.narrowing import STABLE, Narrowed
from kdeviz.sweep.sweep import SweepRow
from kdeviz.wording import count, percent


def choice_words(metric: str, best: SweepRow, simplest: SweepRow, narrowed: Narrowed | None) -> str:
    """Which rows were chosen by a metric and why, in a sentence or some; see `Choice`."""
    because = () if narrowed is None else _narrowed(narrowed)
    return " ".join([_best(metric, best, simplest), *because])


def _best(name: str, best: SweepRow, simplest: SweepRow) -> str:
    metric, of_best, of_simplest = METRICS[name], estimate_of(best, name), estimate_of(simplest, name)
    assert of_best is not None and of_simplest is not None
    low, high = of_best.interval
    span = "" if math.isnan(low) else f" (95 % interval {metric.written(low)} to {metric.written(high)})"
    first = f"{_described(best)} give the best {metric.words}, {metric.written(of_best.value)}{span}"
    if simplest is best:
        return f"{first}; nothing simpler lies within that interval." if span else f"{first}."
    return f"{first}; {_described(simplest)} give {metric.written(of_simplest.value)}, within that interval."


def _described(row: SweepRow) -> str:
    settings = row.settings
    width = f"bandwidth {bandwidth_in_words(settings.bandwidth)}"
    # The seed counts where the cap was reached.
    seed = f", seed {settings.seed}" if row.training_points == settings.max_training_points else ""
    unit = "component" if row.components == 1 else "components"
    units = ", standardised" if settings.standardise else ""
    return (
        f"{count(row.components)} {unit}, {settings.feature_scaling_method.value}, {width}, "
        f"{count(row.training_points)} training rows{seed}{units}"
    )


def _narrowed(narrowed: Narrowed) -> Iterator[str]:
    if narrowed.from_more_counts:
        reason = _components(narrowed)
        yield f"Likelihoods with different components do not compare, so the components {reason}."
    if narrowed.standardised is not None:
        yield "Those of standardised and other features do not compare: not to standardise is the default."
    if narrowed.scaling is not None:
        which = f"{narrowed.scaling} {'is the default' if narrowed.scaling_is_default else 'was left'}"
        nor = "Nor do those of norm and scale" if narrowed.from_more_counts else ""
        yield f"{nor or 'Those of norm and scale do not compare'}: {which}."


def _components(chosen: Narrowed) -> str:
    """By what the components were chosen."""
    k, carried = count(chosen.components), percent(chosen.carried)
    if not chosen.enough:
        return f"were chosen by explained variance: {k} are the most tried, which carry {carried}"
    if (step := chosen.stable) is not None:
        average = "on average " if step.pairs > 1 else ""
        named = f"{average}{step.common / step.pairs:.3g} of the {step.top} samples"
        stable = f" and name {named} that {count(step.more)} name as most anomalous"
    elif chosen.first is not None:
        stable = (
            f"; of the counts that do, none names {percent(STABLE)} of the {chosen.first.top} samples "
            "that the next larger one names as most anomalous"
        )
    else:
        stable = ", and no larger count was tried that shows whether it names the same samples"
    return f"were chosen by explained variance and stability: {k} are the fewest that carry {carried}{stable}"
