"""Explore: the map, the densities, the most anomalous samples, and the one that was picked."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from kdeviz import figures, views
from kdeviz.ui.downloads import score_downloads
from kdeviz.ui.state import Screen, Session, session, theme
from kdeviz.ui.text import plain_warning
from kdeviz.wording import count, duration, number, percent

__all__ = ["show"]

_CHART_HEIGHT = 400
_TABLE_ROWS = 200
_TOOLS = {
    "displaylogo": False,
    "scrollZoom": False,
    "displayModeBar": True,
    "modeBarButtons": [["zoomIn2d", "zoomOut2d", "resetScale2d"]],
}
_MAP_TOOLS = {"Pick": "pan", "Box": "select", "Lasso": "lasso"}
_TOOLS_3D = {**_TOOLS, "modeBarButtons": [["orbitRotation", "pan3d", "resetCameraDefault3d"]]}
_NO_TOOLS = {"displayModeBar": False}


def show() -> None:
    """Draw the page from the current screen."""
    current = session()
    screen = current.screen
    if screen is None:
        st.info("The first fit is under way.", icon=":material/hourglass_top:")
        st.skeleton(_CHART_HEIGHT)
        return
    for message in screen.analysis.warnings:
        plain_warning(message)
    components, colour_by, tool = _headline(screen)
    left, right = st.columns([1.15, 1], gap="medium")
    with left:
        _map(current, screen, components, colour_by, tool)
    with right:
        _densities(current, screen)
    left, right = st.columns([1.15, 1], gap="medium")
    with left:
        _table(current, screen)
    with right:
        _details(current, screen)


def _headline(screen: Screen) -> tuple[tuple[int, ...], str, str]:
    """The four numbers, and what the map is asked to show."""
    numbers = views.summary(screen.analysis, screen.threshold)
    columns = st.columns([1, 1, 1, 0.8, 0.9], vertical_alignment="center")
    columns[0].metric(
        "Flagged",
        f"{count(numbers.flagged)} of {count(numbers.inspected)}",
        help=f"Samples whose log density is below the threshold of {numbers.threshold:.6g} nats.",
    )
    columns[1].metric(
        "Expected false alarms",
        f"{percent(numbers.expected_alarm_rate)}",
        help="Share of the training samples that would be flagged, each judged by a model that has not "
        f"seen it: about {number(1000 * numbers.expected_alarm_rate)} in 1 000 normal samples.",
    )
    columns[2].metric(
        "Separation (AUROC)",
        "no labels" if numbers.auroc is None else number(numbers.auroc),
        help="The chance that a random anomalous sample scores lower than a random normal one: 1 is perfect, "
        "0.5 is guessing. Needs labels of both kinds."
        + ("" if numbers.auroc is None else f" Exactly {numbers.auroc:.6f}."),
    )
    columns[3].metric(
        "Fit and score",
        duration(numbers.seconds),
        help=f"Time to fit the model and score every sample, on {screen.analysis.provenance['device']} "
        f"({screen.kernel}).",
    )
    with columns[4]:
        return _map_controls(screen)


def _map(current: Session, screen: Screen, components: tuple[int, ...], colour_by: str, tool: str) -> None:
    analysis = screen.analysis
    if len(components) < 2:
        st.info("A map needs two components: the model kept one.", icon=":material/info:")
        return
    view = views.map_view(analysis, components, colour_by, screen.threshold)
    flat = len(components) == 2
    figure = figures.map_figure(
        view,
        theme(),
        _hover_names(screen, view),
        views.contours(analysis, (components[0], components[1])) if flat else None,
        views.score_range(analysis) if colour_by == "log density" else None,
        current.mark(screen),
        current.region,
        tool,
    )
    figure.update_layout(height=_CHART_HEIGHT)
    st.plotly_chart(
        figure,
        theme=None,
        key="map",
        config=_TOOLS if flat else _TOOLS_3D,
        on_select=partial(_map_selected, components) if flat else "ignore",
        selection_mode=("points", "box", "lasso"),
        alt="Samples projected on principal components",
    )


def _map_controls(screen: Screen) -> tuple[tuple[int, ...], str, str]:
    kept = screen.analysis.classifier.n_components_
    with st.popover("Axes, colour", icon=":material/tune:", width="stretch"):
        colour_by = st.selectbox(
            "Colour by",
            views.colour_choices(screen.analysis),
            key="colour",
            bind="query-params",
            help="Log density is what the model says; verdict is the side of the threshold; the others come "
            "from the file.",
        )
        dimensions = st.segmented_control(
            "Dimensions",
            ["2D", "3D"],
            default="2D",
            required=True,
            key="dimensions",
            bind="query-params",
            disabled=kept < 3,
        )
        wanted = min(3 if dimensions == "3D" else 2, kept)
        axes = [_axis(name, i + 1, kept) for i, name in enumerate("xyz"[:wanted])]
    if len(set(axes)) < len(axes):
        st.caption("Choose different components for the axes.")
        axes = list(range(1, wanted + 1))
    # Streamlit lets a click pick a sample only while dragging pans.
    tool = st.segmented_control(
        "On the map",
        list(_MAP_TOOLS),
        default="Pick",
        required=True,
        key="tool",
        label_visibility="collapsed",
        width="stretch",
        disabled=len(axes) != 2,
    )
    return tuple(axis - 1 for axis in axes), colour_by or "log density", _MAP_TOOLS[tool or "Pick"]


def _axis(name: str, first: int, kept: int) -> int:
    key = f"axis_{name}"
    if st.session_state.get(key, 1) > kept:
        st.session_state[key] = first
    axis: int = st.number_input(f"{name} axis: component", 1, kept, first, key=key, bind="query-params")
    return axis


def _hover_names(screen: Screen, view: views.MapView) -> list[str]:
    analysis = screen.analysis
    ids, labels = analysis.inspected.ids[view.rows], analysis.inspected.labels
    known = (
        [""] * len(ids) if labels is None else [f"\n{views.LABEL_WORDS[int(v)]}" for v in labels[view.rows]]
    )
    coloured = "" if view.colour_name == "log density" else f"\n{view.colour_name}: "
    return [
        f"{name}{label}\nlog density {number(score, 4)}" + (f"{coloured}{value}" if coloured else "")
        for name, label, score, value in zip(ids, known, analysis.scores[view.rows], view.colour, strict=True)
    ]


def _map_selected(components: tuple[int, ...]) -> None:
    """A click picks a sample; a box or lasso selects every sample inside it, drawn or not."""
    current = session()
    chosen = st.session_state["map"]["selection"]
    if current.screen is None:
        return
    analysis = current.screen.analysis
    if chosen["box"]:
        box = chosen["box"][0]
        current.region = views.rows_inside(analysis, components, box=(tuple(box["x"]), tuple(box["y"])))
    elif chosen["lasso"]:
        outline = np.column_stack([chosen["lasso"][0]["x"], chosen["lasso"][0]["y"]])
        current.region = views.rows_inside(analysis, components, lasso=outline)
    elif chosen["points"]:
        current.pick(int(np.ravel(chosen["points"][0]["customdata"])[0]))
    else:
        current.region = None


def _densities(current: Session, screen: Screen) -> None:
    analysis = screen.analysis
    view = views.density_histogram(analysis, screen.threshold)
    curve = views.probability_curve(analysis, screen.curve, screen.threshold, view.edges)
    figure = figures.density_figure(view, theme(), curve, current.mark(screen))
    figure.update_layout(height=_CHART_HEIGHT)
    st.plotly_chart(
        figure, theme=None, key="densities", config=_NO_TOOLS, alt="Histograms of log density and the curve"
    )


def _table(current: Session, screen: Screen) -> None:
    table = views.ranking(screen.analysis, screen.threshold, screen.curve)
    if current.region is not None:
        table = table[table["row"].isin(current.region)]
    _region_bar(current, screen)
    shown = table.head(_TABLE_ROWS).reset_index(drop=True)
    st.caption(
        f"{count(len(shown))} of {count(len(table))} shown, the most anomalous first. "
        "Pick a row to see it on every chart."
    )
    inspected = screen.analysis.inspected
    pictures = inspected.thumbnails is not None
    visible = shown.drop(columns=["row", "flagged"])
    columns = _columns(visible, inspected.labels is not None)
    if pictures:
        images = [inspected.thumbnail_uri(int(row)) for row in shown["row"]]
        # Longer than, so unlike, any other name: an image column fetches the addresses it holds.
        name = "picture".ljust(max(map(len, columns)) + 1)
        visible.insert(0, name, pd.Series(images, dtype=object))
        columns[name] = st.column_config.ImageColumn("", width=58)
    # The table keeps its highlight under one key, also when the row means another sample or none is meant.
    key = f"table_{hash(tuple(shown['row']))}_{current.picks}"
    chosen = np.flatnonzero(shown["row"] == current.picked).tolist()
    st.dataframe(
        visible,
        key=key,
        hide_index=True,
        height=_CHART_HEIGHT - 40,
        row_height=48 if pictures else None,
        on_select=partial(_row_selected, key, shown["row"].to_numpy()),
        selection_mode="single-row",
        selection_default={"selection": {"rows": chosen, "columns": [], "cells": []}},
        column_config=columns,
    )


def _columns(table: pd.DataFrame, labelled: bool) -> dict[str, ColumnConfig]:
    """How each column is shown: ours as we like, the file's texts as nothing but text."""
    columns: dict[str, ColumnConfig] = {}
    for name in map(str, table):
        is_text = pd.api.types.infer_dtype(table[name]) in ("string", "categorical")
        columns[name] = (st.column_config.TextColumn if is_text else st.column_config.Column)(name)
    columns |= {
        "rank": st.column_config.NumberColumn("Rank", help="1 is the most anomalous.", width=50),
        "id": st.column_config.TextColumn("Sample", width=98),
        "log_density": st.column_config.NumberColumn(
            "Log density", format="%.2f", help="How usual the sample is, in nats: lower is more anomalous."
        ),
        "probability": st.column_config.NumberColumn(
            "Probability",
            format="%.3f",
            width=84,
            help="Of being anomalous, read off the probability curve.",
        ),
    }
    if labelled:
        what = "What the file says about this sample."
        columns["label"] = st.column_config.TextColumn("Label", help=what, width=84)
    return columns


