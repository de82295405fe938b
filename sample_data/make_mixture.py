"""Make `mixture.parquet`: points in two dimensions, with the true density of the normal ones at each.

    python sample_data/make_mixture.py [output.parquet]

Normal points come from a mixture of three Gaussians, whose log density is

    log p(x) = logsumexp_c(log w_c - |L_c⁻¹ (x - m_c)|² / 2 - log |L_c|) - log(2 pi),  S_c = L_c L_cᵀ,

with weights w, means m and covariances S (McLachlan and Peel, Finite Mixture Models, 2000, section 1.4).
Anomalous points are spread evenly over a square and appear among the test rows only. For such anomalies no
detector separates better on average than p itself (the lemma of Neyman and Pearson, 1933).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.special import logsumexp

__all__ = ["CLOUDS", "log_density", "main", "make_table"]

SEED = 3
TRAIN, NORMAL, ANOMALOUS = 800, 400, 40
HALF_SIDE = 7.0  # of the square


class Cloud(NamedTuple):
    """One Gaussian of the mixture, as wide as `deviations` along two axes that are turned by `degrees`."""

    name: str
    weight: float
    mean: tuple[float, float]
    deviations: tuple[float, float]
    degrees: float

    @property
    def root(self) -> NDArray[np.float64]:
        """(2, 2) L, of the covariance L Lᵀ."""
        angle = np.radians(self.degrees)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        return np.asarray(turn * self.deviations)


CLOUDS = (
    Cloud("wide", 0.4, (-2.0, 0.5), (1.2, 1.0), 0),
    Cloud("long", 0.35, (2.0, 1.5), (1.8, 0.4), 35),
    Cloud("dense", 0.25, (1.0, -2.2), (0.4, 0.4), 0),
)


def log_density(points: NDArray[Any]) -> NDArray[np.float64]:
    """(N,) nats, the true log density of normal points at (N, 2) places."""
    parts = []
    for cloud in CLOUDS:
        standard = np.linalg.solve(cloud.root, (points - np.array(cloud.mean)).T)
        volume = np.log(abs(np.linalg.det(cloud.root)))
        parts.append(np.log(cloud.weight) - (standard**2).sum(0) / 2 - volume - np.log(2 * np.pi))
    return np.asarray(logsumexp(parts, axis=0))


def make_table() -> pa.Table:
    """All points: what is known about each, and where it is."""
    random = np.random.default_rng(SEED)
    cloud = random.choice(len(CLOUDS), TRAIN + NORMAL, p=[cloud.weight for cloud in CLOUDS])
    standard = random.normal(size=(TRAIN + NORMAL, 2))
    normal = [CLOUDS[c].mean + CLOUDS[c].root @ z for c, z in zip(cloud, standard, strict=True)]
    anywhere = random.uniform(-HALF_SIDE, HALF_SIDE, (ANOMALOUS, 2))
    points = np.concatenate([normal, anywhere]).astype(np.float32)
    names = [CLOUDS[c].name for c in cloud] + ["none"] * ANOMALOUS
    columns: dict[str, Any] = {
        "id": [f"point-{row:04}" for row in range(len(points))],
        "label": ["normal"] * (TRAIN + NORMAL) + ["anomalous"] * ANOMALOUS,
        "split": ["train"] * TRAIN + ["test"] * (NORMAL + ANOMALOUS),
        "cloud": names,
        "true log density": log_density(points.astype(np.float64)),
        "embedding": pa.FixedSizeListArray.from_arrays(pa.array(points.ravel()), 2),
    }
    return pa.table(columns)


def main(path: Path) -> None:
    """Write the table to `path`."""
    pq.write_table(make_table(), path, compression="zstd", compression_level=19)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("mixture.parquet"))
