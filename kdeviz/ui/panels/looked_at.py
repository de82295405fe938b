"""Which sample the panel is about: the picked one, or a training sample reached from it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from kdeviz.decision import Decision
from kdeviz.ui.numbering import Numbering
from kdeviz.ui.state import Screen, Session, session


class Seen(NamedTuple):
    """A sample, and the decision that judges it."""

    decision: Decision
    row: int
    """Of the inspected rows of that decision."""
    training: bool
    """Whether it is a training sample that is not among the inspected ones of the screen."""


class Place(NamedTuple):
    """Where somebody is."""

    picked: int | None
    neighbour: int | None


_NOWHERE = Place(None, None)


@dataclass(eq=False)
class Trail:
    """The way from sample to neighbour to neighbour.

    Attributes:
        at: where it has led to; whoever is elsewhere has begun another.
        past: where the way led through, the last place at the end.
    """

    at: Place = _NOWHERE
    past: list[Place] = field(default_factory=list)

    def renumber(self, numbering: Numbering) -> None:
        """See `Renumbered`."""
        self.at, *self.past = [
            place if place.picked is None else place._replace(picked=numbering.row(place.picked))
            for place in (self.at, *self.past)
        ]


def looked_at(current: Session, screen: Screen) -> Seen | None:
    """The sample that the panel is about; None while none is picked."""
    training = None if current.neighbour is None else _of_training(screen.decision)
    if training is not None and training.analysis.points[current.neighbour] < 0:  # left out by another cap
        training = current.neighbour = None
    trail, here = current.own(Trail), Place(current.picked, current.neighbour)
    if trail.at != here:
        # A neighbour that the address led to was reached from the picked sample.
        from_picked = here.picked is not None and here.neighbour is not None
        trail.at, trail.past = here, [Place(here.picked, None)] if from_picked else []
    if training is not None and current.neighbour is not None:
        return Seen(training, current.neighbour, True)
    return None if current.picked is None else Seen(screen.decision, current.picked, False)


def look_at_training(row: int) -> None:
    """Go on to this training row; in the table as well, where it is an inspected one."""
    current = session()
    trail, screen = current.own(Trail), current.screen
    if screen is None:
        return
    trail.past.append(Place(current.picked, current.neighbour))
    _go_to(current, Place(row, None) if screen.analysis.inspects_training else Place(current.picked, row))


def go_back() -> None:
    """Return to where the last click on a neighbour came from."""
    trail = session().own(Trail)
    if trail.past:
        _go_to(session(), trail.past.pop())


def _go_to(current: Session, place: Place) -> None:
    if place.picked != current.picked:
        current.pick(place.picked)
    current.neighbour = place.neighbour
    current.own(Trail).at = place


def _of_training(decision: Decision) -> Decision:
    return replace(decision, analysis=decision.analysis.training_view)
