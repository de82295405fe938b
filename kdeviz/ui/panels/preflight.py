"""Before you fit: what is known about the loaded file, what looks wrong, and one-click fixes."""

from __future__ import annotations

from concurrent.futures import wait
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kdeviz.data import EmbeddingSet
from kdeviz.errors import DataError
from kdeviz.preflight import Finding, Fix, Preflight, preflight
from kdeviz.settings import Settings
from kdeviz.ui.panels.model import offer_button
from kdeviz.ui.state import Session, session
from kdeviz.ui.widgets.progress import watch
from kdeviz.ui.widgets.text import plain_error
from kdeviz.ui.work.jobs import job_board
from kdeviz.ui.work.loaded import Loaded
from kdeviz.ui.work.reading import FileReading
from kdeviz.ui.work.tasks import Task
from kdeviz.wording import capital, count, size

_SIGNS = {
    "error": ":red[:material/error:]",
    "warning": ":orange[:material/warning:]",
    "note": ":blue[:material/info:]",
    "ok": ":green[:material/check:]",
}
# How long a rerun waits for the checks before it says that they are under way.
_PATIENCE_SECONDS = 0.3
_PLURALS = {"error": "errors", "warning": "warnings", "note": "notes"}


@dataclass(eq=False)
class Checks:
    """What was looked at.

    Attributes:
        of: the data whose checks were drawn last.
        open: whether the panel is open.
        problem: why a fix could not be applied to these data.
        task: the checks that run in the background.
        asked: of which data, and for how many components.
    """

    of: Loaded | None = None
    open: bool = False
    problem: str = ""
    task: Task[Preflight] | None = None
    asked: object = None


_REPORTS: WeakKeyDictionary[EmbeddingSet, dict[tuple[int | float, bool], Preflight]] = WeakKeyDictionary()


def check(data: EmbeddingSet, settings: Settings) -> Preflight:
    """The checks of a file, made once; again only when more components are asked for than it may have."""
    known = _known(data, settings)
    if known is None:
        asked = settings.n_pca_components, settings.standardise
        known = _REPORTS.setdefault(data, {})[asked] = preflight(data, *asked)
    return known


def _report(current: Session, settings: Settings) -> Preflight | None:
    """The checks of the present data; None as long as they are not done, and then the page is watched."""
    checks, data = current.own(Checks), current.data.everything
    known = _known(data, settings)
    if known is not None:
        return known
    asked = (data, settings.n_pca_components, settings.standardise)
    if checks.task is None or checks.asked != asked:
        checks.asked = asked
        checks.task = job_board().start_aside(lambda report, cancelled: check(data, settings))
    wait([checks.task.future], _PATIENCE_SECONDS)
    if checks.task.running:
        return None
    return checks.task.future.result()


def watch_checks(current: Session) -> None:
    """Draw the page again when the checks that it waits for are done."""
    task = current.own(Checks).task
    if task is not None and task.running:
        watch(task.future, task.watch)


def _known(data: EmbeddingSet, settings: Settings) -> Preflight | None:
    components = settings.n_pca_components
    for (asked, standardise), report in _REPORTS.get(data, {}).items():
        enough = asked == components or max(asked, components) <= (report.facts.rank or 0)
        if enough and standardise == settings.standardise:
            return report
    return None


def open_on_problems(current: Session, settings: Settings) -> None:
    """Open the checks when newly loaded data has an error or a warning."""
    checks = current.own(Checks)
    if checks.of is current.data:
        return
    report = _report(current, settings)
    if report is None:
        return
    checks.of, checks.problem = current.data, ""
    serious = any(finding.severity in ("error", "warning") for finding in report.findings)
    checks.open = serious or current.data.before is not None


def checks_button(current: Session, settings: Settings) -> None:
    """One line in the sidebar: how many problems there are; opens and closes the panel."""
    waits_for = "the new file" if current.own(FileReading).task is not None else ""
    report = None if waits_for else _report(current, settings)
    if report is None:
        label = f"Checks: waiting for {waits_for}" if waits_for else "Checks: under way …"
        st.button(label, icon=":material/hourglass_top:", type="tertiary", disabled=True, key="checks_wait")
        return
    kinds = [finding.severity for finding in report.problems]
    parts = [
        f"{kinds.count(kind)} {kind if kinds.count(kind) == 1 else plural}"
        for kind, plural in _PLURALS.items()
        if kind in kinds
    ]
    st.button(
        f"Checks: {', '.join(parts) or 'all passed'}",
        icon=":material/fact_check:",
        type="tertiary",
        on_click=_toggle,
        help="What the file holds and what looks wrong, with one-click fixes.",
    )


def _toggle() -> None:
    checks = session().own(Checks)
    checks.open = not checks.open


def show_checks(current: Session, settings: Settings) -> None:
    """The panel on top of the page, while it is open."""
    checks = current.own(Checks)
    report = _report(current, settings) if checks.open else None
    if report is None:
        return
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader("Before you fit", width="stretch")
            if current.data.before is not None:
                st.button(
                    "Undo the last fix",
                    icon=":material/undo:",
                    on_click=current.use,
                    args=(current.data.before,),
                )
            st.button("Close", icon=":material/close:", on_click=_toggle, key="close_checks")
        st.caption(_facts(report))
        for change in current.data.everything.changes:
            _line(":material/build:", change)
        if checks.problem:
            plain_error("That fix cannot be applied", checks.problem)
        for finding in report.problems:
            _show(finding)
        passed = [finding for finding in report.findings if finding.severity == "ok"]
        with st.expander(f"{count(len(passed))} checks found nothing to do"):
            for finding in passed:
                _show(finding)


def _facts(report: Preflight) -> str:
    facts = report.facts
    parts = [
        f"{count(facts.rows)} rows of {count(facts.dimensions)} dimensions",
        f"{facts.dtype}, {size(facts.bytes)}",
        f"{count(facts.training_rows)} to learn from",
    ]
    if facts.other_rows:
        parts.append(f"{count(facts.other_rows)} to score")
    if facts.rank is not None:
        parts.append(f"rank {'' if facts.rank_is_exact else 'at least '}{count(facts.rank)}")
    return " · ".join(parts)


def _show(finding: Finding) -> None:
    which = f" {capital(finding.which)}." if finding.which else ""
    buttons = _line(_SIGNS[finding.severity], finding.sentence + which)
    with buttons, st.container(horizontal=True, horizontal_alignment="right"):
        for fix in finding.fixes:
            st.button(fix.title, key=f"fix_{fix.name}", on_click=_apply, args=(fix,))
        if finding.offer is not None:
            offer_button(finding.offer, f"offer_{finding.kind}")


def _line(sign: str, sentence: str) -> DeltaGenerator:
    """A sign, a sentence, and room for what to do about it."""
    signs, sentences, rest = st.columns([0.35, 8, 4.4], vertical_alignment="center")
    signs.markdown(sign)
    sentences.text(sentence)
    return rest


def _apply(fix: Fix) -> None:
    current = session()
    try:
        fixed = current.data.fixed(fix)
    except DataError as error:
        current.own(Checks).problem = str(error)
        return
    current.use(fixed)
