"""PCA: rows to scores on the strongest principal axes, and back."""

from __future__ import annotations

import torch
from torch import Tensor

from kdeviz.data import Features, Rows, working_dtype
from kdeviz.model.fitted_module import FittedModule
from kdeviz.model.principal_axes import PrincipalAxes, leading, principal_axes
from kdeviz.model.rounding import Rounding
from kdeviz.model.standardising import weights_of
from kdeviz.scaling import row_lengths
from kdeviz.settings import Settings

# Sums of larger entries could overflow.
_LARGEST_ENTRY = 1e303


class PCA(FittedModule):
    """Projects (N, D) features onto their k strongest principal axes.

    Args:
        n_components: k, an int >= 1, or a float in (0, 1): as many as keep that share of the variance.
            More than the rank of the data is cut to the rank; `n_components_` tells.
        standardise: whether features are standardised first; see `Settings`.

    Attributes:
        deviations: (D,) what centred features are divided by, 0 for those that become 0; none where they are
            not standardised.
        rounding: of the training rows; None where it is not known, as in a model of an older kdeviz.

    Raises:
        OptionError: `n_components` is neither.
    """

    _fitted_buffer = "singular_vectors"
    mean: Tensor
    singular_vectors: Tensor
    spectrum: Tensor
    deviations: Tensor

    def __init__(self, n_components: int | float, standardise: bool = False) -> None:
        super().__init__()
        settings = Settings(n_pca_components=n_components, standardise=standardise)
        self.n_components, self.standardise = settings.n_pca_components, settings.standardise
        self.rounding: Rounding | None = None
        self.register_buffer("mean", torch.empty(0))
        self.register_buffer("singular_vectors", torch.empty(0))
        self.register_buffer("spectrum", torch.empty(0))
        self.register_buffer("deviations", torch.empty(0))

    @property
    def n_components_(self) -> int:
        """k as kept."""
        self._require_fitted()
        return int(self.singular_vectors.shape[1])

    @property
    def explained_variance_ratio(self) -> Tensor:
        """(k,) shares of the total variance that the kept components carry."""
        self._require_fitted()
        return self.spectrum[: self.n_components_] / self.spectrum.sum()

    def fit(self, dataset: Features) -> PCA:
        """Fit on (N, D) rows.

        Raises:
            DataError: NaN or infinity, fewer than two rows, or all rows equal.
        """
        rows = Rows(dataset)
        device = rows.device or self.device
        axes = principal_axes(rows, device, self.n_components, standardise=self.standardise)
        return self.to(device).use_axes(axes, rows)

    def use_axes(self, axes: PrincipalAxes, rows: Rows) -> PCA:
        """Keep the first `n_components` of the axes of these rows, which were computed before."""
        k, dtype = leading(self.n_components, axes.variances), working_dtype(self.device)
        # Copies: loading a state writes into a module's buffers, and axes are shared.
        self.mean = axes.mean.to(dtype, copy=True).to(self.device)
        self.spectrum = axes.variances.to(dtype, copy=True).to(self.device)
        self.rounding = Rounding.of(axes, rows, k)
        self.singular_vectors = axes.vectors(rows, k).to(dtype).to(self.device).contiguous()
        divisors = self.mean.new_empty(0) if axes.deviations is None else axes.deviations
        self.deviations = divisors.to(dtype, copy=True).to(self.device)
        return self

    def fit_transform(self, dataset: Features) -> Tensor:
        """`fit`, then `transform` of the same rows."""
        return self.fit(dataset).transform(dataset)

    @torch.no_grad()
    def transform(self, features: Features) -> Tensor:
        """(N, D) rows to (N, k) scores; float64 in gives float64 out, everything else float32."""
        self._require_fitted()
        rows = Rows(features, len(self.mean))
        dtype = rows.result_dtype(self.device)
        empty = self.mean.new_empty((0, self.n_components_), dtype=dtype)
        return torch.cat([empty, *(self.project(rows, *span).to(dtype) for span in rows.spans())])

    def project(self, rows: Rows, start: int, stop: int, *, directions: bool = False) -> Tensor:
        """Scores of rows start to stop in the precision of the model.

        Args:
            rows: (M, D).
            start: the first.
            stop: the one after the last.
            directions: whether scores that are rounding and nothing else become 0.
        """
        block = self.centred(rows.block(start, stop, self.mean.dtype, self.device))
        scores = block.clamp_(-_LARGEST_ENTRY, _LARGEST_ENTRY) @ self.singular_vectors
        return without_rounding(scores, self._floor(block, rows)) if directions else scores

    def floor(self, rows: Rows) -> Tensor:
        """(M, 1) lengths up to which the scores of (M, D) rows are rounding and nothing else."""
        parts = [
            self._floor(self.centred(block), rows) for _, block in rows.stream(self.mean.dtype, self.device)
        ]
        return torch.cat([self.mean.new_empty(0, 1), *parts])

    def _floor(self, centred: Tensor, rows: Rows) -> Tensor:
        if self.rounding is None:
            return centred.new_zeros(len(centred), 1)
        return self.rounding.floor(rows.resolution / 2, row_lengths(centred))

    @property
    def weights(self) -> Tensor:
        """(D,) what a centred feature is multiplied by: 1, or 1 / deviation where features are standardised.

        With it the whole model is affine: the scores are (x - mean) @ (weights[:, None] * singular_vectors).
        """
        return weights_of(self.deviations) if len(self.deviations) else torch.ones_like(self.mean)

    def centred(self, block: Tensor) -> Tensor:
        """Rows about the mean, standardised where they are to be; the block is overwritten."""
        block = block.sub_(self.mean)
        return block.mul_(self.weights) if len(self.deviations) else block

    @torch.no_grad()
    def inverse_transform(self, scores: Features) -> Tensor:
        """(N, k) scores back to (N, D) features, the mean added back."""
        self._require_fitted()
        rows = Rows(scores, self.n_components_)
        wide = rows.block(0, len(rows), self.mean.dtype, self.device)
        centred = wide @ self.singular_vectors.T
        if len(self.deviations):
            centred *= self.deviations
        return (centred + self.mean).to(rows.result_dtype(self.device))

    def forward(self, features: Features) -> Tensor:
        """Same as `transform`."""
        return self.transform(features)


def without_rounding(scores: Tensor, floor: Tensor) -> Tensor:
    """(M, k) scores, exactly 0 in the rows that are no longer than their (M, 1) floor."""
    return scores.masked_fill(row_lengths(scores) <= floor, 0)
