"""Filters and orders as short texts, for the address of the page."""

from __future__ import annotations

import json
import math
import sys

from kdeviz.decision import Between, Filter, Holds, OneOf, Order

MOST_FILTERS = 20
_LONGEST = 2000
_DIRECTIONS = ("ascending", "descending")


def text_of(one: Filter) -> str:
    """Column and what is asked of it: ["kind", ["a", "b"]], ["size", 1, null] or ["text", "word"]."""
    if isinstance(one, OneOf):
        told: list[object] = [one.column, list(one.values)]
    elif isinstance(one, Between):
        told = [one.column, *(None if math.isinf(end) else end for end in (one.low, one.high))]
    else:
        told = [one.column, one.text]
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def filter_of(text: str) -> Filter | None:
    """The filter that a text says; None if it says none."""
    if len(text) > _LONGEST:
        return None
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return None
    match told:
        case [str() as column, str() as word]:
            return Holds(column, word)
        case [str() as column, list() as values] if all(isinstance(value, str) for value in values):
            return OneOf(column, tuple(values))
        case [str() as column, low, high] if _is_end(low) and _is_end(high):
            return Between(column, -math.inf if low is None else low, math.inf if high is None else high)
    return None


def order_text(order: Order) -> str:
    """Column and direction: "log density descending"."""
    return f"{order.column} {_DIRECTIONS[order.descending]}"


def order_of(text: str) -> Order | None:
    """The order that a text says; None if it says none."""
    column, _, direction = text.rpartition(" ")
    known = len(text) <= _LONGEST and direction in _DIRECTIONS
    return Order(column, direction == _DIRECTIONS[1]) if known else None


def _is_end(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value is None
    return -sys.float_info.max <= value <= sys.float_info.max
