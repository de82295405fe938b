"""A fitted scikit-learn estimator, saved by skops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdeviz.decision import Decision
from kdeviz.errors import ExportError
from kdeviz.output.formats.model_format import ModelFormat, Scored

_OWN = "kdeviz.detector.KDEOutlierDetector"


class Skops(ModelFormat):
    """.skops."""

    name = "skops"
    title = "scikit-learn estimator (skops)"
    suffix = ".skops"
    words = (
        "A fitted `kdeviz.KDEOutlierDetector`, a scikit-learn estimator, saved by skops: opening it runs no "
        f"code from the file. The only type to trust is `{_OWN}`. It takes kdeviz to open it."
    )
    needs = ("skops",)
    install = "pip install 'kdeviz[skops]'"

    def loading(self, decision: Decision, file: str) -> str:
        """See `ModelFormat`."""
        return f"""\
import skops.io
detector = skops.io.load({file!r}, trusted=["{_OWN}"])
log_density = detector.score_samples(rows)
flagged = detector.predict(rows) == -1"""

    def write(self, decision: Decision, path: Path) -> None:
        """See `ModelFormat`."""
        import skops.io

        from kdeviz.detector import KDEOutlierDetector

        skops.io.dump(KDEOutlierDetector.of(decision), path)

    def check(self, decision: Decision, path: Path, rows: NDArray[np.float32]) -> Scored:
        """See `ModelFormat`."""
        import skops
        import skops.io

        unknown = set(skops.io.get_untrusted_types(file=path)) - {_OWN}
        if unknown:
            raise ExportError(f"it holds types to be trusted beyond our own: {', '.join(sorted(unknown))}")
        detector = skops.io.load(path, trusted=[_OWN])
        given = _named(decision, rows.astype(np.float64))
        scores, flagged = detector.score_samples(given), detector.predict(given) == -1
        return Scored("skops", skops.__version__, scores, flagged=flagged)


def _named(decision: Decision, rows: NDArray[np.float64]) -> Any:
    """Under the names of the features, where they have any: scikit-learn warns otherwise."""
    import pandas as pd

    names = decision.analysis.classifier.feature_names
    return rows if names is None else pd.DataFrame(rows, columns=list(names))
