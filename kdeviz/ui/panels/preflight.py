"""Checks of the file: what is known about the loaded file, what looks wrong, and one-click fixes."""

from __future__ import annotations

from concurrent.futures import wait
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import streamlit as st

from kdeviz.data import EmbeddingSet
from kdeviz.errors import DataError
from kdeviz.preflight import Finding, Fix, Preflight, finding_of, preflight
from kdeviz.settings import Settings
from kdeviz.ui.panels.model import offer_button
from kdeviz.ui.state import Session, session
from kdeviz.ui.widgets.address import say
from kdeviz.ui.widgets.parameters import Possible, among
from kdeviz.ui.widgets.progress import watch
from kdeviz.ui.widgets.text import line_with, plain_error
from kdeviz.ui.work.fitting import awaits_picture
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
_CLOSED, _YES = "checks_closed", "yes"
_PLURALS = {"error": "errors", "warning": "warnings", "note": "notes"}


@dataclass(eq=False)
class Checks:
    """What was looked at.

    Attributes:
        of: the data whose checks were drawn last.
        page: the path of the page that the panel is open on; None while it is closed.
        by_hand: whether somebody opened it, and not what was found.
        problem: why a fix could not be applied to these data.
        task: the checks that run in the background.
        asked: of which data, and for how many components.
    """

    of: Loaded | None = None
    page: str | None = None
    by_hand: bool = False
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
    """The checks of the present data, with what a fit of them found; None as long as they are not done."""
    report, screen = _before_a_fit(current, settings), current.screen
    if report is None or screen is None or screen.key[:2] != (current.data.token, settings):
        return report
    return report.and_also(finding_of(screen.analysis.groups))


def _before_a_fit(current: Session, settings: Settings) -> Preflight | None:
    """The checks of the file alone; None as long as they are not done, and then the page is watched."""
    checks, data = current.own(Checks), current.data.everything
    known = _known(data, settings)
    if known is not None:
        return known
    if current.data.is_large and awaits_picture(current):
        return None
    asked = (data, settings.n_pca_components, settings.standardise)
    if checks.task is None or checks.asked != asked:
        checks.asked = asked
        checks.task = job_board().start_aside(lambda report, cancelled: check(data, settings))
    wait([checks.task.future], _PATIENCE_SECONDS)
    return None if checks.task.running else checks.task.future.result()


def watch_checks(current: Session) -> None:
    """Draw the page again when the checks that it waits for are done."""
    task = current.own(Checks).task
    if task is not None and task.running:
        watch(task.future, task.watch)


def _known(data: EmbeddingSet, settings: Settings) -> Preflight | None:
    components = settings.n_pca_components
    # A copy: another thread may add one meanwhile.
    for (asked, standardise), report in tuple(_REPORTS.get(data, {}).items()):
        enough = asked == components or max(asked, components) <= (report.facts.rank or 0)
        if enough and standardise == settings.standardise:
            return report
    return None


def open_on_problems(current: Session, settings: Settings) -> None:
    """Open the checks, on Explore, when newly loaded data has an error or a warning.

    What somebody has closed stays closed when the page is loaded again.
    """
    checks = current.own(Checks)
    if checks.of is current.data:
        return
    report = _report(current, settings)
    if report is None:
        return
    again = checks.of is None and _CLOSED in st.query_params
    checks.of, checks.problem = current.data, ""
    serious = any(finding.severity in ("error", "warning") for finding in report.findings)
    checks.page = "" if current.data.before is not None or (serious and not again) else None
    checks.by_hand = False
    if not again:
        say(_CLOSED, None)


def address() -> dict[str, Possible]:
    """What the address may say of the panel."""
    return {_CLOSED: among((_YES,))}


def checks_button(current: Session, settings: Settings, page: str) -> None:
    """One line in the sidebar: how many problems there are; opens and closes the panel."""
    waits = current.own(FileReading).task is not None
    report = None if waits else _report(current, settings)
    if report is None:
        label = "Checks: waiting for the new file" if waits else "Checks: under way …"
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
        args=(page,),
        help="What the file holds and what looks wrong, with one-click fixes.",
    )


def _toggle(page: str) -> None:
    checks = session().own(Checks)
    checks.page, checks.by_hand = None if checks.page == page else page, True
    say(_CLOSED, _YES if checks.page is None else None)


def show_checks(current: Session, settings: Settings, page: str) -> None:
    """The panel on top of the page that it was opened on."""
    checks = current.own(Checks)
    report = _report(current, settings) if checks.page == page else None
    if report is None:
        return
    if not (checks.by_hand or report.problems or current.data.before):
        checks.page = None  # other settings have solved what it was opened for
        return
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader("Checks of the file", width="stretch")
            if current.data.before is not None:
                st.button(
                    "Undo the last fix",
                    icon=":material/undo:",
                    on_click=current.use,
                    args=(current.data.before,),
                )
            st.button("Close", icon=":material/close:", on_click=_toggle, args=(page,), key="close_checks")
        st.caption(_facts(report))
        for change in current.data.everything.changes:
            line_with(":material/build:", change)
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
        f"{count(facts.rows)} rows of {count(facts.dimensions)} dimension{'s' * (facts.dimensions != 1)}",
        f"{facts.dtype}, {size(facts.bytes)}",
        f"{count(facts.training_rows)} to learn from",
    ]
    if facts.other_rows:
        parts.append(f"{count(facts.other_rows)} more to score")
    if facts.rank is not None:
        least = "" if facts.rank_is_exact else "at least "
        parts.append(f"varying along {least}{count(facts.rank)} direction{'s' * (facts.rank != 1)}")
    return " · ".join(parts)


def _show(finding: Finding) -> None:
    which = f" {capital(finding.which)}." if finding.which else ""
    buttons = line_with(_SIGNS[finding.severity], finding.sentence + which)
    with buttons, st.container(horizontal=True, horizontal_alignment="right"):
        for fix in finding.fixes:
            st.button(fix.title, key=f"fix_{fix.name}", on_click=_apply, args=(fix,))
        if finding.offer is not None:
            offer_button(finding.offer, f"offer_{finding.kind}")


def _apply(fix: Fix) -> None:
    current = session()
    try:
        fixed = current.data.fixed(fix)
    except DataError as error:
        current.own(Checks).problem = str(error)
        return
    current.use(fixed)
