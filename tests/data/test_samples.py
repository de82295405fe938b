import io
import runpy
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from scipy.stats import gaussian_kde
from sklearn.metrics import roc_auc_score

from kdeviz.data.labels import ANOMALOUS, NORMAL
from kdeviz.data.resources import resource
from kdeviz.data.samples import load_sample

FILE = resource("sample_data/digits.parquet")
SCRIPT = Path(__file__).parents[2] / "sample_data" / "make_digits.py"


@pytest.fixture(scope="module")
def sample():
    return load_sample()


def pixels(thumbnail):
    with Image.open(io.BytesIO(thumbnail)) as image:
        assert image.format == "PNG"
        return np.asarray(image)


def auroc(sample, k=16, scaling="scale", bandwidth=1.0):
    """The seed model in numpy and scipy, float64."""
    features, train = sample.features.astype(np.float64), sample.split == "train"
    mean = features[train].mean(0)
    _, _, components = np.linalg.svd(features[train] - mean, full_matrices=False)
    scores = (features - mean) @ components[:k].T
    lengths = np.linalg.norm(scores, axis=1, keepdims=True)
    scores /= lengths if scaling == "norm" else lengths[train].max()
    kde = gaussian_kde(scores[train].T)
    kde.set_bandwidth(kde.factor * bandwidth)
    return roc_auc_score(sample.labels[~train] == ANOMALOUS, -kde.logpdf(scores[~train].T))


def test_every_row_is_described(sample):
    assert sample.name == "Handwritten digits"
    assert len(set(sample.ids)) == len(sample) == 1797 + 10
    assert sample.ids[42] == "digit-0042"
    assert sample.ids[-1] == "damaged-09"
    assert set(sample.split) == {"train", "test"}
    assert list(sample.metadata) == ["digit", "damage"]
    assert sample.features.dtype == np.float32
    assert sample.features.shape[1] == 64
    assert np.isfinite(sample.features).all()


def test_reading_leaves_nothing_to_guess(sample):
    assert sample.notes == ()


def test_training_rows_are_normal_and_the_anomalies_are_nines_and_damaged_digits(sample):
    assert (sample.labels[sample.split == "train"] == NORMAL).all()
    nine = (sample.metadata["digit"].astype(str) == "9").to_numpy()
    damaged = (sample.metadata["damage"] != "none").to_numpy()
    np.testing.assert_array_equal(sample.labels == ANOMALOUS, nine | damaged)
    np.testing.assert_array_equal(damaged, [i.startswith("damaged-") for i in sample.ids])
    assert damaged.sum() == 10
    assert not (nine & damaged).any()
    assert ((sample.labels == NORMAL) & (sample.split == "test")).sum() > 500


def test_thumbnails_are_small_pngs(sample):
    assert {pixels(thumbnail).shape for thumbnail in sample.thumbnails} == {(48, 48)}


def test_file_is_small():
    assert FILE.stat().st_size < 2_000_000


def test_training_features_have_full_rank(sample):
    train = sample.features[sample.split == "train"].astype(np.float64)
    assert np.linalg.matrix_rank(train - train.mean(0)) == 64


def test_defaults_separate_well_but_not_perfectly(sample):
    assert 0.85 < auroc(sample) < 0.99


def test_the_separation_does_not_rest_on_the_damaged_digits(sample):
    unspoilt = (sample.metadata["damage"] == "none").to_numpy()
    assert 0.85 < auroc(sample.take(unspoilt)) < 0.99


def test_tuning_has_something_to_show(sample):
    default = auroc(sample)
    assert auroc(sample, k=24, scaling="norm") > default + 0.01
    assert auroc(sample, k=32) < default - 0.05
    assert auroc(sample, bandwidth=2.0) < default - 0.05


def test_script_makes_the_shipped_file_again(tmp_path):
    random_state = torch.get_rng_state()
    runpy.run_path(str(SCRIPT))["main"](tmp_path / "digits.parquet")
    assert torch.equal(torch.get_rng_state(), random_state)

    made, shipped = pq.read_table(tmp_path / "digits.parquet"), pq.read_table(FILE)
    assert made.schema == shipped.schema
    for name in ("id", "label", "split", "digit", "damage"):
        assert made[name].equals(shipped[name]), name
    # Pixels, not bytes: another zlib compresses the same picture differently.
    for one, other in zip(made["thumbnail"].to_pylist(), shipped["thumbnail"].to_pylist(), strict=True):
        np.testing.assert_array_equal(pixels(one), pixels(other))
    one, other = (np.stack(table["embedding"].to_numpy()) for table in (made, shipped))
    np.testing.assert_allclose(one, other, atol=1e-3)  # measured: 0 here, 6e-6 with another instruction set
