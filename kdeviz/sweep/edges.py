"""Whether the best row of a sweep lies at the edge of its grid, and how to go on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from kdeviz.settings import bandwidth_in_words
from kdeviz.sweep.choice import Choice
from kdeviz.sweep.grid import Grid
from kdeviz.sweep.metrics import OF_LABELS, estimate_of
from kdeviz.sweep.proposal import COUNTS
from kdeviz.sweep.sweep import Sweep, SweepRow
from kdeviz.wording import count

_MORE = 3
_NARROWEST, _WIDEST = 1e-3, 1e3
_FOLDED = 0.8
"""The share of the rows that every fold is sure to be fitted on."""


class Edge(NamedTuple):
    """One knob at whose largest or smallest value the best row is."""

    field: str
    """Of `Grid`."""
    found: str
    """In words: "128 components are the most tried"."""
    more: tuple[Any, ...]
    """Values beyond, to try next."""
    next_words: str
    """These in words."""


def edges(sweep: Sweep, choice: Choice, rows: int, dimensions: int) -> tuple[Edge, ...]:
    """Where to go on from the best row; nowhere when it could be no better, or the data allow no more.

    `rows` is how many there are to fit on, `dimensions` how many each has.
    """
    best = estimate_of(choice.best, choice.metric)
    if best is None or (choice.metric in OF_LABELS and best.value >= 1):
        return ()
    top = choice.best
    possible = min(int(_FOLDED * rows) - 1, dimensions)
    return (*_components(sweep, top, possible), *_bandwidths(sweep, top), *_caps(sweep, top, rows))


def extended(grid: Grid, beyond: tuple[Edge, ...]) -> Grid:
    """The grid with the values beyond its edges."""
    values = {edge.field: (*getattr(grid, edge.field), *edge.more) for edge in beyond}
    return replace(grid, **{name: _ordered(each) for name, each in values.items()})


def edge_words(beyond: tuple[Edge, ...]) -> str:
    """Where the best lies, in a sentence; nothing where it lies within."""
    if not beyond:
        return ""
    return f"The best lies at the edge of what was tried: {', and '.join(edge.found for edge in beyond)}."


def next_words(beyond: tuple[Edge, ...]) -> str:
    """What to try next: "40, 48 and 56 components"."""
    return ", and ".join(edge.next_words for edge in beyond)


def _ordered(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(sorted(values)) if all(isinstance(value, int) for value in values) else values


def _components(sweep: Sweep, top: SweepRow, possible: int) -> Iterator[Edge]:
    asked = top.settings.n_pca_components
    tried = {k for row in sweep.rows if isinstance(k := row.settings.n_pca_components, int)}
    if not isinstance(asked, int) or len(tried) < 2:
        return
    more: list[int] = []
    if asked == max(tried) and top.components == asked:
        larger = {min(k, possible) for k in (*COUNTS, 3 * asked // 2, 2 * asked)} - tried
        more, which = sorted(k for k in larger if k > asked)[:_MORE], "the most"
    elif asked == min(tried):
        more, which = [k for k in (1, *COUNTS) if k < asked][-_MORE:], "the fewest"
    if more:
        unit, verb = ("component", "is") if asked == 1 else ("components", "are")
        found = f"{count(asked)} {unit} {verb} {which} tried"
        yield Edge("components", found, tuple(more), f"{_listed(more)} component{'s' * (more != [1])}")


def _bandwidths(sweep: Sweep, top: SweepRow) -> Iterator[Edge]:
    own, tried = _factor(top.settings.bandwidth), {_factor(row.settings.bandwidth) for row in sweep.rows}
    known = sorted(factor for factor in tried if factor is not None)
    if own is None or len(known) < 2 or own not in (known[0], known[-1]):
        return
    width, beyond = ("narrowest", (own / 2, own / 4)) if own == known[0] else ("widest", (2 * own, 4 * own))
    more = [factor for factor in beyond if _NARROWEST <= factor <= _WIDEST]
    if more:
        found = f"bandwidth {bandwidth_in_words(top.settings.bandwidth)} is the {width} tried"
        words = f"bandwidth Scott × {' and '.join(f'{factor:.12g}' for factor in more)}"
        yield Edge("bandwidths", found, tuple(more), words)


def _factor(bandwidth: str | float) -> float | None:
    """Of Scott's bandwidth; None for another rule."""
    return 1.0 if bandwidth == "scott" else None if isinstance(bandwidth, str) else bandwidth


def _caps(sweep: Sweep, top: SweepRow, rows: int) -> Iterator[Edge]:
    tried = {row.settings.max_training_points for row in sweep.rows}
    cap = top.settings.max_training_points
    if len(tried) > 1 and cap == max(tried) and cap < rows:
        more = min(2 * cap, rows)
        found = f"a training cap of {count(cap)} is the highest tried"
        yield Edge("caps", found, (more,), f"a training cap of {count(more)}")


def _listed(values: list[int]) -> str:
    texts = [count(value) for value in values]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
