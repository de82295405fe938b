"""How the threads of this process wait for each other."""

from __future__ import annotations

import os


def sleep_while_waiting() -> None:
    """Let waiting threads sleep, unless the user chose otherwise; to be called before torch is loaded.

    By default they spin for a while. When another program wants a core, a browser that draws for example, the
    thread that everybody waits for cannot run because the others keep the cores busy with waiting. Measured
    on two cores with one of them busy: a sweep of 60 settings took 47 s, and 3 s with sleeping threads; with
    both cores free 2.3 s, and 3 s. Only programs of kdeviz call this: the library leaves such choices alone.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
