"""Which sample the panel is about: the picked one, or a training sample reached from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

from kdeviz.decision import Decision
from kdeviz.ui.numbering import Numbering
from kdeviz.ui.panels.shown_text import text_column
from kdeviz.ui.state import Screen, Session, session
from kdeviz.ui.widgets.plots import clicked_number
from kdeviz.ui.widgets.tiles import show_tiles, tiles_of


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
    training = None
    if current.neighbour is not None:
        training = replace(screen.decision, analysis=screen.analysis.training_view)
        if training.analysis.points[current.neighbour] < 0:  # left out by another cap
            training = current.neighbour = None
    trail, here = current.own(Trail), Place(current.picked, current.neighbour)
    if trail.at != here:
        # A neighbour that the address led to was reached from the picked sample.
        from_picked = here.picked is not None and here.neighbour is not None
        trail.at, trail.past = here, [Place(here.picked, None)] if from_picked else []
    if training is not None and current.neighbour is not None:
        return Seen(training, current.neighbour, True)
    return None if current.picked is None else Seen(screen.decision, current.picked, False)


def pick_clicked(key: str) -> None:
    """Pick the inspected row that was clicked on the chart, or among the tiles, with this key."""
    if (row := clicked_number(key)) is not None:
        session().pick(int(row))


def show_training(
    screen: Screen, rows: Sequence[int], notes: Sequence[str], key: str, alt: str, about: object
) -> None:
    """Draw tiles of training samples, with a note each; a click goes on to one. See `show_tiles`."""
    tiles = tiles_of(screen.analysis.train, rows, notes, text_column())
    show_tiles(tiles, key, alt, about, partial(_follow, key))


def _follow(key: str) -> None:
    """Go on to the training row that was clicked; in the table as well, where it is an inspected one."""
    current, row = session(), clicked_number(key)
    if current.screen is None or row is None:
        return
    current.own(Trail).past.append(Place(current.picked, current.neighbour))
    listed = current.screen.analysis.inspects_training
    _go_to(current, Place(int(row), None) if listed else Place(current.picked, int(row)))


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
