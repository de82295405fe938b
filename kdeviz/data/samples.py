"""The built-in examples, so that the first screen is never empty: pictures, texts, a table, a known truth."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.data.load import load_embeddings
from kdeviz.data.resources import resource
from kdeviz.errors import OptionError

_PREFIX = "sample"


class Example(NamedTuple):
    """A set that ships with kdeviz."""

    title: str
    words: str
    """What is in it, a sentence."""


EXAMPLES = {
    "digits": Example(
        "Handwritten digits", "Pictures of 0 to 8 are normal; 9 and damaged ones were never seen in training."
    ),
    "sentences": Example(
        "Coffee machine reviews", "Sentences on six topics are normal; some are about something else."
    ),
    "breast_cancer": Example(
        "Breast cancer", "30 named measurements of cell nuclei; benign samples are normal."
    ),
    "mixture": Example(
        "Three clouds of points",
        "Made-up points whose true density is known: see how close the estimate comes.",
    ),
}
"""By name, in the order in which people are offered them. `sample_data/` holds each, and a script for it."""


def load_sample(name: str = "digits") -> EmbeddingSet:
    """One of the built-in examples.

    Args:
        name: "digits" (64 features of a small CNN), "sentences" (TF-IDF vectors of made-up reviews),
            "breast_cancer" (30 columns with names) or "mixture" (points whose true density is known).
            `sample_data/README.md` says what is in each.

    Raises:
        OptionError: there is no such example.
    """
    if name not in EXAMPLES:
        raise OptionError(f"there is no example {name!r}: choose from {', '.join(EXAMPLES)}")
    rows = load_embeddings(resource(f"sample_data/{name}.parquet"))
    # What there was to guess about the file is known.
    return replace(rows, name=EXAMPLES[name].title, notes=(), embedding_choices=())


def sample_source(name: str) -> str:
    """How an example is named where a file could be: "sample" for the first, else "sample:sentences"."""
    return _PREFIX if name == next(iter(EXAMPLES)) else f"{_PREFIX}:{name}"


def sample_name(source: str) -> str | None:
    """The name of the example that is meant where a file could be; None if none is."""
    return next((name for name in EXAMPLES if sample_source(name) == source), None)
