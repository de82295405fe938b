"""kdeviz: fit, see, tune and ship a PCA + Gaussian-KDE anomaly classifier for embeddings."""

__version__ = "0.1.0"
