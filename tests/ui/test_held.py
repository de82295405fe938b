"""What the server holds of loaded data: found after a reload, limited, freed."""

import sys
from concurrent.futures import ThreadPoolExecutor
from random import Random
from types import SimpleNamespace

import pytest

from kdeviz.errors import DataError
from kdeviz.ui.work import held
from kdeviz.ui.work.held import HeldData
from kdeviz.ui.work.shared import SharedCache


@pytest.fixture
def connected(monkeypatch):
    """Who has the page open; more can be added, and leave."""
    viewers = {"ann", "ben"}
    monkeypatch.setattr(held, "is_connected", lambda viewer: viewer in viewers)
    return viewers


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(held, "time", SimpleNamespace(monotonic=lambda: now.seconds))
    return now


def data(token, size=100):
    return SimpleNamespace(token=token, bytes=size, source=f"{token}.npy")


def test_a_reload_finds_what_was_loaded(connected):
    store, loaded = HeldData(), data("one")
    store.hold(loaded, "ann")
    connected.remove("ann")
    connected.add("ann again")
    assert store.find("one", "ann again") is loaded
    assert store.find("other", "ann again") is None


def test_one_session_may_not_hold_more_than_its_share(connected):
    store = HeldData(per_session=1000, in_all=10_000)
    with pytest.raises(DataError, match=r"big\.npy: it takes .* a session may hold") as raised:
        store.hold(data("big", 1001), "ann")
    assert len(str(raised.value)) < 300
    store.hold(data("fits", 1000), "ann")


def test_what_nobody_looks_at_makes_room_oldest_first(connected):
    store = HeldData(per_session=1000, in_all=1000)
    store.hold(data("first", 400), "ann")
    store.hold(data("second", 400), "ann")
    store.hold(data("third", 400), "ann")
    assert store.find("first", "ben") is None
    assert store.find("second", "ben") is not None
    assert store.find("third", "ben") is not None


def test_what_others_look_at_is_never_freed_for_a_newcomer(connected):
    store = HeldData(per_session=1000, in_all=1000)
    store.hold(data("hers", 700), "ann")
    with pytest.raises(DataError, match=r"others hold .* try again"):
        store.hold(data("his", 700), "ben")
    connected.remove("ann")
    store.hold(data("his", 700), "ben")
    assert store.find("hers", "ann") is None


def test_who_loads_the_same_takes_it_from_nobody(connected):
    store = HeldData(per_session=1000, in_all=1000)
    for viewer in ("ann", "ben"):
        store.hold(data("shared", 700), viewer)
    store.hold(data("small", 100), "ben")
    connected.add("carl")
    with pytest.raises(DataError, match="others hold"):
        store.hold(data("large", 400), "carl")
    assert store.find("shared", "ann") is not None


def test_what_was_left_is_freed_after_an_hour(connected, clock):
    store = HeldData()
    store.hold(data("one"), "ann")
    store.find("one", "nobody")
    connected.remove("ann")
    clock.seconds += 3600
    assert store.find("one", "cat") is not None
    connected.add("cat")
    clock.seconds += 10_000
    assert store.find("one", "cat") is not None
    connected.remove("cat")
    clock.seconds += 3601
    assert store.find("one", "ben") is None


def test_a_shared_cache_stands_many_threads():
    cache, wrong = SharedCache(4), []

    def use(seed):
        random = Random(seed)
        for _ in range(3000):
            key = random.randrange(8)
            try:
                cache[key] = key
                if cache.get(key, key) != key:
                    wrong.append(key)
            except Exception as error:
                wrong.append(error)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(use, range(4)))
    finally:
        sys.setswitchinterval(before)
    assert wrong == [] and len(cache) == 4
