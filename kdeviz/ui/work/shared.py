"""A cache for the threads of all sessions: cachetools' own loses its order, or raises KeyError."""

from __future__ import annotations

from threading import RLock
from typing import Any, TypeVar

import cachetools

K = TypeVar("K")
V = TypeVar("V")


class SharedCache(cachetools.LRUCache[K, V]):
    """Keeps what was used last."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self._lock = RLock()

    def __getitem__(self, key: K) -> V:
        with self._lock:
            return super().__getitem__(key)

    def __setitem__(self, key: K, value: V) -> None:
        with self._lock:
            super().__setitem__(key, value)

    def __delitem__(self, key: K) -> None:
        with self._lock:
            super().__delitem__(key)

    def get(self, key: K, default: Any = None) -> V | Any:
        """What is kept, or the default."""
        with self._lock:
            return super().get(key, default)
