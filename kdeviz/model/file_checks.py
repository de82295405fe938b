"""What a model file must hold. Nothing in it is believed before it is checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import torch
from torch import Tensor

from kdeviz.errors import ModelFileError
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.settings import Settings
from kdeviz.wording import one_line

WHOLE_NUMBERS = ("training_rows", "training_keys", "training_groups")
# Squares of larger numbers overflow.
_LARGEST = 1e150
_LARGEST_ROW = 2**53
# What the numbers of a file in float32 may miss.
_ROUNDING = 1e-3

_Length = Annotated[float, msgspec.Meta(ge=0, le=1e308)]
_Count = Annotated[int, msgspec.Meta(ge=1, le=_LARGEST_ROW)]
_Name = Annotated[str, msgspec.Meta(max_length=40)]


class Described(msgspec.Struct):
    """The metadata of a model, each of its type."""

    settings: dict[str, Any]
    curve: dict[str, Any]
    threshold: float | None
    data_digest: str
    dimensions: _Count
    training_points: _Count
    components: _Count
    result_dtype: Literal["float32", "float64"]
    feature_names: list[str] | None = None
    rounding: tuple[_Length, _Length, _Length, _Length] | None = None
    threshold_rule: tuple[_Name, float] | None = None
    axes_rows: _Count | None = None

    @classmethod
    def of(
        cls, path: str | Path, metadata: Mapping[str, Any]
    ) -> tuple[Described, Settings, ProbabilityCurve]:
        """What a file says of itself.

        Raises:
            ModelFileError: something is missing, of another type, or not possible.
        """
        try:
            found = msgspec.convert(metadata, cls)
            if found.threshold is not None and math.isnan(found.threshold):
                raise ValueError("the threshold is not a number")
            if found.feature_names is not None and len(found.feature_names) != found.dimensions:
                raise ValueError(
                    f"{len(found.feature_names)} feature_names for {found.dimensions} dimensions"
                )
            return found, Settings(**found.settings), ProbabilityCurve(**found.curve)
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise ModelFileError(
                f"{path}: the kdeviz metadata is damaged ({one_line(error)}): export the model again"
            ) from None


def check_tensors(
    path: str | Path, tensors: Mapping[str, Tensor], found: Described, settings: Settings
) -> None:
    """See that exactly the tensors of such a model are there, and that they fit together.

    Raises:
        ModelFileError: the message names the first that does not.
    """
    shapes = _shapes(found.training_points, found.dimensions, found.components)
    shapes["pca_model.deviations"] = [(found.dimensions if settings.standardise else 0,)]
    if tensors.keys() != shapes.keys():
        raise ModelFileError(
            f"{path}: holds tensors {one_line(sorted(tensors))}, not those of a model: export the model again"
        )
    try:
        for name, tensor in tensors.items():
            _check_one(name, tensor, shapes[name])
        _check_axes(tensors)
        _check_density(tensors)
        if settings.standardise:
            _check_deviations(tensors["pca_model.deviations"])
        _check_rows(tensors["training_rows"])
    except ValueError as error:
        raise ModelFileError(f"{path}: {error}: export the model again") from None


def _shapes(n: int, dimensions: int, k: int) -> dict[str, list[tuple[int | None, ...]]]:
    """Of the tensors of a model with n points of k components, the usual one first; None is any length."""
    return {
        "training_keys": [(n, 2), (n, 3), (0, 2)],  # of rows finer than float32; of an older kdeviz's model
        "training_groups": [(n,), (0,)],
        "held_out_scores": [(n,), (0,)],
        "max_length": [()],
        "training_rows": [(n,)],
        "pca_model.mean": [(dimensions,)],
        "pca_model.singular_vectors": [(dimensions, k)],
        "pca_model.spectrum": [(None,)],
        "kde_model.dataset": [(n, k)],
        "kde_model.mean": [(k,)],
        "kde_model.bw_transform": [(k, k)],
        "kde_model.log_norm": [()],
    }


def _check_one(name: str, tensor: Tensor, possible: list[tuple[int | None, ...]]) -> None:
    kinds = (torch.int64,) if name in WHOLE_NUMBERS else (torch.float32, torch.float64)
    if tensor.dtype not in kinds:
        raise ValueError(f"tensor {name} is of type {tensor.dtype}, expected {' or '.join(map(str, kinds))}")
    shape = tuple(tensor.shape)
    if shape not in possible and (None,) * len(shape) not in possible:
        raise ValueError(f"tensor {name} has shape {shape}, expected {possible[0]}")
    # A row that is far from all others has a log density below what float32 holds.
    broken = tensor.isnan() if name == "held_out_scores" else ~torch.isfinite(tensor)
    if name not in WHOLE_NUMBERS and broken.any():
        raise ValueError(f"tensor {name} holds NaN or infinity")


def _check_axes(tensors: Mapping[str, Tensor]) -> None:
    axes, spectrum = tensors["pca_model.singular_vectors"].double(), tensors["pca_model.spectrum"]
    k = axes.shape[1]
    if len(spectrum) < k or not (spectrum >= 0).all() or not spectrum.sum() > 0:
        raise ValueError(f"tensor pca_model.spectrum does not hold the variances of {k} components")
    if not are_at_right_angles(axes):
        raise ValueError("tensor pca_model.singular_vectors does not hold axes at right angles, of length 1")


def are_at_right_angles(axes: Tensor) -> bool:
    """Whether the columns of (D, k) float64 axes are so, and of length 1."""
    return torch.allclose(axes.T @ axes, torch.eye(axes.shape[1], dtype=axes.dtype), atol=_ROUNDING)


def _check_deviations(deviations: Tensor) -> None:
    if not (deviations >= 0).all() or not deviations.any():
        raise ValueError("tensor pca_model.deviations does not hold standard deviations")


def _check_density(tensors: Mapping[str, Tensor]) -> None:
    points, transform = tensors["kde_model.dataset"], tensors["kde_model.bw_transform"].double()
    if not tensors["max_length"] > 0:
        raise ValueError("tensor max_length is not a positive length")
    if len(points) < 2 or not (points.amin(0) < points.amax(0)).all() or points.abs().max() > _LARGEST:
        raise ValueError("tensor kde_model.dataset does not hold points that vary in each component")
    volume = float(torch.linalg.slogdet(transform).logabsdet)
    expected = volume - len(transform) / 2 * math.log(2 * math.pi)
    if not math.isclose(float(tensors["kde_model.log_norm"]), expected, rel_tol=_ROUNDING, abs_tol=_ROUNDING):
        raise ValueError("tensor kde_model.bw_transform is singular, or does not belong to log_norm")


def _check_rows(rows: Tensor) -> None:
    if not (rows.diff() > 0).all() or rows[0] < 0 or rows[-1] >= _LARGEST_ROW:
        raise ValueError("tensor training_rows does not hold row numbers in ascending order")
