"""The screen as a report: made in the background, and then offered."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from kdeviz.analysis import OnProgress
from kdeviz.ui.panels.shown_text import text_column
from kdeviz.ui.panels.stability import finished_stability
from kdeviz.ui.state import Screen, Session
from kdeviz.ui.widgets.making import Making, show_making
from kdeviz.ui.work.jobs import Work
from kdeviz.ui.work.reporting import screen_extras, screen_report
from kdeviz.ui.work.sweep_run import SweepRun
from kdeviz.wording import size

_NAME = "report.html"


class Reporting(Making[bytes]):
    """The last report of a session."""


def show_report_export(current: Session, screen: Screen) -> None:
    """Draw the button, how far the report is, and the file."""
    st.subheader("Report")
    st.markdown(
        "One file for people without kdeviz: what was found and how sure that is, in plain words, with "
        "charts and the most anomalous samples. It opens in any browser, without a network."
    )
    show_making(
        current.own(Reporting),
        _asked(current, screen),
        partial(_prepared, current, screen),
        _offer,
        key="write_report",
        problem="The report was not written",
        label="Write the report",
        icon=":material/article:",
        help="Explains each of the most anomalous samples, so it takes a while with many training samples.",
    )


def _asked(current: Session, screen: Screen) -> tuple[object, ...]:
    """Equal as long as the report would be the same."""
    swept = _ended_sweep(current, screen)
    return (
        *screen.told,
        finished_stability(current, screen),
        None if swept is None else (swept.id, len(swept.rows)),
        text_column(),
    )


def _ended_sweep(current: Session, screen: Screen) -> SweepRun | None:
    """The sweep that is told of: one that still runs would be another one with every row."""
    run = current.swept
    if run is None or run.token != screen.key[0] or run.task.running:
        return None
    return run if run.rows else None


def _prepared(current: Session, screen: Screen) -> Work[bytes]:
    swept = _ended_sweep(current, screen)
    sweep = None if swept is None else swept.finished
    extras = screen_extras(screen, "", finished_stability(current, screen), sweep, text_column())

    def work(report: OnProgress, cancelled: Callable[[], bool]) -> bytes:
        return screen_report(screen, extras, report, cancelled).encode()

    return work


def _offer(content: bytes) -> None:
    st.download_button(
        f"Download ({size(len(content))})",
        content,
        _NAME,
        "text/html",
        key="download_report",
        on_click="ignore",
        type="primary",
        icon=":material/download:",
    )
