"""Moments of all rows, file by file, on whatever engine."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.batch import engines
from kdeviz.batch.scoring import OnRows
from kdeviz.data import OnShare, Survey, rows_to_fit
from kdeviz.errors import OptionError
from kdeviz.model import AllRows, TallGrams


class Share(NamedTuple):
    """One file to add up.

    Attributes:
        number: of the file in the survey.
        train: (rows of the file,) True for those to fit on; None for all.
    """

    number: int
    train: NDArray[np.bool_] | None


def sums_of_all(
    rows: AllRows, found: Survey, engine: str, plan: engines.Plan, on_share: OnShare | None
) -> TallGrams:
    """Sums over all rows to fit on of all files; they are the same whichever engine found them.

    Args:
        rows: what is added up.
        found: the files.
        engine: a name of `ENGINES`.
        plan: where the work is done.
        on_share: called after every file, and more often without an engine.

    Raises:
        DataError: a file cannot be read any more.
        OptionError: there is no such engine, or it cannot be had.
    """
    if engine not in engines.ENGINES:
        raise OptionError(f"--engine {engine}: choose {', '.join(engines.ENGINES)}")
    shares, done = _shares(found), 0

    def on_rows(_: int, share: float) -> None:
        if on_share is not None:
            on_share((done + share) / len(shares))

    # The masks of the files go with the shares, so that no worker is sent those of others.
    work = partial(_add_up, rows, found._replace(train=None, labels=None))
    sums: dict[int, TallGrams] = {}
    for number, of_file in engines.ENGINES[engine](work, shares, plan._replace(on_rows=on_rows)):
        sums[number] = of_file
        done = len(sums)
        on_rows(0, 0.0)
    whole = rows.empty()
    for number in sorted(sums):  # in one order, whoever was first
        whole.merge(sums[number])
    return whole


def _add_up(
    rows: AllRows, found: Survey, share: Share, on_rows: OnRows | None = None
) -> tuple[int, TallGrams]:
    """The number of a file, since files end in any order, and the sums over its rows."""
    sums, done = rows.empty(), 0
    for features, at in rows_to_fit(found.files[share.number], found.plan, share.train, found.dtype):
        rows.add(sums, features)
        done += len(features)
        if on_rows is not None:
            on_rows(done, at)
    return share.number, sums


def _shares(found: Survey) -> list[Share]:
    ends = np.cumsum(found.rows_of)
    masks = [None] * len(ends) if found.train is None else np.split(found.train, ends[:-1])
    return [Share(number, mask) for number, mask in enumerate(masks)]
