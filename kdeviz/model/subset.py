"""Which rows a model is fitted on."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from kdeviz.settings import Settings


def training_subset(rows: int, settings: Settings) -> NDArray[np.int64]:
    """Which of the rows the model is fitted on: all, or a seeded random subset, in ascending order."""
    if rows <= settings.max_training_points:
        return np.arange(rows)
    generator = torch.Generator().manual_seed(settings.seed)
    chosen = torch.randperm(rows, generator=generator)[: settings.max_training_points]
    return np.sort(chosen.numpy())
