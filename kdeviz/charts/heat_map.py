"""A sweep over two knobs: a metric as the colour of every setting."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kdeviz.charts.cells import Place, SweptNumbers, place_of, swept_numbers
from kdeviz.charts.heat_map_frames import frames
from kdeviz.charts.knobs import KNOBS, KnobValue, values_of
from kdeviz.charts.panels import in_panel, panel_axes, panel_titles
from kdeviz.charts.parts import bare_axis, colour_bar, colour_scale, heat, positions, scatter
from kdeviz.charts.sweep_words import (
    TICKS,
    bar_title,
    heat_hover,
    heat_subtitle,
    heat_title,
    ticks,
    written,
)
from kdeviz.charts.theme import NOTEBOOK, Part, Theme, drawn, luminance
from kdeviz.errors import OptionError
from kdeviz.sweep import METRICS, Choice, Sweep

# More columns or rows than these leave no room for a number in a cell.
_MOST_COLUMNS, _MOST_ROWS = 14, 12
_MOST_TICKS = 16
_DEPTH = 3.0  # of the colours, in distances of the median from the best
_ROOM_FOR_A_FRAME = 0.02  # of a panel's height, above and below the cells
_GAP = 0.03  # between panels
_DARK_INK, _LIGHT_INK = "#000000", "#FFFFFF"
# Here both inks have the same contrast (WCAG 2.2, relative luminance).
_EVEN_LUMINANCE = 0.18


@dataclass(frozen=True, eq=False)
class HeatMapNumbers(SweptNumbers):
    """A metric over two knobs, one panel per scaling: P panels of Y by X settings."""

    down: str
    y: tuple[KnobValue, ...]
    shown: NDArray[np.float64]
    """(P, Y, X) what the colour stands for: the value, or how far it is from the best it compares with."""
    relative: bool
    """Whether `shown` is the value less the best one of equal components and equal scaling."""
    simplest: Place | None

    @property
    def apart(self) -> float:
        """How far the worst is from the best it compares with; NaN if nothing is known."""
        known = self.shown[~np.isnan(self.shown)]
        return -float(known.min()) if len(known) else math.nan

    @property
    def colour_range(self) -> tuple[float, float]:
        """What the colours tell apart: the choice is among good settings, a bad one would make them alike."""
        known = self.shown[~np.isnan(self.shown)]
        if not len(known) or known.min() == known.max():
            middle = float(known[0]) if len(known) else 0.5
            return middle - 0.5, middle + 0.5
        low, middle, high = (float(value) for value in np.quantile(known, [0, 0.5, 1]))
        if METRICS[self.metric].higher_is_better:
            return (max(low, high - _DEPTH * (high - middle)) if middle < high else low), high
        return low, (min(high, low + _DEPTH * (middle - low)) if middle > low else high)

    @property
    def beyond_colours(self) -> tuple[bool, bool]:
        """Whether something lies below and above what the colours tell apart."""
        low, high = self.colour_range
        return bool((self.shown < low).any()), bool((self.shown > high).any())

    @property
    def empty(self) -> tuple[bool, bool]:
        """Whether a setting has no number, and whether one is not done."""
        return bool((np.isnan(self.values) & (self.rows >= 0)).any()), bool((self.rows < 0).any())

    @property
    def coloured(self) -> bool:
        """Whether any cell has a colour."""
        return bool(np.isfinite(self.shown).any())

    def varied_at(self, place: Place) -> dict[str, KnobValue]:
        """The knob along x, and the other one where it has several values."""
        down = {self.down: self.y[place[1]]} if len(self.y) > 1 else {}
        return {**super().varied_at(place), **down}

    def done(self, panel: int) -> list[Place]:
        """The places of a panel whose setting is done."""
        return _places(panel, self.rows[panel] >= 0)

    def crossed(self, panel: int) -> list[Place]:
        """Those of settings that were tried: they failed, or have no such number."""
        return _places(panel, (self.rows[panel] >= 0) & np.isnan(self.shown[panel]))

    def numbered(self, panel: int) -> list[Place]:
        """The places of a panel that have a number."""
        return _places(panel, ~np.isnan(self.shown[panel]))

    def places_of(self, row: int) -> list[Place]:
        """Where a row of the sweep stands, if anywhere."""
        return [(panel, y, x) for panel, y, x in np.argwhere(self.rows == row).tolist()]

    @property
    def colour_shares(self) -> NDArray[np.float64]:
        """(P, Y, X) how far along the colours each number is, from 0 to 1."""
        low, high = self.colour_range
        return np.clip((self.shown - low) / (high - low), 0, 1)


def _places(panel: int, mask: NDArray[np.bool_]) -> list[Place]:
    return [(panel, y, x) for y, x in np.argwhere(mask).tolist()]


def heat_map_numbers(
    sweep: Sweep,
    metric: str | None = None,
    across: str = "components",
    down: str = "bandwidth",
    fixed: Mapping[str, KnobValue] | None = None,
    choice: Choice | None = None,
) -> HeatMapNumbers:
    """A metric of every setting over two knobs.

    Log densities compare only within equal components and equal scaling. So for them the picture shows how
    many nats each lies below the best one that it compares with, among those shown.

    Args:
        sweep: may be cancelled, or not have a row yet.
        metric: one of `METRICS`; that of the choice if None, or else AUROC, or log density without labels.
        across: the knob along x.
        down: the knob along y.
        fixed: values of the other knobs; what is not given is that of the best row, or the first there is.
        choice: the rows to mark.

    Raises:
        OptionError: there is no such metric, knob or value.
    """
    if across == down:
        raise OptionError(f"across and down are both {across!r}: choose two knobs")
    swept = swept_numbers(sweep, metric, (down, across), fixed, choice)
    rows, values, relative = swept.rows, swept.values, swept.metric == "log_density"
    return HeatMapNumbers(
        **vars(swept),
        down=down,
        y=values_of(sweep, down),
        shown=_below_best(sweep, rows, values) if relative else values,
        relative=relative,
        simplest=place_of(sweep, rows, choice and choice.simplest),
    )


def _below_best(sweep: Sweep, rows: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each log density less the best one of equal components in its panel."""
    kept = [sweep.rows[row].components if row >= 0 else -1 for row in rows.ravel().tolist()]
    components = np.array(kept, np.int64).reshape(rows.shape)
    shown = np.full(values.shape, math.nan)
    for panel in range(len(rows)):
        for k in np.unique(components[panel]):
            group = (components[panel] == k) & ~np.isnan(values[panel])
            if group.any():
                shown[panel][group] = values[panel][group] - values[panel][group].max()
    return shown


