"""Before you fit: what is known about the loaded file, what looks wrong, and one-click fixes."""

from __future__ import annotations

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
from kdeviz.ui.widgets.text import plain_error
from kdeviz.ui.work.loaded import Loaded
from kdeviz.wording import count, size

_SIGNS = {
    "error": ":red[:material/error:]",
    "warning": ":orange[:material/warning:]",
    "note": ":blue[:material/info:]",
    "ok": ":green[:material/check:]",
}
_PLURALS = {"error": "errors", "warning": "warnings", "note": "notes"}


@dataclass(eq=False)
class Checks:
    """What was looked at.

    Attributes:
        of: the data whose checks were drawn last.
        open: whether the panel is open.
        problem: why a fix could not be applied to these data.
    """

    of: Loaded | None = None
    open: bool = False
    problem: str = ""


_REPORTS: WeakKeyDictionary[EmbeddingSet, dict[tuple[int | float, bool], Preflight]] = WeakKeyDictionary()


def check(data: EmbeddingSet, settings: Settings) -> Preflight:
    """The checks of a file, made once; again only when more components are asked for than it may have."""
    known = _REPORTS.setdefault(data, {})
    components, wanted = settings.n_pca_components, settings.standardise
    for (asked, standardise), report in known.items():
        enough = asked == components or max(asked, components) <= (report.facts.rank or 0)
        if enough and standardise == wanted:
            return report
    known[components, wanted] = preflight(data, components, wanted)
    return known[components, wanted]


def open_on_problems(current: Session, settings: Settings) -> None:
    """Open the checks when newly loaded data has an error or a warning."""
    checks = current.own(Checks)
    if checks.of is current.data:
        return
    checks.of, checks.problem = current.data, ""
    report = check(current.data.everything, settings)
    serious = any(finding.severity in ("error", "warning") for finding in report.findings)
    checks.open = serious or current.data.before is not None


def checks_button(current: Session, settings: Settings) -> None:
    """One line in the sidebar: how many problems there are; opens and closes the panel."""
    problems = check(current.data.everything, settings).problems
    kinds = [finding.severity for finding in problems]
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
    if not checks.open:
        return
    report = check(current.data.everything, settings)
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
    buttons = _line(_SIGNS[finding.severity], finding.sentence)
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
