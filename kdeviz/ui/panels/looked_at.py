"""Which sample the panel is about: the picked one, or a training sample reached from it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from kdeviz.analysis import training_view
from kdeviz.decision import Decision
from kdeviz.ui.state import Screen, Session, session


class Seen(NamedTuple):
    """A sample, and the decision that judges it."""

    decision: Decision
    row: int
    """Of the inspected rows of that decision."""
    training: bool
    """Whether it is a training sample that is not among the inspected ones of the screen."""


class Place(NamedTuple):
    """Where somebody was."""

    picked: int | None
    training: int | None


@dataclass(eq=False)
class Trail:
    """The way from sample to neighbour to neighbour.

    Attributes:
        at: the training row that is looked at in place of the picked sample.
        past: where the way led through, the last place at the end.
        picks: `Session.picked` on this way; another one ends it.
    """

    at: int | None = None
    past: list[Place] = field(default_factory=list)
    picked: int | None = None


def looked_at(current: Session, screen: Screen) -> Seen | None:
    """The sample that the panel is about; None while none is picked."""
    trail = current.own(Trail)
    if trail.picked != current.picked:
        trail.at, trail.past, trail.picked = None, [], current.picked
    if trail.at is not None:
        return Seen(_of_training(screen.decision), trail.at, True)
    return None if current.picked is None else Seen(screen.decision, current.picked, False)


def look_at_training(row: int) -> None:
    """Go on to this training row; on the map and in the table as well, where it is an inspected one."""
    current = session()
    trail, screen = current.own(Trail), current.screen
    if screen is None:
        return
    trail.past.append(Place(current.picked, trail.at))
    _go_to(current, Place(row, None) if screen.analysis.inspects_training else Place(current.picked, row))


def go_back() -> None:
    """Return to where the last click on a neighbour came from."""
    trail = session().own(Trail)
    if trail.past:
        _go_to(session(), trail.past.pop())


def _go_to(current: Session, place: Place) -> None:
    trail = current.own(Trail)
    trail.at, trail.picked = place.training, place.picked
    if place.picked != current.picked:
        current.pick(place.picked)


def _of_training(decision: Decision) -> Decision:
    return replace(decision, analysis=training_view(decision.analysis))