# --- the picture


def heat_map(
    sweep: Sweep,
    metric: str | None = None,
    across: str = "components",
    down: str = "bandwidth",
    fixed: Mapping[str, KnobValue] | None = None,
    choice: Choice | None = None,
    *,
    picked: int | None = None,
    theme: Theme = NOTEBOOK,
) -> go.Figure:
    """A metric over two knobs, one panel per scaling; a click on a cell gives the place of its row.

    Arguments and errors are those of `heat_map_numbers`; `picked` is the place of the row that is framed.
    """
    numbers = heat_map_numbers(sweep, metric, across, down, fixed, choice)
    return draw_heat_map(numbers, theme, picked)


def draw_heat_map(numbers: HeatMapNumbers, theme: Theme, picked: int | None = None) -> go.Figure:
    """The figure of these numbers."""
    scale = theme.scale[::-1] if METRICS[numbers.metric].higher_is_better else theme.scale
    traces = [
        trace for panel in range(len(numbers.scalings)) for trace in _panel(numbers, panel, scale, theme)
    ]
    names = [html.escape(name) for name in numbers.scalings]
    layout = {
        **_axes(numbers),
        "coloraxis": _colours(numbers, scale),
        "annotations": panel_titles(names, _GAP, 13, theme.text),
        "shapes": frames(numbers, picked, theme),
        "showlegend": False,
        "hoverdistance": 60,  # from the middle of a cell
        "dragmode": False,
        "margin": {"t": 96},
    }
    return drawn(traces, theme, heat_title(numbers), heat_subtitle(numbers), layout)


