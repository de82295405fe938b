"""Fitting: the exact float64 PCA against scikit-learn's, and a whole fit against the reference's full SVD."""

from __future__ import annotations

import torch
from sklearn import decomposition

from benchmarks.timing import Row, paired
from kdeviz import KDEClassifier
from kdeviz.pca import PCA


def run() -> list[Row]:
    generator = torch.Generator().manual_seed(0)
    rows = []
    for n, d, solver in ((40_000, 512, "covariance_eigh"), (1000, 2048, "auto")):
        features = torch.randn(n, d, generator=generator) * torch.logspace(0, -2, d)
        rows += paired(
            f"PCA fit, {n} x {d}",
            {
                "kdeviz (float64)": lambda x=features: PCA(16).fit(x),
                f"scikit-learn {solver} (float32)": lambda x=features, s=solver: decomposition.PCA(
                    16, svd_solver=s
                ).fit(x.numpy()),
            },
        )
    features = torch.randn(10_000, 512, generator=generator) * torch.logspace(0, -2, 512)
    return rows + paired(
        "whole fit, 10000 x 512",
        {
            "kdeviz": lambda: KDEClassifier().fit(features),
            "full SVD, as in the reference": lambda: torch.linalg.svd(features - features.mean(0)),
        },
        rounds=1,
    )
