"""Held-out scores without `analyse`."""

import torch

from kdeviz.data import Rows
from kdeviz.model.held_out import hold_out
from kdeviz.model.principal_axes import principal_axes


def calibrated(model, features):
    """The same model, with the held-out scores of the rows it was fitted on."""
    rows = Rows(features).select(model.training_rows.numpy())
    axes = principal_axes(rows, torch.device("cpu"), model.n_components_, folds=model.folds)
    model.held_out_scores = hold_out(model, rows, model.folds, axes).scores
    return model
