"""The built-in sample set, so that the first screen is never empty."""

from __future__ import annotations

from dataclasses import replace

from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.data.load import load_embeddings
from kdeviz.data.resources import resource


def load_sample() -> EmbeddingSet:
    """Handwritten digits as 64 features of a small CNN: 0 to 8 are normal, 9 was never seen in training.

    The test rows also hold ten damaged digits. `sample_data/make_digits.py` makes the file.
    """
    return replace(load_embeddings(resource("sample_data/digits.parquet")), name="Handwritten digits")
