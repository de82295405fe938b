"""A fit on files that need not fit into memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch

from kdeviz.analysis import Analysis, OnProgress, analyse
from kdeviz.data import GUESS, Corrections, EmbeddingSet, OnShare, Survey, draw, survey
from kdeviz.model import training_subset
from kdeviz.settings import Settings

COUNTING = "Reading all rows"
DRAWING = "Keeping the rows to fit on"


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

    Raises:
        DataError: the data cannot be read in parts, or cannot be fitted or scored.
    """
    settings = settings or Settings()
    found = survey(data, said, _told(on_progress, COUNTING))
    numbers = training_subset(found.rows_to_fit, settings)
    drawn = draw(found, numbers, _told(on_progress, DRAWING))
    analysis = analyse(drawn.data, score, settings, device, on_progress)
    model = analysis.classifier
    model.training_rows = torch.from_numpy(numbers).to(model.training_rows.device)
    model.data_digest = drawn.digest
    whole = {"train_digest": drawn.digest, "train_shape": [found.rows_to_fit, found.dimensions]}
    return FitInParts(replace(analysis, provenance=analysis.provenance | whole), found)


def _told(on_progress: OnProgress | None, stage: str) -> OnShare | None:
    return None if on_progress is None else lambda share: on_progress(stage, share)
