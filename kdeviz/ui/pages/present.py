"""Present: five screens for a room, each with one picture and two sentences; the settings are locked."""

from __future__ import annotations

import streamlit as st

from kdeviz.output import story
from kdeviz.ui.panels.present import (
    choose_picture,
    chosen_step,
    offered_pictures,
    picture_name,
    rail,
    show_how_it_works,
    show_words,
)
from kdeviz.ui.panels.present_pictures import Picture, Talk, show_typical, shows_samples
from kdeviz.ui.panels.stability import known_stability, repeat, show_repeating
from kdeviz.ui.panels.threshold import show_plain_threshold
from kdeviz.ui.state import Screen, Session
from kdeviz.ui.work.fitting import with_all_scores

_NORMAL, _LINE, _SURE = 1, 3, 5
_BELOW, _BELOW_WITH_SLIDER = 76, 162
"""Pixels for what stands below the picture."""


@with_all_scores
def show(current: Session, screen: Screen) -> None:
    """Draw the page from the current screen."""
    step, stage = chosen_step()
    if step == _SURE:
        repeat(current, screen)
    stability = known_stability(current, screen)
    told = story(screen.decision, stability)
    title, sentences = told[step - 1]
    below = _BELOW_WITH_SLIDER if step == _LINE else _BELOW
    talk = Talk(screen, current.picked, stability, f"{title}. {' '.join(sentences)}", below)
    offered = offered_pictures(talk, step)
    name = picture_name(offered, step)
    with st.container(key="present", gap="small"):
        rail(told, step, stage, offered[name].samples)
        if stage:
            show_how_it_works(screen, stage)
            return
        show_words(title, sentences)
        _show_step(current, talk, offered[name], step)
        choose_picture(offered, step, name)
        if step == _SURE:
            show_repeating(current, screen)


def _show_step(current: Session, talk: Talk, picture: Picture, step: int) -> None:
    """The picture, with what belongs to it."""
    if step == _NORMAL and shows_samples(talk.screen.analysis.train):
        left, right = st.columns([1.25, 1], gap="medium")
        with left:
            picture.show(talk)
        with right:
            show_typical(talk.screen)
        return
    picture.show(talk)
    if step == _LINE:
        show_plain_threshold(current, talk.screen)
