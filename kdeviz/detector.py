"""KDEOutlierDetector: the model as a scikit-learn estimator."""

from __future__ import annotations

import tempfile
import warnings
from dataclasses import KW_ONLY, dataclass, replace
from numbers import Integral
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from kdeviz import analysis
from kdeviz.data import EmbeddingSet
from kdeviz.decision import Decision, ThresholdRule, decide
from kdeviz.errors import FitWarning
from kdeviz.model import KDEClassifier
from kdeviz.settings import Settings

_MODEL = "model_"
_LARGEST_SEED = 2**31


@dataclass(eq=False, repr=False)
class KDEOutlierDetector(OutlierMixin, BaseEstimator):  # type: ignore[misc]
    """PCA + Gaussian-KDE outlier detector in scikit-learn's conventions; its model is a `KDEClassifier`.

    Fit it on mostly normal rows. Log densities of models with different components or scalings do not
    compare, so a search over them needs a scorer of labels, such as `scoring="roc_auc"` with y in {1, -1}.

    For PyOD an adapter around it has three methods, with three lines in `fit`; `BaseDetector` comes from
    `pyod.models.base`:

    ```python
    class KDE(BaseDetector):
        def __init__(self, contamination=0.1): super().__init__(contamination)
        def decision_function(self, X): return -self.kde.score_samples(X)
        def fit(self, X, y=None):
            self.kde = KDEOutlierDetector().fit(X)
            self.decision_scores_ = self.decision_function(X)
            return self._process_decision_scores()
    ```

    Args:
        n_pca_components: k, an int >= 1, cut to min(k, D, n - 1) with a FitWarning; or the share of the
            variance to keep, in (0, 1).
        feature_scaling_method: "norm" or "scale"; see `KDEClassifier`.
        max_training_points: above this, a random subset of the rows is used.
        bandwidth: "scott", "silverman", or a positive factor that multiplies Scott's.
        alert_budget: the share of new normal rows that may be flagged, in (0, 1). The threshold is this
            quantile of the held-out scores of the training rows. It is not scikit-learn's `contamination`,
            the share of the training rows themselves that is flagged.
        standardise: divide each centred feature by its standard deviation in training first.
        random_state: seed of the random subset: an int, a RandomState, or None.
        device: "auto", "cpu", "cuda", ...

    Attributes:
        model_: the fitted `KDEClassifier`, with its threshold.
        offset_: the threshold in nats: `decision_function` is `score_samples` minus this.
        n_features_in_: D.
        feature_names_in_: (D,) the names of the columns, where all of them are texts.
    """

    n_pca_components: int | float = 16
    feature_scaling_method: str = "scale"
    max_training_points: int = 40000
    _: KW_ONLY
    bandwidth: str | float = "scott"
    alert_budget: float = 0.01
    standardise: bool = False
    random_state: Any = 0
    device: str = "auto"

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit on (n, D) rows; y is ignored.

        Warns (FitWarning) when fewer components are kept than asked for, and of whatever else a person should
        know about the fit.

        Raises:
            ValueError: a parameter is not possible, or the rows cannot be fitted: NaN, no variance, one row.
        """
        rule = ThresholdRule("quantile", self.alert_budget)
        settings = self._settings()
        rows = validate_data(self, X, dtype="numeric", ensure_min_samples=2)
        settings, notes = _cut(settings, *rows.shape)
        names = getattr(self, "feature_names_in_", None)
        train = replace(
            EmbeddingSet.from_array(rows, "training rows"),
            feature_names=None if names is None else tuple(names),
        )
        found = analysis.analyse(train, settings=settings, device=self.device)
        for note in (*notes, *found.warnings):
            warnings.warn(note, FitWarning, stacklevel=2)
        self._keep(decide(found, rule))
        return self

    @classmethod
    def of(cls, decision: Decision) -> Self:
        """The detector of a decision, fitted: same scores, same verdicts."""
        settings, device = decision.analysis.settings, decision.analysis.classifier.device
        rule = decision.rule
        budget = rule.value if rule is not None and rule.kind == "quantile" else cls.alert_budget
        values = settings.to_dict()
        detector = cls(random_state=values.pop("seed"), alert_budget=budget, device=device.type, **values)
        detector._keep(decision)
        names = decision.analysis.classifier.feature_names
        detector.n_features_in_ = len(decision.analysis.classifier.pca_model.mean)
        if names is not None:
            detector.feature_names_in_ = np.asarray(names, dtype=object)
        return detector

    def score_samples(self, X: Any) -> NDArray[np.float64]:
        """Log density, in nats, of (M, D) rows: (M,); lower is more anomalous.

        Raises:
            ValueError: wrong shape, NaN or infinity.
        """
        check_is_fitted(self, _MODEL)
        rows = validate_data(self, X, dtype="numeric", reset=False)
        scores: NDArray[Any] = self.model_.log_density(rows).cpu().numpy()
        return scores.astype(np.float64)

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Nats above the threshold of (M, D) rows: (M,); negative for outliers."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> NDArray[np.int64]:
        """1 for each of (M, D) rows that looks normal, -1 for each outlier: (M,)."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def _settings(self) -> Settings:
        seed = self.random_state
        if not isinstance(seed, Integral):
            seed = check_random_state(seed).randint(_LARGEST_SEED)
        method: Any = self.feature_scaling_method  # Settings makes an enum of a string
        return Settings(
            self.n_pca_components,
            method,
            self.max_training_points,
            self.bandwidth,
            int(seed),
            self.standardise,
        )

    def _keep(self, decision: Decision) -> None:
        self.model_ = decision.fitted_model
        self.offset_ = decision.threshold

    def __getstate__(self) -> dict[str, Any]:
        """The model as the bytes of its file: no tensor, and nothing that would need to be trusted."""
        state: dict[str, Any] = dict(super().__getstate__())
        if _MODEL in state:
            state[_MODEL] = np.frombuffer(state[_MODEL].to_bytes(), np.uint8)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        if _MODEL in state:
            state[_MODEL] = _model(bytes(state[_MODEL]), state["device"])
        super().__setstate__(state)


def _cut(settings: Settings, n: int, dimensions: int) -> tuple[Settings, list[str]]:
    """Settings with a number of components that such data can have, and what was cut."""
    rows = min(n, settings.max_training_points)
    asked, most = settings.n_pca_components, min(dimensions, rows - 1)
    if isinstance(asked, float) or asked <= most:
        return settings, []
    note = f"n_pca_components={asked} is more than {rows} rows of {dimensions} features have: kept {most}"
    return replace(settings, n_pca_components=most), [note]


def _model(content: bytes, device: str) -> KDEClassifier:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        path.write_bytes(content)
        # Where it was fitted there may have been a GPU that is not here.
        return KDEClassifier.load(path, "cpu" if device == "cpu" else "auto")
