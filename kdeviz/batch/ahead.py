"""Reading, writing and computing beside each other: a little ahead, a little behind, several at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import repeat, takewhile
from typing import Any, TypeVar

T = TypeVar("T")
Result = TypeVar("Result")
_AT_ONCE = 2


@contextmanager
def abreast(work: Callable[[T], Result], items: Iterable[T], at_once: int) -> Iterator[Iterator[Result]]:
    """What becomes of each item, in their order; so many are worked on at once, in threads."""
    with ThreadPoolExecutor(at_once, "working") as threads:

        def results() -> Iterator[Result]:
            waiting: deque[Future[Result]] = deque()
            for item in items:
                waiting.append(threads.submit(work, item))
                if len(waiting) > at_once:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

        try:
            yield results()
        finally:
            threads.shutdown(cancel_futures=True)


@contextmanager
def ahead(items: Generator[T, None, None]) -> Iterator[Iterator[T]]:
    """The same items, of which the next is made in another thread while one is used."""
    end: Any = object()
    with closing(items), abreast(lambda _: next(items, end), repeat(None), 1) as made:
        yield takewhile(lambda item: item is not end, made)


@contextmanager
def behind(write: Callable[[T], object]) -> Iterator[Callable[[T], None]]:
    """The same function, which works in another thread; at the end all is written, or its error is raised."""
    with ThreadPoolExecutor(1, "writing") as thread:
        waiting: deque[Future[object]] = deque()

        def put(item: T) -> None:
            waiting.append(thread.submit(write, item))
            if len(waiting) > _AT_ONCE:
                waiting.popleft().result()

        yield put
        for future in waiting:
            future.result()
