"""Make `breast_cancer.parquet`: 30 named measurements of cell nuclei, benign samples being the normal ones.

    python sample_data/make_breast_cancer.py [output.parquet]

Malignant samples appear among the test rows only.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.datasets import load_breast_cancer

__all__ = ["main", "make_table"]

SEED = 0
TRAIN_SHARE = 0.65  # of the benign samples


def make_table() -> pa.Table:
    """All samples of scikit-learn's copy: what is known about each, and its measurements."""
    bunch = load_breast_cancer()
    benign = bunch.target == list(bunch.target_names).index("benign")
    order = np.random.default_rng(SEED).permutation(np.flatnonzero(benign))
    train = np.zeros(len(benign), bool)
    train[order[: round(TRAIN_SHARE * len(order))]] = True
    columns: dict[str, Any] = {
        "id": [f"sample-{row:03}" for row in range(len(benign))],
        "label": np.where(benign, "normal", "anomalous"),
        "split": np.where(train, "train", "test"),
        "diagnosis": np.where(benign, "benign", "malignant"),
    }
    return pa.table(columns | {str(name): bunch.data[:, i] for i, name in enumerate(bunch.feature_names)})


def main(path: Path) -> None:
    """Write the table to `path`."""
    pq.write_table(make_table(), path, compression="zstd", compression_level=19)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("breast_cancer.parquet"))
