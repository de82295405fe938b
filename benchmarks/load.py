"""Many sessions at once: how long each waits for its rerun, and whether it is shown its own right numbers.

Each session is a websocket as the app's page opens one. Every ten seconds, with jitter, it moves the slider
of components to another count and waits until the page says what the library says of that count.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates

from benchmarks.tables import Table, markdown
from kdeviz.analysis import analyse
from kdeviz.data import load_sample
from kdeviz.decision import decide
from kdeviz.settings import Settings

__all__ = ["run"]

_TESTS = str(Path(__file__).parents[1] / "tests")
_SLIDER = "Components (PCA)"
_COUNTS = range(2, 64)
_PATIENCE_S = 40.0


class Visitor:
    """One session: it keeps what the page shows, and reruns the fragments that ask for it."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._shown: dict[tuple[int, ...], str] = {}
        self._slider = ""
        self._script = ""
        self._runs = 0
        self._timers: set[asyncio.Task[None]] = set()

    async def move_to(self, components: int) -> None:
        """Move the slider."""
        state = WidgetState(id=self._slider)
        state.double_array_value.data.append(components)
        await self._rerun(WidgetStates(widgets=[state]))

    async def open(self) -> None:
        """Ask for the page."""
        await self._rerun(WidgetStates())

    async def listen(self, until: Callable[[str], bool]) -> float:
        """Take what the server sends until the text on the page is as wanted; the seconds that took."""
        began = time.perf_counter()
        while True:
            left = _PATIENCE_S - (time.perf_counter() - began)
            message = ForwardMsg.FromString(await asyncio.wait_for(self._socket.recv(), left))
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self._script = message.new_session.page_script_hash
                if not message.metadata.run.fragment_ids:
                    self._forget_timers()
            elif kind == "auto_rerun":
                self._later(message.auto_rerun.interval, message.auto_rerun.fragment_id)
            elif kind == "delta":
                self._draw(tuple(message.metadata.delta_path), message.delta)
            elif kind == "script_finished" and until("\n".join(self._shown.values())):
                return time.perf_counter() - began

    def _draw(self, path: tuple[int, ...], delta: Any) -> None:
        element = delta.new_element
        if element.WhichOneof("type") == "slider" and element.slider.label == _SLIDER:
            self._slider = element.slider.id
        if element.WhichOneof("type") in ("markdown", "metric"):
            self._shown[path] = getattr(element, element.WhichOneof("type")).body
        else:
            self._shown.pop(path, None)

    def _later(self, seconds: float, fragment: str) -> None:
        async def rerun() -> None:
            while True:
                await asyncio.sleep(seconds)
                await self._rerun(WidgetStates(), fragment)

        self._timers.add(asyncio.create_task(rerun()))

    def _forget_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    async def _rerun(self, widgets: WidgetStates, fragment: str = "") -> None:
        state = ClientState(
            widget_states=widgets,
            page_script_hash=self._script,
            fragment_id=fragment,
            is_auto_rerun=bool(fragment),
        )
        await self._socket.send(BackMsg(rerun_script=state).SerializeToString())

    def leave(self) -> None:
        """Stop the timers."""
        self._forget_timers()


def run(
    visitors: Sequence[int] = (1, 5, 10, 20, 40), rounds: int = 5, every: float = 10.0
) -> Iterator[Table]:
    """One table, a row for each number of sessions."""
    sys.path.insert(0, _TESTS)
    from browser.steps import start_app, stop_app

    expected = dict(_expected())
    server, url = start_app()
    try:
        rows = []
        for many in visitors:
            before = _memory(server.pid)
            work = _sessions(url, many, rounds, every, expected)
            with ThreadPoolExecutor(1) as pool:  # the caller's thread may have a loop of its own
                times = pool.submit(asyncio.run, work).result()
            done = [t for t in times if t is not None]
            grown = (_memory(server.pid) - before) / 2**20
            rows.append([many, len(times), len(done), median(done), max(done), grown])
    finally:
        stop_app(server)
    header = ("sessions", "moves", "right within 40 s", "median, s", "worst, s", "server grew, MiB")
    yield Table(f"Many sessions, each moves a slider every {every:g} s", header, rows)


def _expected() -> Iterator[tuple[int, tuple[str, ...]]]:
    """What the page says of each component count, from the library."""
    train, score = load_sample().train_and_test()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for k in _COUNTS:
            decision = decide(analyse(train, score, Settings(k), device="cpu"))
            flagged = f"{int(decision.flagged.sum())} of {len(decision.flagged)}"
            yield k, (f"{k} components keep", flagged, f"{decision.auroc:.3f}")


async def _sessions(
    url: str, many: int, rounds: int, every: float, expected: dict[int, tuple[str, ...]]
) -> list[float | None]:
    all_open = asyncio.Barrier(many)
    visits = (_visit(url, rounds, every, expected, seed, all_open) for seed in range(many))
    found = await asyncio.gather(*visits)
    return [moved for moves in found for moved in moves]


async def _visit(
    url: str,
    rounds: int,
    every: float,
    expected: dict[int, tuple[str, ...]],
    seed: int,
    all_open: asyncio.Barrier,
) -> list[float | None]:
    """Seconds of each move, from when all pages are open; None for one whose right numbers did not come."""
    from websockets.asyncio.client import connect

    chance, times = random.Random(seed), []
    await asyncio.sleep(chance.uniform(0, every))
    address = url.replace("http", "ws").rstrip("/") + "/_stcore/stream"
    async with connect(address, subprotocols=["streamlit"], max_size=None, origin=url.rstrip("/")) as socket:
        visitor = Visitor(socket)
        try:
            await visitor.open()
            await visitor.listen(lambda text: _says(text, expected[16]))
            await all_open.wait()
            for _ in range(rounds):
                await asyncio.sleep(every * chance.uniform(0.5, 1.5))
                k = chance.choice(_COUNTS)
                await visitor.move_to(k)
                try:
                    times.append(await visitor.listen(lambda text, k=k: _says(text, expected[k])))
                except TimeoutError:
                    times.append(None)
        finally:
            visitor.leave()
    return times


def _says(text: str, parts: tuple[str, ...]) -> bool:
    return all(part in text for part in parts)


def _memory(pid: int) -> int:
    process = psutil.Process(pid)
    return sum(p.memory_info().rss for p in (process, *process.children(recursive=True)))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("visitors", nargs="*", type=int, default=[1, 5, 10, 20, 40])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    for table in run(options.visitors, options.rounds):
        print(markdown(table))


if __name__ == "__main__":
    main()
