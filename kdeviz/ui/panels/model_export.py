"""The model of the screen as a file for some program: written, loaded back, compared, and then offered."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from kdeviz.analysis import OnProgress
from kdeviz.decision import Decision
from kdeviz.errors import Cancelled, OptionError
from kdeviz.output import MODEL_FORMATS, Exported, ModelFormat, Verification, export, model_format
from kdeviz.ui.state import Screen, Session
from kdeviz.ui.widgets.help import HELP
from kdeviz.ui.widgets.making import Making, show_making
from kdeviz.ui.widgets.text import plain_warning
from kdeviz.wording import capital, count, number


class Ready(NamedTuple):
    """What can be downloaded."""

    name: str
    content: bytes
    card: str
    verification: Verification


class Exporting(Making[Ready]):
    """The last export of a session."""


def show_model_export(current: Session, screen: Screen) -> None:
    """Draw the choice of formats, and what came of the last export."""
    st.subheader("Model")
    name = st.selectbox(
        "Format",
        list(MODEL_FORMATS),
        format_func=lambda name: model_format(name).title,
        key="export_format",
        help=HELP["export_format"],
    )
    kind, decision = model_format(name), screen.decision
    st.markdown(kind.words)
    if kind.warning:
        plain_warning(f"{capital(kind.warning)}.")
    if obstacle := _obstacle(kind, decision):
        plain_warning(obstacle)
        return
    show_making(
        current.own(Exporting),
        (screen.key, decision.rule, decision.threshold, decision.curve, screen.analysis, name),
        lambda: partial(_exported, decision, kind),
        _offer,
        key="export",
        problem="The file was not written",
        label="Export and check",
        icon=":material/verified:",
        help="Writes the file, loads it with the program that it is for, and compares the scores.",
    )


def _obstacle(kind: ModelFormat, decision: Decision) -> str:
    """Why it cannot be exported so here; empty if it can."""
    try:
        kind.check_installed()
    except OptionError as error:
        return capital(str(error))
    reason = kind.refusal(decision)
    return f"This model cannot be written so: {reason}." if reason else ""


def _exported(
    decision: Decision, kind: ModelFormat, report: OnProgress, cancelled: Callable[[], bool]
) -> Ready:
    def tell(stage: str, fraction: float) -> None:
        if cancelled():
            raise Cancelled("the export was cancelled")
        report(stage, fraction)

    with tempfile.TemporaryDirectory() as folder:
        done = export(decision, kind, Path(folder) / f"model{kind.suffix}", tell)
        return Ready(*_one_file(done), done.card, done.verification)


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


def _offer(ready: Ready) -> None:
    st.markdown(_record(ready.verification))
    if ready.verification.samples is not None:
        st.caption(ready.verification.samples.sentence)
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
        "Rows compared": f"{found.what_rows}; down to {number(found.lowest_log_density)} nats",
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