def _panel(numbers: HeatMapNumbers, panel: int, scale: Sequence[str], theme: Theme) -> Iterator[Part]:
    """The colours, and on each cell a point to hover and click, since colours cannot be selected."""
    x, y = positions(range(len(numbers.x))), positions(range(len(numbers.y)))
    look = {"coloraxis": "coloraxis", "xgap": 2, "ygap": 2, "hoverinfo": "skip"}
    yield {**heat(x, y, numbers.shown[panel], **look), **in_panel(panel)}
    yield {**_settings(numbers, panel), **in_panel(panel)}
    if crossed := numbers.crossed(panel):
        # On the empty cells of settings that were tried: they failed, or have no such number.
        line = {"color": theme.muted, "width": 1.5}
        marker = {"symbol": "x-thin", "size": 8, "line": line}
        shown = {"marker": marker, "unselected": {"marker": {"opacity": 1}}, "hoverinfo": "skip"}
        yield {**_at(crossed, "markers", "no number", **shown), **in_panel(panel)}
    if max(len(numbers.scalings), 1) * len(numbers.x) <= _MOST_COLUMNS and len(numbers.y) <= _MOST_ROWS:
        yield from ({**trace, **in_panel(panel)} for trace in _written(numbers, panel, scale))


def _settings(numbers: HeatMapNumbers, panel: int) -> Part:
    done = numbers.done(panel)
    return _at(
        done,
        "markers",
        "settings",
        customdata=[int(numbers.rows[place]) for place in done],
        hovertext=[heat_hover(numbers, place) for place in done],
        hovertemplate="%{hovertext}<extra></extra>",
        # Small, or neighbours would overlap where there are many.
        marker={"size": 6, "opacity": 0},
        unselected={"marker": {"opacity": 0}},
    )


def _written(numbers: HeatMapNumbers, panel: int, scale: Sequence[str]) -> Iterator[Part]:
    """The numbers, in dark ink on light cells and in light ink on dark ones."""
    inks: dict[str, list[Place]] = {_DARK_INK: [], _LIGHT_INK: []}
    shares = numbers.colour_shares
    for place in numbers.numbered(panel):
        dark = luminance(scale, float(shares[place])) < _EVEN_LUMINANCE
        inks[_LIGHT_INK if dark else _DARK_INK].append(place)
    for ink, places in inks.items():
        if places:
            yield _at(
                places,
                "text",
                "numbers",
                text=[written(numbers.metric, float(numbers.shown[place])) for place in places],
                textfont={"color": ink, "size": 12},
                unselected={"textfont": {"color": ink}},
                hoverinfo="skip",
            )


def _at(places: Sequence[Place], mode: str, name: str, **more: object) -> Part:
    """Something in the middle of these cells."""
    return scatter([x for _, _, x in places], [y for _, y, _ in places], mode, name, **more)


def _axes(numbers: HeatMapNumbers) -> Part:
    panels, room = max(len(numbers.scalings), 1), _ROOM_FOR_A_FRAME * len(numbers.y)
    columns, column_names = ticks(numbers.across, numbers.x, _MOST_TICKS // panels)
    rows, row_names = ticks(numbers.down, numbers.y, _MOST_ROWS)
    right, top = max(len(numbers.x), 1) - 0.5, max(len(numbers.y), 1) - 0.5
    still = {"showline": False, "fixedrange": True}
    x = {"tickvals": columns, "ticktext": column_names, "range": [-0.5, right]}
    y = {"tickvals": rows, "ticktext": row_names, "range": [-0.5 - room, top + room]}
    across = bare_axis(KNOBS[numbers.across], **still, **x)
    down = bare_axis(KNOBS[numbers.down], **still, **y)
    return panel_axes(panels, _GAP, across, down)


def _colours(numbers: HeatMapNumbers, scale: Sequence[str]) -> Part:
    low, high = numbers.colour_range
    ticks_of = TICKS.get(METRICS[numbers.metric].written, {})
    bar = colour_bar(bar_title(numbers), thickness=12, nticks=6, **ticks_of)
    ends = {"cmin": low, "cmax": high, "showscale": numbers.coloured}
    return {"colorscale": colour_scale(scale), **ends, "colorbar": bar}
