"""Views that were computed before: a rerun of the page must not pay for what did not change."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import update_wrapper
from threading import Lock
from typing import Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from kdeviz.analysis.analysis import Analysis

P = ParamSpec("P")
View = TypeVar("View")

_KEPT_PER_ANALYSIS = 8


def cached(view: Callable[Concatenate[Analysis, P], View]) -> Callable[Concatenate[Analysis, P], View]:
    """Keep a view's latest results as long as their analysis lives.

    The other arguments are compared whole, so they must be hashable. Results are shared: nobody may write
    into their arrays.
    """
    results: WeakKeyDictionary[Analysis, OrderedDict[Any, View]] = WeakKeyDictionary()
    lock = Lock()

    def looked_up(analysis: Analysis, /, *args: P.args, **kwargs: P.kwargs) -> View:
        arguments = (args, tuple(sorted(kwargs.items())))
        with lock:
            own = results.setdefault(analysis, OrderedDict())
            if arguments in own:
                own.move_to_end(arguments)
                return own[arguments]
        found = view(analysis, *args, **kwargs)
        with lock:
            own[arguments] = found
            while len(own) > _KEPT_PER_ANALYSIS:
                own.popitem(last=False)
        return found

    return update_wrapper(looked_up, view)
