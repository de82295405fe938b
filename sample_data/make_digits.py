"""Make `digits.parquet`: features of a small CNN that has never seen a nine.

    python sample_data/make_digits.py [output.parquet]

The network learns to tell the digits 0 to 8 apart on the training rows; its penultimate layer, before the
classifying one, is the embedding. Nines and a few damaged digits appear among the test rows only.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits
from torch import nn

__all__ = ["main", "make_table"]

HELD_OUT = 9
DIMENSIONS = 64
TRAIN_SHARE = 0.65  # of the normal digits
EPOCHS = 15
SEED = 3
KINDS_OF_DAMAGE = ("inverted", "covered", "crossed out", "noisy", "cut off")
DAMAGED_PER_KIND = 2

Images = NDArray[np.float64]  # (N, 8, 8), 0 = paper, 1 = ink


def damaged(image: Images, kind: str, generator: torch.Generator) -> Images:
    """A copy of one (8, 8) image, spoilt so that anybody can see it."""
    if kind == "inverted":
        return 1 - image
    image = image.copy()
    if kind == "covered":
        image[2:6, 2:6] = 1
    elif kind == "crossed out":
        image[np.eye(8, dtype=bool) | np.eye(8, dtype=bool)[::-1]] = 1
    elif kind == "noisy":
        noise = torch.rand((2, 8, 8), generator=generator, dtype=torch.float64).numpy()
        image = np.where(noise[0] < 0.6, noise[1], image)
    elif kind == "cut off":
        image[4:] = 0
    return image


def embed(images: Images, digits: NDArray[np.int64], train: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Train the CNN on the `train` rows and return its (N, DIMENSIONS) features of all rows."""
    classes, targets = np.unique(digits[train], return_inverse=True)
    generator = torch.Generator().manual_seed(SEED)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(SEED)
        body = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1),
            nn.GELU(),
            nn.Conv2d(8, 16, 3, padding=1),
            nn.GELU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(16 * 4 * 4, DIMENSIONS),
            nn.GELU(),  # not ReLU: dead units would leave the features short of full rank
        )
        head = nn.Linear(DIMENSIONS, len(classes))
    # Training amplifies rounding; in float64 other machines still arrive at the same float32 features.
    network = nn.Sequential(body, head).double()
    inputs, labels = torch.from_numpy(images[:, None]), torch.from_numpy(targets)
    train_inputs = inputs[torch.from_numpy(train)]

    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3)
    for _ in range(EPOCHS):
        order = torch.randperm(len(labels), generator=generator)
        for start in range(0, len(order), 64):
            batch = order[start : start + 64]
            optimizer.zero_grad()
            torch.autograd.backward(nn.functional.cross_entropy(network(train_inputs[batch]), labels[batch]))
            optimizer.step()
    with torch.no_grad():
        features: NDArray[np.float32] = body(inputs).float().numpy()
    return features


def png(image: Images) -> bytes:
    """One (8, 8) image as a 48 x 48 PNG, dark ink on white.

    Smoothed, since raw 8 x 8 blocks are hard to read, and in 16 greys, which halves the file.
    """
    pixels = Image.fromarray(np.rint(255 * (1 - image)).astype(np.uint8))
    smooth = np.asarray(pixels.resize((48, 48), Image.Resampling.BICUBIC))
    greys = (np.rint(smooth / 17) * 17).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(greys).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def make_table() -> pa.Table:
    """All digits of scikit-learn and the damaged ones: what is known about each row, and its embedding."""
    bunch = load_digits()
    images: Images = bunch.images / 16
    digits: NDArray[np.int64] = bunch.target
    generator = torch.Generator().manual_seed(SEED)

    normal = np.flatnonzero(digits != HELD_OUT)
    normal = normal[torch.randperm(len(normal), generator=generator).numpy()]
    n_train = round(TRAIN_SHARE * len(normal))
    kinds = KINDS_OF_DAMAGE * DAMAGED_PER_KIND
    spoilt = normal[n_train : n_train + len(kinds)]
    copies = [damaged(images[row], kind, generator) for row, kind in zip(spoilt, kinds, strict=True)]

    ids = [f"digit-{row:04}" for row in range(len(images))] + [f"damaged-{i:02}" for i in range(len(kinds))]
    damage = ["none"] * len(images) + list(kinds)
    images, digits = np.concatenate([images, copies]), np.concatenate([digits, digits[spoilt]])
    train = np.zeros(len(images), dtype=bool)
    train[normal[:n_train]] = True
    anomalous = (digits == HELD_OUT) | (np.array(damage) != "none")

    features = embed(images, digits, train)
    columns: dict[str, Any] = {
        "id": ids,
        "label": np.where(anomalous, "anomalous", "normal"),
        "split": np.where(train, "train", "test"),
        "digit": digits.astype(str),
        "damage": damage,
        "thumbnail": [png(image) for image in images],
        "embedding": pa.FixedSizeListArray.from_arrays(pa.array(features.ravel()), DIMENSIONS),
    }
    return pa.table(columns)


def main(path: Path) -> None:
    """Write the table to `path`."""
    pq.write_table(make_table(), path, compression="zstd", compression_level=19)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("digits.parquet"))
