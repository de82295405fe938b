"""Does an alarm budget hold on new normal samples? kdeviz, before and after, beside its peers.

"Before" takes each row out of the kernel sum alone, as kdeviz 0.1 did: the row stays in axes, covariance and
lengths. "After" is what `analyse` does: models that have not seen the row, nor its copies. Peers are asked
for the same budget as their `contamination`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor

from benchmarks.tables import Table
from kdeviz import Settings, ThresholdRule, analyse, decide
from kdeviz.analysis import Analysis

__all__ = ["CASES", "run"]

BUDGET = 0.05
_NEW = 2000
Rows = NDArray[np.float32]


class Case(NamedTuple):
    """Training rows, and new rows like them."""

    name: str
    n: int
    d: int
    k: int
    bandwidth: str | float = "scott"
    twice: bool = False
    groups: bool = False

    def drawn(self, seed: int) -> tuple[Rows, Rows]:
        """(n, d) to fit on, each of them twice where the case says so, and new ones."""
        random = np.random.default_rng(seed)
        rows = random.standard_normal((self.n + _NEW, self.d)) * np.arange(1, self.d + 1) ** -0.5
        if self.groups:
            rows[:, :4] += random.choice([-3.0, 3.0], (len(rows), 1)) / np.arange(1, 5)
        train, new = np.split(rows.astype(np.float32), [self.n])
        return np.repeat(train, 2 if self.twice else 1, axis=0), new


CASES = (
    Case("500 x 2048, k = 16", 500, 2048, 16),
    Case("200 x 5000, k = 16", 200, 5000, 16),
    Case("200 x 12, every row twice, k = 3", 200, 12, 3, twice=True),
    Case("the same, bandwidth x 0.5", 200, 12, 3, 0.5, twice=True),
    Case("500 x 64 in two groups, k = 32", 500, 64, 32, groups=True),
    Case("2000 x 64, k = 16", 2000, 64, 16),
)


def run(cases: Iterable[Case] = CASES, seeds: int = 3) -> Iterator[Table]:
    """Real false-alarm rates at a budget of 5 %, in per cent."""
    ways = {
        "kdeviz, before": _before,
        "kdeviz": _now,
        **{name: _peer(name) for name in _PEERS if _is_there(name)},
    }
    rows = []
    for case in cases:
        drawn = [case.drawn(seed) for seed in range(seeds)]
        rates = [np.mean([way(case, train, new) for train, new in drawn]) for way in ways.values()]
        rows.append([case.name, *(f"{100 * rate:.2g}" for rate in rates)])
    note = f"New normal samples that are flagged, in per cent, where {100 * BUDGET:.0f} were asked for."
    yield Table("Trust: false alarms at a budget of 5 %", ["rows", *ways], rows, note)


def _analysis(case: Case, train: Rows, new: Rows) -> Analysis:
    return analyse(train, new, Settings(case.k, bandwidth=case.bandwidth), "cpu")


def _now(case: Case, train: Rows, new: Rows) -> float:
    return float(decide(_analysis(case, train, new), ThresholdRule("quantile", BUDGET)).flagged.mean())


def _before(case: Case, train: Rows, new: Rows) -> float:
    analysis = _analysis(case, train, new)
    density = analysis.classifier.kde_model
    exponents = torch.cdist(density.dataset, density.dataset).square().div(-2).fill_diagonal_(-torch.inf)
    left_out = exponents.logsumexp(1) + float(density.log_norm) - np.log(len(exponents) - 1)
    return float((analysis.scores < np.quantile(left_out.numpy(), BUDGET)).mean())


def _lof() -> LocalOutlierFactor:
    return LocalOutlierFactor(novelty=True, contamination=BUDGET)


def _forest() -> IsolationForest:
    return IsolationForest(contamination=BUDGET, random_state=0)


def _pyod() -> object:
    from pyod.models.kde import KDE

    return KDE(contamination=BUDGET)


_PEERS: dict[str, Callable[[], object]] = {
    "LocalOutlierFactor": _lof,
    "IsolationForest": _forest,
    "PyOD KDE": _pyod,
}


def _is_there(name: str) -> bool:
    try:
        _PEERS[name]()
    except ImportError:
        return False
    return True


def _peer(name: str) -> Callable[[Case, Rows, Rows], float]:
    def rate(case: Case, train: Rows, new: Rows) -> float:
        fitted = _PEERS[name]().fit(train)  # type: ignore[attr-defined]
        verdicts = fitted.predict(new)
        return float((verdicts == (1 if name.startswith("PyOD") else -1)).mean())

    return rate


if __name__ == "__main__":
    from benchmarks.tables import markdown

    for table in run():
        print(markdown(table))
