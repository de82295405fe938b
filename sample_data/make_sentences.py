"""Make `sentences.parquet`: made-up reviews of coffee machines, and some sentences about something else.

    python sample_data/make_sentences.py [output.parquet]

The vectors are TF-IDF weights of letters and pieces of words on the strongest directions of the training
sentences (latent semantic analysis), of length 1. Sentences on other topics appear among the test rows only.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize

__all__ = ["main", "make_table"]

SEED = 7
DIMENSIONS = 16
PER_TOPIC, TRAIN_PER_TOPIC = 70, 45

OPENINGS = (
    "",
    "After {n} weeks I can say that ",
    "I must admit that ",
    "My family agrees that ",
    "To be fair, ",
)
ENDINGS = (".", ", and I would buy it again.", ", which matters to me.", ", even on busy mornings.", "!")
TOPICS: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "taste": (
        ("the coffee", "the espresso", "the crema", "every cup", "the cappuccino"),
        (
            "tastes rich and smooth",
            "has a fine aroma",
            "tastes a little bitter",
            "is strong and hot",
            "has a thick layer of foam",
        ),
    ),
    "noise": (
        ("the grinder", "the pump", "the machine", "the milk frother", "the grinding of the beans"),
        (
            "is surprisingly quiet",
            "wakes up the whole house",
            "makes a loud noise",
            "hums softly while it works",
            "rattles when the tank is nearly empty",
        ),
    ),
    "cleaning": (
        ("the drip tray", "the brewing unit", "the water tank", "the milk hose", "the filter basket"),
        (
            "is easy to clean",
            "comes out with one hand",
            "has to be rinsed every day",
            "goes into the dishwasher",
            "collects too much limescale",
        ),
    ),
    "price": (
        ("the price", "the warranty", "the set of filters", "the descaling kit", "the replacement part"),
        (
            "is fair for what you get",
            "costs more than I expected",
            "was reduced in the sale",
            "is worth every cent",
            "is far too expensive",
        ),
    ),
    "service": (
        ("the delivery", "the customer service", "the repair shop", "the seller", "the hotline"),
        (
            "was quick and friendly",
            "took more than two weeks",
            "answered my questions at once",
            "sent a new machine without asking",
            "never called back",
        ),
    ),
    "use": (
        ("the display", "the start button", "the timer", "the touch screen", "the manual"),
        (
            "is easy to understand",
            "reacts too slowly",
            "explains every step",
            "shows the temperature of the water",
            "is too small to read without glasses",
        ),
    ),
}
ELSEWHERE = (
    "The telescope found three new moons around the outer planet.",
    "Heavy rain is expected in the mountains from Thursday on.",
    "The goalkeeper saved two penalties in the second half.",
    "Her novel follows four sisters through the last winter of the war.",
    "The parliament votes on the new tax law next Tuesday.",
    "Whales sing at a lower pitch than they did fifty years ago.",
    "Please water the tomatoes twice a day while we are away.",
    "The bridge was closed after cracks had been found in a pillar.",
    "A cello needs new strings about once a year.",
    "The patient was discharged on the fifth day after surgery.",
    "Shares of the shipping company fell by nine percent.",
    "The train to Lisbon leaves from platform six.",
    "Archaeologists dug up a Roman mosaic under the car park.",
    "He proved the theorem with an argument from graph theory.",
    "The kitten hid under the sofa until the guests had left.",
    "Glaciers in the valley have lost a third of their ice.",
    "The machine learning course starts in the second week of October.",
    "Our neighbours paint their fence green every spring.",
    "The coffee harvest in Ethiopia suffered from a long drought.",
    "The new washing machine shakes the whole kitchen floor.",
    "A customer of the bank lost the key to the safe.",
    "The water level of the lake rose by two metres.",
    "Nobody understood the manual of the tax office.",
    "Fresh bread smells best in the early morning.",
)


def sentences(topic: str, generator: random.Random) -> list[str]:
    """`PER_TOPIC` different sentences on one topic."""
    subjects, sayings = TOPICS[topic]
    every = list(product(OPENINGS, subjects, sayings, ENDINGS))
    chosen = generator.sample(every, PER_TOPIC)
    made = (f"{opening}{subject} {saying}{ending}" for opening, subject, saying, ending in chosen)
    return [text[0].upper() + text[1:].replace("{n}", str(generator.randint(2, 9))) for text in made]


def embed(texts: Sequence[str], train: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(N, DIMENSIONS) vectors; pieces of words and directions come from the `train` texts only."""
    pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 3), sublinear_tf=True)
    weights = pieces.fit_transform([text for text, known in zip(texts, train, strict=True) if known])
    directions = TruncatedSVD(DIMENSIONS, algorithm="arpack", random_state=SEED).fit(weights)
    features: NDArray[np.float64] = directions.transform(pieces.transform(texts))
    return np.asarray(normalize(features), dtype=np.float32)


def make_table() -> pa.Table:
    """All sentences: what is known about each, and its vector."""
    generator = random.Random(SEED)
    texts, topics, train = [], [], []
    for topic in TOPICS:
        texts += sentences(topic, generator)
        topics += [topic] * PER_TOPIC
        train += [place < TRAIN_PER_TOPIC for place in range(PER_TOPIC)]
    texts += ELSEWHERE
    topics += ["something else"] * len(ELSEWHERE)
    train += [False] * len(ELSEWHERE)
    known = np.array(train)
    columns: dict[str, Any] = {
        "id": [f"review-{number:03}" for number in range(len(texts))],
        "label": np.where(np.array(topics) == "something else", "anomalous", "normal"),
        "split": np.where(known, "train", "test"),
        "text": texts,
        "topic": topics,
        "words": [len(text.split()) for text in texts],
        "embedding": pa.FixedSizeListArray.from_arrays(pa.array(embed(texts, known).ravel()), DIMENSIONS),
    }
    return pa.table(columns)


def main(path: Path) -> None:
    """Write the table to `path`."""
    pq.write_table(make_table(), path, compression="zstd", compression_level=19)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("sentences.parquet"))
