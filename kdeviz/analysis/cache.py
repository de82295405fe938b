"""Views that were computed before: a rerun of the page must not pay for what did not change."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, update_wrapper
from threading import Lock
from typing import Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

import cachetools

from kdeviz.analysis.analysis import Analysis

P = ParamSpec("P")
View = TypeVar("View")

_KEPT_PER_ANALYSIS = 8


def cached(view: Callable[Concatenate[Analysis, P], View]) -> Callable[Concatenate[Analysis, P], View]:
    """Keep a view's latest results as long as their analysis lives.

    The other arguments are compared whole, so they must be hashable. Results are shared: nobody may write
    into their arrays.
    """
    results: WeakKeyDictionary[Analysis, cachetools.LRUCache[Any, View]] = WeakKeyDictionary()
    lock = Lock()

    def looked_up(analysis: Analysis, /, *args: P.args, **kwargs: P.kwargs) -> View:
        with lock:
            own = results.setdefault(analysis, cachetools.LRUCache(_KEPT_PER_ANALYSIS))
        return cachetools.cached(own, lock=lock)(partial(view, analysis))(*args, **kwargs)

    return update_wrapper(looked_up, view)
