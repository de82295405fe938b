"""FittedModule: a torch module whose tensors get their shapes from the data."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from kdeviz.data import about_to_compute
from kdeviz.errors import NotFittedError


class FittedModule(nn.Module):
    """Buffers start empty; `fit` or a state dict gives them their shapes."""

    _fitted_buffer: str

    @property
    def fitted(self) -> bool:
        """Whether the module holds a model."""
        return self.get_buffer(self._fitted_buffer).numel() > 0

    @property
    def device(self) -> torch.device:
        """Where the model lives, and where its results are."""
        return self.get_buffer(self._fitted_buffer).device

    def _require_fitted(self) -> None:
        about_to_compute()
        if not self.fitted:
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet: call fit first")

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        for name, buffer in self.named_buffers(recurse=False):
            stored = state_dict.get(prefix + name)
            if stored is not None:
                setattr(self, name, torch.empty_like(stored, device=buffer.device))
        super()._load_from_state_dict(state_dict, prefix, *args)
