"""Slow, obvious float64 versions of what kdeviz computes: numpy and scipy only, and nothing from kdeviz."""

from typing import NamedTuple

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import logsumexp

LOG_DENSITY = {"atol": 1e-4, "rtol": 1e-5}
"""What kdeviz promises of log densities from float32 rows, between about +50 and -1e5 nats."""


class PCA(NamedTuple):
    mean: np.ndarray  # (D,)
    components: np.ndarray  # (D, k)
    variances: np.ndarray  # (min(N, D),)

    def scores(self, features):
        return (np.asarray(features, np.float64) - self.mean) @ self.components


def pca(features, k):
    features = np.asarray(features, np.float64)
    mean = features.mean(0)
    _, lengths, right = np.linalg.svd(features - mean, full_matrices=False)
    return PCA(mean, right[:k].T, lengths**2 / (len(features) - 1))


def subspace_distance(a, b):
    """Sine of the largest angle between the spans of two (D, k) orthonormal bases."""
    return np.linalg.norm(a - b @ (b.T @ a), 2)


def scaled(scores, method, longest):
    """Rows divided by their own length ("norm", zero rows stay) or by the longest in training ("scale")."""
    if method == "scale":
        return scores / longest
    lengths = np.linalg.norm(scores, axis=1, keepdims=True)
    return np.divide(scores, lengths, out=np.zeros_like(scores), where=lengths > 0)


def bandwidth_factor(rule, n, k):
    if rule == "silverman":
        return (n * (k + 2) / 4) ** (-1 / (k + 4))
    return n ** (-1 / (k + 4)) * (1 if rule == "scott" else rule)


def kernel_exponents(queries, points, covariance):
    """(M, N): -|W (x - y)|^2 / 2, from the differences themselves."""
    factor = np.linalg.cholesky(covariance)
    exponents = np.empty((len(queries), len(points)))
    for i, query in enumerate(np.asarray(queries, np.float64)):
        whitened = solve_triangular(factor, (points - query).T, lower=True)
        exponents[i] = -0.5 * (whitened**2).sum(0)
    return exponents


def log_norm(covariance):
    k = len(covariance)
    return -0.5 * np.linalg.slogdet(covariance)[1] - k / 2 * np.log(2 * np.pi)


class KDE:
    """Gaussian mixture with one kernel on each point, covariance = factor^2 times the points' own."""

    def __init__(self, points, rule="scott"):
        self.points = np.asarray(points, np.float64)
        n, k = self.points.shape
        own = np.atleast_2d(np.cov(self.points, rowvar=False))
        self.covariance = own * bandwidth_factor(rule, n, k) ** 2

    def log_density(self, queries):
        exponents = kernel_exponents(queries, self.points, self.covariance)
        return logsumexp(exponents, axis=1) - np.log(len(self.points)) + log_norm(self.covariance)

    def marginal_log_density(self, queries, components):
        """Of some of the dimensions, the others integrated out kernel by kernel."""
        chosen = list(components)
        covariance = self.covariance[np.ix_(chosen, chosen)]
        exponents = kernel_exponents(queries, self.points[:, chosen], covariance)
        return logsumexp(exponents, axis=1) - np.log(len(self.points)) + log_norm(covariance)


class Classifier:
    """PCA, scaling and KDE on all training rows."""

    def __init__(self, features, k, method="scale", rule="scott"):
        self.pca, self.method = pca(features, k), method
        scores = self.pca.scores(features)
        self.longest = np.linalg.norm(scores, axis=1).max()
        self.kde = KDE(scaled(scores, method, self.longest), rule)

    def log_density(self, queries):
        return self.kde.log_density(scaled(self.pca.scores(queries), self.method, self.longest))


