"""Batches as a loader gives them, [(features, labels, paths), ...], told from single samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

_MOST_PARTS = 16


def parts_of_batches(items: Sequence[object]) -> dict[Any, list[Any]] | None:
    """Every part of the batches, such as all features; None where these are no batches of several parts.

    In a batch all parts have as many rows, and one of them is a matrix.
    """
    if not items or not _is_batch(items[0]):
        return None
    batches = [_named(item) for item in items if _is_batch(item)]
    names = batches[0].keys()
    if len(batches) < len(items) or any(batch.keys() != names for batch in batches):
        return None
    return {name: [batch[name] for batch in batches] for name in names}


def _is_batch(item: object) -> bool:
    if not isinstance(item, dict | list | tuple) or not 2 <= len(item) <= _MOST_PARTS:
        return False
    parts = list(_named(item).values())
    tensors = [part for part in parts if isinstance(part, torch.Tensor)]
    if any(tensor.layout != torch.strided or not tensor.ndim for tensor in tensors):
        return False
    if not all(isinstance(part, torch.Tensor | list | tuple) for part in parts):
        return False
    beside = len(tensors) < len(parts) or any(tensor.ndim == 1 for tensor in tensors)
    return beside and any(tensor.ndim > 1 for tensor in tensors) and len({len(part) for part in parts}) == 1


def _named(item: Any) -> Mapping[Any, Any]:
    return item if isinstance(item, dict) else dict(enumerate(item))