def _region_bar(current: Session, screen: Screen) -> None:
    if current.region is None:
        st.subheader("Most anomalous samples")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(f"{count(len(current.region))} selected on the map", width="stretch")
        st.button("Clear", on_click=_clear_region)
        score_downloads(screen, "selection", current.region)


def _clear_region() -> None:
    session().region = None


def _row_selected(key: str, rows: Any) -> None:
    chosen = st.session_state[key]["selection"]["rows"]
    session().picked = int(rows[chosen[0]]) if chosen else None


def _details(current: Session, screen: Screen) -> None:
    analysis = screen.analysis
    if current.picked is not None:
        _picked(current.picked, screen)
    figure = figures.scree_figure(views.scree(analysis), theme())
    figure.update_layout(height=240 if current.picked is not None else _CHART_HEIGHT - 40)
    st.plotly_chart(figure, theme=None, key="scree", config=_NO_TOOLS, alt="Variance per component")


def _picked(row: int, screen: Screen) -> None:
    sample = views.sample_view(screen.analysis, row, screen.threshold, screen.curve)
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        # Bytes would be decoded here, on the server; the browser is the safer place.
        picture = screen.analysis.inspected.thumbnail_uri(row)
        if picture is not None:
            st.image(picture, width=112)
        with st.container():
            st.text(f"{sample.name}" + (f" · labelled {sample.label}" if sample.label else ""))
            verdict = (
                ":orange[:material/flag: **flagged**]" if sample.flagged else ":material/check: not flagged"
            )
            st.markdown(f"{verdict} · rank **{count(sample.rank)}** of {count(sample.total)}")
            st.markdown(
                f"log density **{number(sample.log_density, 4)}** · "
                f"{number(abs(sample.above_threshold), 3)} nats "
                f"{'above' if sample.above_threshold >= 0 else 'below'} the threshold · "
                f"probability **{number(sample.probability)}**"
            )
            st.markdown(f"More unusual than {percent(sample.more_unusual_than)} of the training samples.")