def held_out(features, folds, k, method="scale", rule="scott"):
    """(n,) log density of each row under a classifier of the rows outside its fold.

    Under "scale" each fold has another unit of length; they are told in that of all rows.
    """
    features, unit = np.asarray(features, np.float64), Classifier(features, k, method, rule).longest
    scores = np.empty(len(features))
    for fold in np.unique(folds):
        model = Classifier(features[folds != fold], k, method, rule)
        change = k * np.log(unit / model.longest) if method == "scale" else 0.0
        scores[folds == fold] = model.log_density(features[folds == fold]) + change
    return scores


def probability(log_density, midpoint=12.0, steepness=0.05):
    return 1 / (1 + np.exp(steepness * (np.asarray(log_density, np.float64) - midpoint)))


class Reference:
    """anomalib's KDEClassifier under SCALE, its formulas in its order, in one dtype and on copies."""

    def __init__(self, features, k, dtype=np.float64):
        features = np.asarray(features, dtype)
        self.mean = features.mean(0)
        _, _, right = np.linalg.svd(features - self.mean, full_matrices=False)
        self.singular_vectors = right.T[:, :k]
        stack = (features - self.mean) @ self.singular_vectors
        self.max_length = np.linalg.norm(stack, axis=1).max()
        dataset = stack / self.max_length
        n = len(dataset)
        factor = n ** (-1 / (k + 4))
        centred = dataset - dataset.mean(0)
        covariance = centred.T @ centred / (n - 1)
        self.bw_transform = np.linalg.cholesky(np.linalg.inv(covariance) / factor**2)
        self.dataset = dataset @ self.bw_transform
        self.norm = np.prod(np.diag(self.bw_transform)) * dtype((2 * np.pi) ** (-k / 2))

    def density(self, queries):
        stack = (np.asarray(queries, self.mean.dtype) - self.mean) @ self.singular_vectors
        projected = stack / self.max_length @ self.bw_transform
        kernels = [np.exp(-((self.dataset - row) ** 2).sum(1) / 2) for row in projected]
        return np.array([(kernel * self.norm).mean() for kernel in kernels])

    def probability(self, queries):
        return probability(np.log(self.density(queries)))


def reference_norm_log_density(features, queries, k):
    """anomalib under NORM: its covariance centres the unit training rows again, in place; not the queries."""
    model = pca(features, k)
    unit = scaled(model.scores(features), "norm", None)
    return KDE(unit - unit.mean(0)).log_density(scaled(model.scores(queries), "norm", None))


def auroc(normal, anomalous):
    """Share of (normal, anomalous) pairs in which the anomalous row has the lower score; a tie is half."""
    lower = anomalous[:, None] < normal
    tied = anomalous[:, None] == normal
    return (lower + tied / 2).mean()


def ledoit_wolf(rows):
    """Ledoit and Wolf, Journal of Multivariate Analysis 88, 2004, lemma 3.3, of centred rows."""
    n, k = rows.shape
    sample = rows.T @ rows / n
    target = np.trace(sample) / k * np.eye(k)
    distance = ((sample - target) ** 2).sum()
    error = sum(((np.outer(row, row) - sample) ** 2).sum() for row in rows) / n**2
    share = min(error / distance, 1) if distance > 0 else 0
    return share * target + (1 - share) * sample


def pulled_apart(anomalous, others):
    """Centre and directions, by the definition, with the largest mean square found among eigenvectors."""
    anomalous, others = anomalous.astype(np.float64), others.astype(np.float64)
    centre, spread = others.mean(0), others.std(0)
    shrunk = spread[:, None] * ledoit_wolf((others - centre) / spread) * spread
    first = np.linalg.solve(shrunk, anomalous.mean(0) - centre)
    first /= np.sqrt(first @ shrunk @ first)
    # Directions w with w S first = 0: what is left of the rows is x - S first (first . x).
    left = (anomalous - centre) - np.outer((anomalous - centre) @ first, shrunk @ first)
    root = np.linalg.cholesky(np.linalg.inv(shrunk))
    _, vectors = np.linalg.eigh(root.T @ (left.T @ left / len(left)) @ root)
    return centre, np.stack([first, root @ vectors[:, -1]], axis=1)
