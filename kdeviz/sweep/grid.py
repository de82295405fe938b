"""Grid: lists of values for each knob, and the settings they make."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import product
from typing import Any, TypeVar

from kdeviz.errors import OptionError
from kdeviz.settings import FeatureScalingMethod, Settings, number_or_text

MOST_SETTINGS = 10_000
"""No person waits for more, and none reads so many rows."""

YES_OR_NO = {"no": False, "yes": True}
"""How `Grid.parse` reads what is either so or not."""

_DEFAULTS = Settings()
Value = TypeVar("Value")


@dataclass(frozen=True)
class Grid:
    """Every combination of these values.

    Attributes:
        components: as `Settings.n_pca_components`.
        scalings: as `Settings.feature_scaling_method`.
        caps: as `Settings.max_training_points`.
        bandwidths: as `Settings.bandwidth`.
        seeds: as `Settings.seed`.
        standardise: as `Settings.standardise`.

    Raises:
        OptionError: a list is empty, a value is not possible, or there are more than `MOST_SETTINGS`
            combinations.
    """

    components: tuple[int | float, ...] = (_DEFAULTS.n_pca_components,)
    scalings: tuple[FeatureScalingMethod | str, ...] = (_DEFAULTS.feature_scaling_method,)
    caps: tuple[int, ...] = (_DEFAULTS.max_training_points,)
    bandwidths: tuple[str | float, ...] = (_DEFAULTS.bandwidth,)
    seeds: tuple[int, ...] = (_DEFAULTS.seed,)
    standardise: tuple[bool, ...] = (_DEFAULTS.standardise,)

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            values = tuple(dict.fromkeys(getattr(self, name)))
            if not values:
                raise OptionError(f"{name}: the list is empty, give at least one value")
            object.__setattr__(self, name, values)
        count = math.prod(len(getattr(self, field.name)) for field in fields(self))
        if count > MOST_SETTINGS:
            raise OptionError(f"the grid has {count} settings, more than {MOST_SETTINGS}: give fewer values")
        _ = self.settings  # every value is checked now

    @cached_property
    def settings(self) -> tuple[Settings, ...]:
        """All settings, without duplicates; those that share their principal axes follow one another.

        Few components come first, under every scaling: what is finished early is fast, and not of one kind.
        """
        rows = product(self.standardise, self.caps, self.seeds)
        knobs = product(rows, self.components, self.scalings, self.bandwidths)
        made: Iterator[Settings] = (
            Settings(k, scaling, cap, width, seed, units)  # type: ignore[arg-type]  # an enum is made of a string
            for (units, cap, seed), k, scaling, width in knobs
        )
        return tuple(dict.fromkeys(made))

    def __len__(self) -> int:
        return len(self.settings)

    @classmethod
    def parse(cls, **texts: str | None) -> Grid:
        """A grid from texts; what is None keeps its default.

        Each text is a list such as "2,4,8"; whole numbers also take ranges, "2:32:2" or "2:32", which hold
        both ends where the step meets the last.

        Args:
            texts: by the names of the attributes, for example components="2:32:2", scalings="scale,norm",
                standardise="no,yes".

        Raises:
            OptionError: a text that cannot be read, or whatever the grid itself refuses.
        """
        given = {name: _parsed(name, text) for name, text in texts.items() if text is not None}
        return cls(**given)


def _parsed(name: str, text: str) -> tuple[Any, ...]:
    readers: dict[str, Callable[[str], Iterable[Any]]] = {
        "components": _numbers,
        "scalings": lambda item: [item],
        "caps": _numbers,
        "bandwidths": lambda item: [number_or_text(item)],
        "seeds": _numbers,
        "standardise": _yes_or_no,
    }
    items = [item.strip() for item in text.split(",")]
    try:
        return tuple(value for item in items for value in readers[name](item))
    except ValueError:
        raise OptionError(
            f"{name}: {text!r} cannot be read: give a list such as 2,4,8 or a range such as 2:32:2"
        ) from None


def _yes_or_no(item: str) -> list[bool]:
    if item not in YES_OR_NO:
        raise OptionError(f"standardise: {item!r} cannot be read: give {' or '.join(YES_OR_NO)}, or both")
    return [YES_OR_NO[item]]


def _numbers(item: str) -> list[int | float]:
    """One number, or "first:last" or "first:last:step", the last included."""
    if ":" not in item:
        value = number_or_text(item)
        if isinstance(value, str):
            raise ValueError(item)
        return [value]
    first, last, *rest = map(int, item.split(":"))
    (step,) = rest or [1]
    if step < 1 or last < first or (last - first) // step >= MOST_SETTINGS:
        raise ValueError(item)
    return list(range(first, last + 1, step))
