"""What was loaded into this server: found again after a reload, counted, and freed when nobody is there."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

import streamlit as st

from kdeviz.errors import DataError
from kdeviz.ui.work.loaded import Loaded
from kdeviz.ui.work.tasks import is_connected
from kdeviz.wording import size

_MOST_PER_SESSION, _MOST_IN_ALL = 4 * 2**30, 12 * 2**30
# A page that is closed may come back this long.
_KEPT_S = 3600.0


@dataclass(eq=False)
class _Held:
    data: Loaded
    viewers: set[str] = field(default_factory=set)
    left: float = 0.0


class HeldData:
    """Loaded data by their token, which the address of the page carries; the limits are in bytes."""

    def __init__(self, per_session: int = _MOST_PER_SESSION, in_all: int = _MOST_IN_ALL) -> None:
        self._per_session, self._in_all = per_session, in_all
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._lock = Lock()

    def find(self, token: str, viewer: str) -> Loaded | None:
        """The data with this token, if they are still here; from now on this viewer has them, too."""
        with self._lock:
            self._free_abandoned()
            held = self._held.get(token)
            if held is None:
                return None
            held.viewers.add(viewer)
            self._held.move_to_end(token)
            return held.data

    def hold(self, data: Loaded, viewer: str) -> None:
        """Keep what a viewer has loaded, in place of what he had before.

        Raises:
            DataError: it is more than one session, or all together, may hold.
        """
        wanted = data.bytes
        if wanted > self._per_session:
            raise DataError(
                f"{data.source}: it takes {size(wanted)}, and a session may hold {size(self._per_session)}: "
                "load fewer rows, or open the file with `kdeviz app FILE` on the machine itself"
            )
        with self._lock:
            self._free_abandoned()
            for held in self._held.values():
                held.viewers.discard(viewer)
            if data.token not in self._held:
                self._make_room(wanted)
            viewers = self._held[data.token].viewers if data.token in self._held else set()
            self._held[data.token] = _Held(data, viewers | {viewer})
            self._held.move_to_end(data.token)

    def forget(self, owner: str | None = None) -> None:
        """Free what this user uploaded, or with None all; open pages keep it until they are closed."""
        with self._lock:
            for token, held in list(self._held.items()):
                if owner is None or held.data.owner == owner:
                    del self._held[token]

    def _free_abandoned(self) -> None:
        now = time.monotonic()
        for token, held in list(self._held.items()):
            if any(map(is_connected, held.viewers)):
                held.left = now
            elif now - (held.left or now) > _KEPT_S:
                del self._held[token]
            else:
                held.left = held.left or now

    def _make_room(self, wanted: int) -> None:
        """Free the oldest that nobody looks at, until there is room."""
        for token, held in list(self._held.items()):
            if self._bytes + wanted <= self._in_all:
                return
            if not any(map(is_connected, held.viewers)):
                del self._held[token]
        if self._bytes + wanted > self._in_all:
            raise DataError(
                f"others hold {size(self._bytes)} on this server, which keeps {size(self._in_all)} in all: "
                "try again when one of them has left"
            )

    @property
    def _bytes(self) -> int:
        return sum(held.data.bytes for held in self._held.values())


@st.cache_resource(show_spinner=False)
def held_data() -> HeldData:
    """What all sessions of this server have loaded."""
    return HeldData()
