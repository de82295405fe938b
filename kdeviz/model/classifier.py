"""KDEClassifier: PCA, scaling and a Gaussian KDE behind the public interface of anomalib's classifier."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kdeviz.atomic import write_whole
from kdeviz.data import Features, KnownRows, OnBlock, Rows, column_names, in_order, row_keys
from kdeviz.errors import FitWarning
from kdeviz.model import model_file
from kdeviz.model.axes_cache import AxesOf
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.model.fitted_module import FittedModule
from kdeviz.model.folds import copies, fold_numbers, training_subset
from kdeviz.model.kde import GaussianKDE
from kdeviz.model.near_copies import hold_together
from kdeviz.model.pca import PCA
from kdeviz.model.principal_axes import PrincipalAxes, principal_axes
from kdeviz.model.rounding import Rounding
from kdeviz.model.told import FitReport, Told, fit_warnings
from kdeviz.scaling import row_lengths
from kdeviz.settings import FeatureScalingMethod, Settings

logger = logging.getLogger(__name__)


class KDEClassifier(Told, FittedModule):
    """Anomaly classifier: exact PCA, scaling, Gaussian kernel density with full covariance.

    Fit it on mostly normal rows; a row of low log density is anomalous. The caller's data is never changed;
    results are on the module's device, float64 for float64 rows and float32 for all others, except log
    densities that float32 could not rank (see `GaussianKDE.told_in`). A process that is forked after a fit
    has none of torch's threads and is refused (ForkError): start processes by spawn.

    Args:
        n_pca_components: k, an int >= 1, or the share of the variance to keep, in (0, 1).
        feature_scaling_method: "norm" divides each row of PCA scores by its own length, "scale" all rows by
            the largest length seen in training.
        max_training_points: above this, a seeded random subset of the rows is used.
        bandwidth: "scott", "silverman", or a positive factor that multiplies Scott's.
        seed: of that subset.
        standardise: divide each centred feature by its standard deviation in training first; see `Settings`.

    Attributes:
        settings: the arguments above, checked.
        curve: log density to probability, used by `predict`.
        threshold, threshold_rule, axes_rows: see `Told`.
        feature_names: the names of the D dimensions, or None; kept in the model file.
        data_digest: digest of the rows given to `fit`.
        training_rows: (n,) which of those rows the model was fitted on.
        training_keys: (n, 2 or 3) their `row_keys`; none in a model that an older kdeviz wrote.
        training_groups: (n,) numbers that copies among them share, where some are near copies; else none.
        held_out_scores: (n,) their log densities under models that have seen neither the row nor its copies;
            none before `kdeviz.analyse`, which sets them, and in a model that an older kdeviz wrote.

    Raises:
        OptionError: an argument is not possible.
    """

    _fitted_buffer = "max_length"
    max_length: Tensor
    training_rows: Tensor
    training_keys: Tensor
    training_groups: Tensor
    held_out_scores: Tensor
    pca_model: PCA
    kde_model: GaussianKDE

    def __init__(
        self,
        n_pca_components: int | float = 16,
        feature_scaling_method: FeatureScalingMethod | str = FeatureScalingMethod.SCALE,
        max_training_points: int = 40000,
        *,
        bandwidth: str | float = "scott",
        seed: int = 0,
        standardise: bool = False,
    ) -> None:
        super().__init__()
        method: Any = feature_scaling_method  # Settings makes an enum of a string
        self.settings = Settings(n_pca_components, method, max_training_points, bandwidth, seed, standardise)
        self.curve = ProbabilityCurve()
        self._forget(torch.device("cpu"))

    def _forget(self, device: torch.device) -> None:
        self.pca_model = PCA(self.settings.n_pca_components, self.settings.standardise).to(device)
        self.kde_model = GaussianKDE(self.settings.bandwidth).to(device)
        self.register_buffer("max_length", torch.empty(0, device=device))
        self.register_buffer("training_rows", torch.empty(0, dtype=torch.int64, device=device))
        self.register_buffer("training_keys", torch.empty(0, 2, dtype=torch.int64, device=device))
        self.register_buffer("training_groups", torch.empty(0, dtype=torch.int64, device=device))
        self.register_buffer("held_out_scores", torch.empty(0, device=device))
        self.data_digest, self.axes_rows = "", None
        self.feature_names: tuple[str, ...] | None = None
        self.result_dtype = torch.float32

    @property
    def n_pca_components(self) -> int | float:
        """The number, or share of variance, that was asked for."""
        return self.settings.n_pca_components

    @property
    def feature_scaling_method(self) -> FeatureScalingMethod:
        """How PCA scores are scaled."""
        return self.settings.feature_scaling_method

    @property
    def max_training_points(self) -> int:
        """The cap on training rows."""
        return self.settings.max_training_points

    @property
    def n_components_(self) -> int:
        """The number of components kept, at most the numerical rank of the training rows."""
        return self.pca_model.n_components_

    @property
    def kernel(self) -> str:
        """What sums the kernels of float32 rows: "llvm", "fused attention", "triton" or "blocked".

        Set it to one of these to force it, or to "auto", the default, for the fastest.
        """
        self._require_fitted()
        return self.kde_model.scorer(torch.float32).kernel

    @kernel.setter
    def kernel(self, kernel: str) -> None:
        self.kde_model.kernel = kernel

    def fit(self, embeddings: Features) -> bool:
        """Fit on (N, D) rows.

        A refit forgets the old model first, whatever comes of it. Warns (FitWarning) when fewer components
        are kept than asked for.

        Returns:
            True; or False, with a logged warning, when there are fewer rows than components: then the module
            is not fitted.

        Raises:
            DataError: NaN or infinity (the first rows are named), wrong shape, or all rows equal.
        """
        report = self.fit_report(embeddings)
        for message in report.warnings:
            warnings.warn(message, FitWarning, stacklevel=2)
        return report.fitted

    @torch.no_grad()
    def fit_report(
        self,
        embeddings: Features,
        *,
        axes_of: AxesOf = principal_axes,
        digest: str | None = None,
        feature_names: tuple[str, ...] | None = None,
        on_block: OnBlock | None = None,
        with_folds: bool = False,
    ) -> FitReport:
        """`fit`, with its warnings as data.

        Args:
            embeddings: (N, D) rows.
            axes_of: gives the principal axes of the rows that `training_subset` chooses.
            digest: of the rows, if known already.
            feature_names: of the D dimensions, if they have names.
            on_block: called after each block of rows; see `OnBlock`.
            with_folds: find the axes so that `hold_out` needs no second pass over the rows.
        """
        self._forget(self.device)
        rows = Rows(embeddings)
        device = rows.device or self.device
        if device != self.device:
            self._forget(device)
        asked = self.settings.n_pca_components
        if isinstance(asked, int) and len(rows) < asked:
            logger.warning("%d rows are fewer than n_pca_components=%d: not fitted", len(rows), asked)
            return FitReport(False, ())
        rows.check_finite()
        index = training_subset(len(rows), self.settings)
        chosen = rows.select(index)
        keys = row_keys(chosen)
        folds = fold_numbers(keys) if with_folds else None
        standardise = self.settings.standardise
        axes = axes_of(chosen, device, asked, on_block, folds=folds, standardise=standardise)
        stack, scaled = self.take(axes, chosen)
        self.training_rows = torch.from_numpy(index).to(device)
        self.training_keys = torch.from_numpy(keys).to(device)
        self.feature_names = feature_names or column_names(embeddings)
        self.data_digest = digest or rows.digest()
        remarks = [*fit_warnings(self.settings, stack)]
        if with_folds and (remark := hold_together(self, on_block)):
            remarks.append(remark)
            axes = axes_of(chosen, device, asked, on_block, folds=self.folds, standardise=standardise)
        return FitReport(True, tuple(remarks), scaled, axes)

    @torch.no_grad()
    def take(self, axes: PrincipalAxes, chosen: Rows, known: Rounding | None = None) -> tuple[Tensor, Tensor]:
        """Fit on rows whose principal axes are known, and perhaps their rounding.

        Returns:
            Their (n, k) PCA scores, and these scaled.
        """
        self.pca_model.use_axes(axes, chosen)
        self.pca_model.rounding = known or self.pca_model.rounding
        stack = torch.cat([self.pca_scores(chosen, *span) for span in chosen.spans()])
        scaled, self.max_length = self.pre_process(stack)
        self.kde_model.fit(scaled)
        self.result_dtype = self.kde_model.told_in(chosen.result_dtype(self.device))
        self.training_rows = torch.arange(len(chosen), device=self.device)
        return stack, scaled

    def pca_scores(self, rows: Rows, start: int, stop: int) -> Tensor:
        """(M, k) PCA scores of rows start to stop; 0 for those that have no direction where one is needed."""
        return self.pca_model.project(rows, start, stop, directions=self.settings.scaling.of_directions)

    @torch.no_grad()
    def pre_process(self, feature_stack: Features, max_length: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Scale PCA scores.

        Args:
            feature_stack: (M, k) PCA scores; not changed.
            max_length: the largest row length seen in training; that of these rows if None.

        Returns:
            The scaled (M, k) scores, and the length. A row of length zero stays zero.

        Raises:
            DataError: not two-dimensional, or not numbers.
        """
        rows = Rows(feature_stack)
        if not isinstance(feature_stack, Tensor) or not feature_stack.is_floating_point():
            feature_stack = rows.block(0, len(rows), rows.dtype, self.device)
        if max_length is None:
            max_length = row_lengths(feature_stack).max() if len(rows) else feature_stack.new_zeros(())
        return self.settings.scaling.apply(feature_stack, max_length), max_length

    @torch.no_grad()
    def transform(self, features: Features) -> Tensor:
        """(M, D) rows to (M, k) scaled PCA scores: the space in which densities are estimated."""
        rows = self._checked(features)
        shape = (len(rows), self.n_components_)
        scores = self.max_length.new_empty(shape, dtype=rows.result_dtype(self.device))
        for start, stop in rows.spans():
            scores[start:stop] = self._reduced(rows, start, stop)
        return scores

    def log_density(self, features: Features, *, on_block: OnBlock | None = None) -> Tensor:
        """Log density, in nats, of (M, D) rows: (M,); lower is more anomalous.

        Raises:
            NotFittedError: before `fit`.
            DataError: wrong shape, NaN or infinity.
        """
        return self.log_density_of(self._checked(features), on_block)

    @torch.no_grad()
    def log_density_of(self, rows: Rows, on_block: OnBlock | None = None) -> Tensor:
        """The same of rows that are known to be finite, and as wide as those of the fit."""
        dtype = self.kde_model.told_in(rows.result_dtype(self.device))
        scores, scorer = self.max_length.new_empty(len(rows), dtype=dtype), self.kde_model.scorer(dtype)
        for start, stop in rows.spans(on_block, self.kde_model.rows_per_block):
            scores[start:stop] = scorer.log_prob(self._reduced(rows, start, stop))
        return scores

    def compute_kde_scores(self, features: Features, as_log_likelihood: bool = False) -> Tensor:
        """Density of (M, D) rows, or `log_density` if `as_log_likelihood`.

        A density that leaves the dtype's range becomes 0 or infinity: to rank, take the log density.
        """
        scores = self.log_density(features)
        return scores if as_log_likelihood else scores.exp()

    @staticmethod
    def compute_probabilities(scores: Tensor) -> Tensor:
        """Probability of being anomalous on the default curve, from log densities."""
        return ProbabilityCurve()(scores)

    def predict(self, features: Features) -> Tensor:
        """Probability of being anomalous of (M, D) rows, on the model's curve."""
        return self.curve(self.log_density(features))

    def forward(self, features: Features) -> Tensor:
        """Same as `predict`."""
        return self.predict(features)

    @property
    def folds(self) -> NDArray[np.int64]:
        """(n,) the fold in which each training row is held out; see `fold_numbers`."""
        groups = self.training_groups.cpu().numpy()
        return fold_numbers(self.training_keys.cpu().numpy(), groups if len(groups) else None)

    @property
    def copies(self) -> NDArray[np.int64]:
        """(n,) numbers that copies, equal or near, share; every row has its own where none are known."""
        if self.training_groups.numel():
            return np.asarray(self.training_groups.cpu().numpy())
        keys = self.training_keys.cpu().numpy()
        return copies(keys) if len(keys) else np.arange(len(self.training_rows))

    def recognised(self, features: Features | Rows) -> NDArray[np.int64]:
        """(M,) which training row, in the order of `training_rows`, each of (M, D) rows is; -1 for none.

        Rows are known by their content, whatever their order and precision; see `KnownRows`.
        """
        self._require_fitted()
        return self.known_rows.find(in_order(features, self.feature_names))

    @property
    def known_rows(self) -> KnownRows:
        """What recognises the training rows, prepared for many data sets."""
        return KnownRows(self.training_keys.cpu().numpy())

    def _checked(self, features: Features) -> Rows:
        self._require_fitted()
        rows = Rows(in_order(features, self.feature_names), len(self.pca_model.mean))
        rows.check_finite()
        return rows

    def _reduced(self, rows: Rows, start: int, stop: int) -> Tensor:
        return self.pre_process(self.pca_scores(rows, start, stop), self.max_length)[0]

    def save(self, path: str | Path) -> None:
        """Write the fitted model to one safetensors file, whole or not at all; see `load`."""
        write_whole(path, self.to_bytes())

    def to_bytes(self) -> bytes:
        """What `save` writes."""
        return model_file.model_file_bytes(self.state_dict(), model_file.metadata_of(self))

    @classmethod
    def load(cls, path: str | Path, device: str | torch.device = "auto") -> KDEClassifier:
        """Read a model that `save` wrote; on the same device its scores are bit-equal.

        Raises:
            ModelFileError: missing, truncated, foreign, damaged, or from a newer kdeviz.
            OptionError: there is no such device.
        """
        return model_file.read(cls, path, device)
