"""A fit on files that need not fit into memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch

from kdeviz.analysis import Analysis, OnProgress, analyse
from kdeviz.batch.adding import sums_of_all
from kdeviz.batch.engines import Plan
from kdeviz.data import GUESS, Corrections, EmbeddingSet, OnShare, Survey, draw, survey
from kdeviz.model import AllRows, training_subset
from kdeviz.settings import Settings

COUNTING = "Reading all rows"
DRAWING = "Keeping the rows to fit on"
ADDING = "Adding up all rows"


class FitInParts(NamedTuple):
    """A model of files that were read in parts.

    Attributes:
        analysis: of the rows that were kept: its training data are these alone.
        found: what was read.
    """

    analysis: Analysis
    found: Survey


def analyse_in_parts(
    data: Sequence[str | Path],
    score: EmbeddingSet | None = None,
    settings: Settings | None = None,
    device: str | torch.device = "auto",
    *,
    said: Corrections = GUESS,
    on_progress: OnProgress | None = None,
    axes_of_all: bool = False,
    engine: str = "none",
    plan: Plan | None = None,
) -> FitInParts:
    """`analyse` of files of any size, of which only the rows to fit on are kept in memory.

    They are read twice. The model is the one that `analyse` gives of the same files in memory: the same rows,
    their numbers among all rows to fit on, the same digest and held-out scores. Beside the rows to fit on
    some 30 bytes are needed for each row.

    Args:
        data: files, folders and patterns, which are one set in name order.
        score: rows to inspect; without any, those that the model was fitted on.
        settings: the model's knobs; the defaults if None.
        device: see `analyse`.
        said: what is known of the columns instead of a guess.
        on_progress: told after every part, and after every block of rows.
        axes_of_all: take the principal axes of all rows, the density alone of those that are drawn; the files
            are read a third time. There have to be as many rows as dimensions.
        engine: what spreads that third time over processes and machines, by its name in `ENGINES`.
        plan: where the engine works; on this machine if None.

    Raises:
        DataError: the data cannot be read in parts, or cannot be fitted or scored.
        OptionError: there is no such engine, or it cannot be had.
    """
    settings = settings or Settings()
    found = survey(data, said, _told(on_progress, COUNTING))
    numbers = training_subset(found.rows_to_fit, settings)
    kept, digest = draw(found, numbers, _told(on_progress, DRAWING))
    axes_of = None
    if axes_of_all and len(numbers) < found.rows_to_fit:
        rows = AllRows(kept.features, settings.standardise)
        axes_of = rows.axes_of(sums_of_all(rows, found, engine, plan or Plan(), _told(on_progress, ADDING)))
    analysis = analyse(kept, score, settings, device, on_progress, axes_of=axes_of)
    model = analysis.classifier
    model.training_rows = torch.from_numpy(numbers).to(model.training_rows.device)
    model.data_digest = digest
    model.axes_rows = None if axes_of is None else found.rows_to_fit
    whole = {"train_digest": digest, "train_shape": [found.rows_to_fit, found.dimensions]}
    return FitInParts(replace(analysis, provenance=analysis.provenance | whole), found)


def _told(on_progress: OnProgress | None, stage: str) -> OnShare | None:
    return None if on_progress is None else lambda share: on_progress(stage, share)
