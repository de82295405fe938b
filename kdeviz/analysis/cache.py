"""What was computed before: a rerun of the page must not pay for what did not change."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, update_wrapper
from threading import Lock
from typing import Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

import cachetools

P = ParamSpec("P")
Of = TypeVar("Of")
Result = TypeVar("Result")

_MOST_RESULTS = 8
"""Of one function about one thing."""


def cached(compute: Callable[Concatenate[Of, P], Result]) -> Callable[Concatenate[Of, P], Result]:
    """Keep a function's latest results as long as what it is about, its first argument, lives.

    The other arguments are compared whole, so they must be hashable. Results are shared: nobody may write
    into their arrays.
    """
    results: WeakKeyDictionary[Of, cachetools.LRUCache[Any, Result]] = WeakKeyDictionary()
    lock = Lock()

    def looked_up(of: Of, /, *args: P.args, **kwargs: P.kwargs) -> Result:
        with lock:
            own = results.setdefault(of, cachetools.LRUCache(_MOST_RESULTS))
        return cachetools.cached(own, lock=lock)(partial(compute, of))(*args, **kwargs)

    return update_wrapper(looked_up, compute)
