"""What a presenter chooses: the step, its picture, how it works; all of it in the address."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field

import streamlit as st

from kdeviz import charts
from kdeviz.charts import HowItWorksNumbers
from kdeviz.output import Story
from kdeviz.ui.panels.present_pictures import PICTURES, Picture, Talk, step_sample
from kdeviz.ui.state import Screen, session, theme
from kdeviz.ui.widgets.address import read_choice, say, write_choice
from kdeviz.ui.widgets.bumps import show_bumps
from kdeviz.ui.widgets.history import is_going_back
from kdeviz.ui.widgets.parameters import Possible, among
from kdeviz.ui.widgets.rail import asked, show_rail
from kdeviz.wording import count, number, percent

_STEP, _HOW, _PICTURE = "step", "how", "picture"
_STEPS = tuple(range(1, len(PICTURES) + 1))
STAGES = ("Points", "Bumps", "Density", "Threshold")


@dataclass(eq=False)
class Shown:
    """Which picture each step was shown by last, and whether the address has said so."""

    pictures: dict[int, str] = field(default_factory=dict)
    read: bool = False


def address() -> dict[str, Possible]:
    """What the address may say of the talk."""
    return {
        _STEP: among(map(str, _STEPS)),
        _HOW: among(str(stage + 1) for stage in range(len(STAGES))),
        _PICTURE: among(name for pictures in PICTURES for name in pictures),
    }


def chosen_step() -> tuple[int, int]:
    """The step from 1 on, and the stage of "how it works": 0 while that is off."""
    read_choice(_STEP, _STEPS, 1)
    read_choice(_HOW, range(len(STAGES) + 1), 0)
    write_choice(_STEP, 1)
    write_choice(_HOW, 0)
    return st.session_state[_STEP], st.session_state[_HOW]


def rail(story: Story, step: int, stage: int, samples: bool) -> None:
    """Draw the steps of the talk, or of "how it works"."""
    titles = STAGES if stage else [one.title for one in story]
    show_rail(
        titles,
        stage or step,
        how=stage > 0,
        samples=samples and not stage,
        on_step=_go,
        on_how=_switch,
        on_sample=_next_sample,
    )


def _go() -> None:
    to = int(asked("step").get("to", 1))
    how = bool(st.session_state[_HOW])
    st.session_state[_HOW if how else _STEP] = min(max(to, 1), len(STAGES) if how else len(_STEPS))


def _switch() -> None:
    st.session_state[_HOW] = 1 if asked("how").get("on") else 0


def _next_sample() -> None:
    step_sample(1 if asked("sample").get("by", 1) > 0 else -1)


def offered_pictures(talk: Talk, step: int) -> dict[str, Picture]:
    """The pictures that this decision has for a step."""
    return {name: picture for name, picture in PICTURES[step - 1].items() if picture.offered(talk)}


def picture_name(offered: dict[str, Picture], step: int) -> str:
    """Which of them is shown: as chosen, as the address says, or the first."""
    shown = session().own(Shown)
    if not shown.read or is_going_back():
        shown.read = True
        shown.pictures[step] = st.query_params.get(_PICTURE, "")
    first = next(iter(offered))
    name = shown.pictures.get(step, first)
    return name if name in offered else first


def choose_picture(offered: dict[str, Picture], step: int, name: str) -> None:
    """Draw the choice, and write it into the address."""
    names = list(offered)
    say(_PICTURE, None if name == names[0] else name)
    if len(names) < 2:
        return
    key = f"{_PICTURE}_{step}"
    st.session_state[key] = name
    st.segmented_control(
        "Picture",
        names,
        required=True,
        key=key,
        on_change=_choose,
        args=(step,),
        label_visibility="collapsed",
    )


def _choose(step: int) -> None:
    session().own(Shown).pictures[step] = st.session_state[f"{_PICTURE}_{step}"]


def show_words(title: str, sentences: Sequence[str]) -> None:
    """The two sentences of a screen, large; a screen reader says them when they change."""
    told = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in sentences)
    st.html(f'<div class="kdeviz-words" aria-live="polite"><h1>{html.escape(title)}</h1>{told}</div>')


def show_how_it_works(screen: Screen, stage: int) -> None:
    """One stage of the animation, and what it shows."""
    numbers = charts.how_it_works_numbers(screen.decision)
    sentences = how_words(numbers, screen)[stage - 1]
    show_words(STAGES[stage - 1], sentences)
    line = "threshold" if numbers.components == 1 else f"{percent(numbers.share)} of training samples below"
    show_bumps(numbers, stage, line, " ".join(sentences), theme())


def how_words(numbers: HowItWorksNumbers, screen: Screen) -> tuple[tuple[str, str], ...]:
    """Two sentences for each stage; here technical terms are allowed."""
    settings, k = screen.analysis.settings, count(numbers.components)
    in_all = f" in all {k} components" if numbers.components > 1 else ""
    which = f"component {numbers.component + 1} of {k}"
    why = ", in which the flagged samples lie farthest out" if screen.decision.n_flagged else ""
    rule = (
        settings.bandwidth
        if isinstance(settings.bandwidth, str)
        else f"{number(settings.bandwidth)} times Scott"
    )
    return (
        (
            f"PCA describes each of the {count(numbers.n)} training samples by {k} components instead of "
            f"{count(screen.analysis.train.features.shape[1])} numbers.",
            f"Drawn is {which}{why}.",
        ),
        (
            "Each training sample gets a bump, a Gaussian kernel: what is near it counts as similar.",
            f"Its width, the bandwidth, is {number(numbers.width / numbers.spread, 2)} of the spread of the "
            f"samples, by the rule “{rule}”; {count(len(numbers.bumps))} of the bumps are drawn, enlarged.",
        ),
        (
            f"All {count(numbers.n)} bumps add up to the density: high where many samples are alike.",
            f"The model does the same{in_all} at once; its logarithm is the score of a sample."
            if in_all
            else "Its logarithm is the score of a sample.",
        ),
        (
            f"A sample is flagged where its log density{in_all} is below the threshold, "
            f"{number(numbers.threshold)}.",
            _below_words(numbers),
        ),
    )


def _below_words(numbers: HowItWorksNumbers) -> str:
    """Where the flagged samples lie along the one component that is drawn."""
    if numbers.components == 1:
        return "There is one component, and the line is that threshold."
    below, flagged = count(numbers.n_below), count(numbers.n_flagged)
    if numbers.n_below == numbers.n_flagged:
        share = percent(numbers.share)
        return (
            f"Drawn is one of them: {share} of training samples lie below its line, as below the threshold."
        )
    return (
        f"Drawn is one of them: {below} of {flagged} flagged samples lie below its line (dots); the others "
        "(rings) are unusual in all together."
    )
