"""Names as people order them: part 2 before part 10."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable


def in_name_order(names: Iterable[str]) -> list[str]:
    """Alphabetical order, in which whole numbers count as numbers."""
    return sorted(names, key=_parts)


def _parts(name: str) -> tuple[list[tuple[int, str]], str]:
    # A number's length without leading zeros comes first: "10" is longer than "2".
    steps = re.findall(r"\d+|\D+", name)
    numbered = [(len(step.lstrip("0")) if step[0].isdecimal() else -1, step.lstrip("0")) for step in steps]
    return numbered, name


def series(names: Iterable[str]) -> dict[str, list[str]]:
    """Names that differ in their last number only, by what stands before it."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in names:
        found[re.sub(r"\d+\D*$", "", name)].append(name)
    return found
