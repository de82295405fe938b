"""The threads that torch computes with: how they wait for each other, and where there are none."""

from __future__ import annotations

import os

from kdeviz.errors import ForkError

_computed = False
_stranded = False
"""Whether this process was forked from one that had computed."""


def sleep_while_waiting() -> None:
    """Let no thread spin, unless the user chose otherwise; to be called before numpy and torch are loaded.

    By default they spin for a while. When another program wants a core, a browser that draws for example, the
    thread that everybody waits for cannot run because the others keep the cores busy with waiting. Measured
    on two cores with one of them busy: a sweep of 60 settings took 47 s, and 3 s with sleeping threads; with
    both cores free 2.3 s, and 3 s. Torch's threads can be told to sleep; numpy's cannot, so it gets one, and
    with other programs on the cores 512 dimensions cost it 0.03 s of processor time instead of 0.4. Only
    programs of kdeviz call this: the library leaves such choices alone.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def about_to_compute() -> None:
    """To be called before torch computes. A fork copies no threads, and whoever waits for one waits for ever.

    Raises:
        ForkError: this process has no threads to compute with.
    """
    global _computed
    if _stranded:
        import torch

        if torch.get_num_threads() > 1:
            raise ForkError(
                "this process was forked after kdeviz had computed, and has none of torch's threads: start "
                'it by multiprocessing.get_context("spawn"), or call torch.set_num_threads(1) in it first'
            )
    _computed = True


def _after_fork() -> None:
    global _stranded
    _stranded = _computed


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def threads_sleep() -> bool:
    """Whether torch's threads sleep while they wait for work."""
    return os.environ.get("OMP_WAIT_POLICY", "").lower() == "passive"
