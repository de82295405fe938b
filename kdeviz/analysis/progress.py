"""Progress of long work, and a way to end it between two blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kdeviz.data import OnBlock
from kdeviz.errors import Cancelled

OnProgress = Callable[[str, float], None]
"""Called with (stage in words, fraction of that stage done, 0 to 1)."""


class Watch:
    """Passes progress on, and turns the caller's `cancelled()` into an exception."""

    def __init__(self, on_progress: OnProgress | None, cancelled: Callable[[], bool] | None) -> None:
        self._on_progress = on_progress
        self._cancelled = cancelled

    @contextmanager
    def stage(self, name: str) -> Iterator[OnBlock]:
        """Reports 0 at the start, 1 at the end, and whatever the blocks in between say."""
        reported = -1.0

        def on_block(done: int, total: int) -> None:
            nonlocal reported
            if self._cancelled is not None and self._cancelled():
                raise Cancelled(f"cancelled while {name[0].lower()}{name[1:]}")
            reported = done / max(total, 1)
            if self._on_progress is not None:
                self._on_progress(name, reported)

        on_block(0, 1)
        yield on_block
        if reported < 1:
            on_block(1, 1)
