"""The model of the screen as a file for some program: written, loaded back, compared, and then offered."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from kdeviz.analysis import OnProgress
from kdeviz.decision import Decision
from kdeviz.errors import Cancelled, OptionError
from kdeviz.output import MODEL_FORMATS, Exported, ModelFormat, Verification, export, model_format
from kdeviz.ui.state import Screen, Session
from kdeviz.ui.widgets.progress import show_progress, watch
from kdeviz.ui.widgets.text import failure_words, plain_error, plain_warning
from kdeviz.ui.work.jobs import job_board
from kdeviz.ui.work.tasks import Task
from kdeviz.wording import capital, count, number

_STEM = "model"


class Ready(NamedTuple):
    """What can be downloaded."""

    name: str
    content: bytes
    card: str
    verification: Verification


class Asked(NamedTuple):
    """Of what an export is: it is another one when any of these changes."""

    key: object
    threshold: float
    curve: object
    format: str


@dataclass(eq=False)
class Exporting:
    """The last export of a session."""

    asked: Asked | None = None
    task: Task[Ready] | None = None


def show_model_export(current: Session, screen: Screen) -> None:
    """Draw the choice of formats, and what came of the last export."""
    st.subheader("Model")
    name = st.selectbox(
        "Format",
        list(MODEL_FORMATS),
        format_func=lambda name: model_format(name).title,
        key="export_format",
        help="For which program the file is.",
    )
    kind, decision = model_format(name), screen.decision
    st.markdown(kind.words)
    if kind.warning:
        plain_warning(f"{capital(kind.warning)}.")
    if obstacle := _obstacle(kind, decision):
        plain_warning(obstacle)
        return
    state = current.own(Exporting)
    asked = Asked(screen.key, decision.threshold, decision.curve, name)
    running = state.task is not None and state.task.running
    there = state.asked == asked and state.task is not None and not running
    st.button(
        "Export and check",
        type="secondary" if there else "primary",
        icon=":material/verified:",
        disabled=running,
        on_click=_start,
        args=(state, asked, decision, kind),
        help="Writes the file, loads it with the program that it is for, and compares the scores.",
    )
    if state.task is None or state.asked != asked:
        return
    if running:
        watch(state.task.future, partial(show_progress, state.task, "export"))
    else:
        _outcome(state.task)


def _obstacle(kind: ModelFormat, decision: Decision) -> str:
    """Why it cannot be exported so here; empty if it can."""
    try:
        kind.check_installed()
    except OptionError as error:
        return f"{capital(str(error))}"
    reason = kind.refusal(decision)
    return f"This model cannot be written so: {reason}." if reason else ""


def _start(state: Exporting, asked: Asked, decision: Decision, kind: ModelFormat) -> None:
    def work(report: OnProgress, cancelled: Callable[[], bool]) -> Ready:
        def tell(stage: str, fraction: float) -> None:
            if cancelled():
                raise Cancelled("the export was cancelled")
            report(stage, fraction)

        with tempfile.TemporaryDirectory() as folder:
            done = export(decision, kind, Path(folder) / f"{_STEM}{kind.suffix}", tell)
            return Ready(*_one_file(done), done.card, done.verification)

    if state.task is not None:
        state.task.cancel()
    state.asked, state.task = asked, job_board().start(work)


def _one_file(done: Exported) -> tuple[str, bytes]:
    """The name and the content: of the file itself, or of an archive where it is several."""
    path = done.paths[0]
    parts = [part for part in done.paths if not part.name.startswith(f"{path.name}.")]
    if len(parts) == 1 and path.is_file():
        return path.name, path.read_bytes()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for part in parts:
            for file in sorted(part.rglob("*")) if part.is_dir() else [part]:
                if file.is_file():
                    packed.write(file, file.relative_to(path.parent))
    return f"{path.name}.zip", archive.getvalue()


def _outcome(task: Task[Ready]) -> None:
    try:
        ready = task.result()
    except Exception as error:
        plain_error("The file was not written", failure_words(error))
        return
    if ready is None:
        plain_warning("Cancelled.")
        return
    st.markdown(_record(ready.verification))
    with st.container(horizontal=True):
        files: dict[str, tuple[str | bytes, str]] = {
            ready.name: (ready.content, ready.name),
            "Model card": (ready.card, f"{ready.name}.card.md"),
            "Record": (ready.verification.to_json(), f"{ready.name}.verification.json"),
        }
        for label, (content, name) in files.items():
            st.download_button(
                label,
                content,
                name,
                on_click="ignore",
                type="primary" if label == ready.name else "secondary",
                icon=":material/download:",
            )


def _record(found: Verification) -> str:
    """The record as a table in Markdown; all its texts are ours."""
    lines = {
        "Loaded by": f"{found.runtime} {found.version}",
        "Rows compared": f"{count(found.rows)}, down to {number(found.lowest_log_density)} nats",
        "Log density off by": f"{number(found.max_log_density_difference, 2)} nats at most",
        "Probability off by": _small(found.max_probability_difference),
        "p-value off by": _small(found.max_p_value_difference),
        "Other verdicts": count(found.verdict_flips),
    }
    if found.rows_out_of_range:
        lines["Below its range"] = f"{count(found.rows_out_of_range)} rows more"
    head = ":green[:material/check_circle:] **Same model** | "
    rows = "".join(f"| {name} | {value} |\n" for name, value in lines.items() if value)
    return f"| {head}|\n| --- | --- |\n{rows}"


def _small(value: float | None) -> str:
    return "" if value is None else f"{number(value, 2)} at most"
