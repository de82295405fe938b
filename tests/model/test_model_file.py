import copy
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from safetensors import safe_open

import kdeviz
from kdeviz.errors import ModelFileError, OptionError
from kdeviz.model import model_file
from kdeviz.model.classifier import KDEClassifier
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.settings import Settings


@pytest.fixture
def saved(fitted, tmp_path):
    path = tmp_path / "model.safetensors"
    fitted.save(path)
    return path


def parts(path):
    with safe_open(path, framework="pt") as stored:
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        return tensors, json.loads(stored.metadata()["kdeviz"])


def damaged(path, tensors=None, metadata=None):
    """The file once more, with some tensors and metadata replaced."""
    old_tensors, old_metadata = parts(path)
    text = metadata if isinstance(metadata, str) else json.dumps({**old_metadata, **(metadata or {})})
    safetensors.torch.save_file({**old_tensors, **(tensors or {})}, path, {"kdeviz": text})
    return path


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("method", ["scale", "norm"])
@pytest.mark.parametrize("bandwidth", ["scott", "silverman", 0.3])
def test_reloaded_scores_are_bit_equal(rows64, tmp_path, dtype, method, bandwidth):
    rows = rows64.astype(dtype)
    model = KDEClassifier(0.9, method, 200, bandwidth=bandwidth, seed=3)
    model.fit(rows)
    model.curve, model.threshold = ProbabilityCurve(3.0, 0.2), -1.25
    model.held_out_scores = torch.linspace(-5, 5, 200, dtype=model.result_dtype)
    path = tmp_path / "model.safetensors"
    model.save(path)
    again = KDEClassifier.load(path, "cpu")

    assert again.settings == model.settings == Settings(0.9, method, 200, bandwidth, 3)
    assert (again.curve, again.threshold) == (model.curve, model.threshold)
    assert again.data_digest == model.data_digest
    assert torch.equal(again.training_rows, model.training_rows)
    assert again.fitted
    for method_name in ("log_density", "predict", "transform"):
        for queries in (rows64, rows64.astype(np.float32)):
            assert torch.equal(getattr(again, method_name)(queries), getattr(model, method_name)(queries))
    assert torch.equal(again.held_out_scores, model.held_out_scores)
    assert again.held_out_scores.dtype == model.held_out_scores.dtype
    again.save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()


def test_metadata_says_what_the_file_is(fitted, saved):
    _, metadata = parts(saved)
    assert metadata == {
        "format_version": 5,
        "feature_names": None,
        "kdeviz_version": kdeviz.__version__,
        "torch_version": torch.__version__,
        "settings": fitted.settings.to_dict(),
        "curve": {"midpoint": 12.0, "steepness": 0.05},
        "threshold": None,
        "threshold_rule": None,
        "axes_rows": None,
        "data_digest": fitted.data_digest,
        "dimensions": 12,
        "training_points": 300,
        "components": 5,
        "result_dtype": "float32",
        "rounding": [*fitted.pca_model.rounding],
    }


def test_threshold_may_be_missing(saved):
    assert KDEClassifier.load(saved).threshold is None


@pytest.mark.parametrize("device", ["cpu", torch.device("cpu"), "auto"])
def test_loads_on_the_device_asked_for(saved, device):
    model = KDEClassifier.load(saved, device=device)
    assert device == "auto" or model.device.type == "cpu"


def test_unknown_devices_are_refused(saved):
    with pytest.raises(OptionError, match="device='abacus'"):
        KDEClassifier.load(saved, device="abacus")


# --- files that are not what they should be


def test_truncated_files(saved):
    whole = saved.read_bytes()
    for length in {
        0,
        1,
        7,
        8,
        9,
        100,
        len(whole) // 2,
        len(whole) - 1,
        *range(50, len(whole), len(whole) // 20),
    }:
        saved.write_bytes(whole[:length])
        with pytest.raises(ModelFileError, match="truncated, or not a safetensors file"):
            KDEClassifier.load(saved)


@pytest.mark.parametrize(
    "content", [b"hello", bytes(100), b"\xff" * 100, b"PK\x03\x04" + bytes(100), pickle.dumps({"a": [1.0]})]
)
def test_foreign_bytes(tmp_path, content):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="not a safetensors file"):
        KDEClassifier.load(path)


class Bomb:
    def __reduce__(self):
        return Path.touch, (Path("exploded"),)


def test_a_pickle_is_never_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("plain.safetensors").write_bytes(pickle.dumps(Bomb()))
    torch.save({"max_length": Bomb()}, "torch.safetensors")
    for path in ("plain.safetensors", "torch.safetensors"):
        with pytest.raises(ModelFileError):
            KDEClassifier.load(path)
    assert not Path("exploded").exists()


def test_missing_files_and_folders(tmp_path):
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(ModelFileError, match="no such file"):
            KDEClassifier.load(path)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
def test_foreign_safetensors(tmp_path, metadata):
    path = tmp_path / "other.safetensors"
    safetensors.torch.save_file({"weight": torch.zeros(3)}, path, metadata)
    with pytest.raises(ModelFileError, match="not a kdeviz model"):
        KDEClassifier.load(path)


def test_names_of_features_are_kept(fitted, tmp_path):
    model = copy.copy(fitted)
    model.feature_names = tuple(f"width of {i}, µm" for i in range(12))
    model.save(tmp_path / "named.safetensors")
    assert KDEClassifier.load(tmp_path / "named.safetensors").feature_names == model.feature_names


def test_a_file_of_the_first_format_still_loads(fitted, saved, rows32):
    """It has neither names nor keys: its training rows are not recognised one by one."""
    tensors, metadata = parts(saved)
    del tensors["training_keys"], metadata["feature_names"]
    safetensors.torch.save_file(tensors, saved, {"kdeviz": json.dumps({**metadata, "format_version": 1})})
    model = KDEClassifier.load(saved, "cpu")
    assert model.feature_names is None
    assert torch.equal(model.predict(rows32), fitted.predict(rows32))
    assert (model.recognised(rows32) == -1).all()
    model.save(saved)
    assert KDEClassifier.load(saved).training_keys.shape == (0, 2)


def test_future_version(saved):
    damaged(saved, metadata={"format_version": 6, "kdeviz_version": "9.1"})
    with pytest.raises(ModelFileError, match=r"format version 6, .* up to 5 .*kdeviz 9\.1\): update kdeviz"):
        KDEClassifier.load(saved)


@pytest.mark.parametrize(
    "metadata",
    [
        "not JSON",
        "[]",
        "{}",
        '{"format_version": "one"}',
        '{"format_version": 1}',
        {"settings": {"n_pca_components": -1}},
        {"settings": {"colour": "red"}},
        {"settings": "default"},
        {"curve": {"midpoint": "high"}},
        {"curve": {"steepness": 0}},
        {"threshold": "low"},
        {"result_dtype": "float8"},
        {"result_dtype": []},
        {"dimensions": None},
        {"feature_names": "abcdefghijkl"},
        {"feature_names": ["a", "b"]},
        {"feature_names": [0] * 12},
        {"feature_names": {}},
    ],
)
def test_damaged_metadata(saved, metadata):
    with pytest.raises(ModelFileError, match="metadata is damaged"):
        KDEClassifier.load(damaged(saved, metadata=metadata))


@pytest.mark.parametrize(
    ("tensors", "metadata", "message"),
    [
        ({"extra": torch.zeros(3)}, {}, "holds tensors .*extra"),
        ({"kde_model.mean": torch.zeros(6, dtype=torch.float64)}, {}, r"kde_model.mean has shape \(6,\)"),
        ({"max_length": torch.zeros(1, 1)}, {}, r"max_length has shape \(1, 1\)"),
        ({"pca_model.mean": torch.full((12,), torch.nan)}, {}, "pca_model.mean .*holds NaN"),
        ({"kde_model.log_norm": torch.tensor(torch.inf)}, {}, "log_norm .*holds NaN"),
        ({"training_keys": torch.zeros(7, 2, dtype=torch.int64)}, {}, r"training_keys has shape \(7, 2\)"),
        ({"training_keys": torch.zeros(300, 4, dtype=torch.int64)}, {}, r"training_keys has .*\(300, 2\)"),
        ({}, {"components": 6}, "expected"),
        ({}, {"dimensions": 13}, "expected"),
        ({}, {"training_points": 1}, "expected"),
    ],
)
def test_tensors_that_do_not_fit(saved, tensors, metadata, message):
    with pytest.raises(ModelFileError, match=message):
        KDEClassifier.load(damaged(saved, tensors, metadata))


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"a":' * 100_000, '{"format_version": 2, "x": ' + "[" * 100_000 + "]" * 100_000 + "}"],
)
def test_metadata_nested_very_deep(saved, text):
    with pytest.raises(ModelFileError, match="metadata is damaged") as refused:
        KDEClassifier.load(damaged(saved, metadata=text))
    assert len(str(refused.value).removeprefix(str(saved))) < 300


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("threshold", "1" + "0" * 400),
        ("threshold", "NaN"),
        ("threshold", '"nan"'),
        ("format_version", "Infinity"),
        ("format_version", "true"),
        ("format_version", "1" + "0" * 5000),
        ("training_points", "1e400"),
        ("training_points", '"300"'),
        ("components", "0"),
        ("data_digest", "[]"),
        ("curve", '{"midpoint": NaN, "steepness": 1}'),
        ("curve", '{"midpoint": 0, "steepness": 1' + "0" * 400 + "}"),
        ("curve", '{"midpoint": true, "steepness": 1}'),
        ("settings", '{"seed": 1' + "0" * 400 + "}"),
        ("settings", '{"n_pca_components": 1' + "0" * 400 + "}"),
        ("settings", '{"bandwidth": 1' + "0" * 400 + "}"),
        ("settings", '{"feature_scaling_method": "' + "x" * 10_000 + '"}'),
        ("feature_names", '["' + "x" * 10_000 + '"]'),
    ],
)
def test_impossible_metadata_is_refused_in_one_short_line(saved, name, value):
    text = json.dumps({**parts(saved)[1], name: "HERE"}).replace('"HERE"', value)
    with pytest.raises(ModelFileError) as refused:
        KDEClassifier.load(damaged(saved, metadata=text))
    words = str(refused.value).removeprefix(str(saved))
    assert len(words) < 300 and words.isprintable()


def of_type(name, kind):
    return name, lambda tensor: tensor.to(kind)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (*of_type("kde_model.bw_transform", torch.int32), "of type torch.int32"),
        (*of_type("kde_model.dataset", torch.complex64), "of type torch.complex64"),
        (*of_type("pca_model.mean", torch.float16), "of type torch.float16"),
        (*of_type("training_rows", torch.float64), "of type torch.float64, expected torch.int64"),
        (*of_type("training_keys", torch.int32), "of type torch.int32, expected torch.int64"),
        ("kde_model.bw_transform", torch.zeros_like, "singular"),
        ("kde_model.bw_transform", torch.ones_like, "singular"),
        ("kde_model.bw_transform", lambda w: 2 * w, "does not belong to log_norm"),
        ("kde_model.log_norm", lambda log_norm: log_norm + 1, "does not belong to log_norm"),
        ("kde_model.dataset", torch.zeros_like, "points that vary"),
        ("kde_model.dataset", lambda points: 1e300 * points, "points that vary"),
        ("pca_model.singular_vectors", torch.zeros_like, "right angles"),
        ("pca_model.singular_vectors", lambda axes: 2 * axes, "right angles"),
        ("pca_model.spectrum", torch.zeros_like, "variances of 5 components"),
        ("pca_model.spectrum", lambda variances: -variances, "variances of 5 components"),
        ("pca_model.spectrum", lambda variances: variances[:4].clone(), "variances of 5 components"),
        ("max_length", torch.zeros_like, "positive length"),
        ("training_rows", lambda rows: rows.flip(0), "ascending"),
        ("training_rows", lambda rows: rows - 1, "ascending"),
        ("training_rows", torch.zeros_like, "ascending"),
    ],
)
def test_tensors_that_are_no_model(saved, name, change, message):
    tensor = change(parts(saved)[0][name])
    with pytest.raises(ModelFileError, match=f"{name.split('.')[-1]}.*{message}|bw_transform.*{message}"):
        KDEClassifier.load(damaged(saved, {name: tensor}))


@pytest.mark.parametrize("name", ["kde_model.dataset", "training_keys", "held_out_scores"])
def test_missing_tensor(saved, name):
    tensors, metadata = parts(saved)
    del tensors[name]
    safetensors.torch.save_file(tensors, saved, {"kdeviz": json.dumps(metadata)})
    with pytest.raises(ModelFileError, match="holds tensors"):
        KDEClassifier.load(saved)


def test_tensors_of_another_precision_still_load(fitted, saved, rows32):
    tensors, _ = parts(saved)
    narrow = {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}
    model = KDEClassifier.load(damaged(saved, narrow), "cpu")
    assert model.training_rows.dtype == torch.int64
    torch.testing.assert_close(model.predict(rows32), fitted.predict(rows32), rtol=1e-3, atol=1e-4)


def test_failing_save_leaves_the_old_file(fitted, saved, monkeypatch):
    before = saved.read_bytes()

    def disk_full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", disk_full)
    with pytest.raises(OSError, match="no space"):
        fitted.save(saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_bytes_are_those_of_the_file(fitted, saved):
    assert fitted.to_bytes() == saved.read_bytes()


def test_saved_file_is_no_larger_than_its_tensors(fitted, saved):
    size = sum(t.numel() * t.element_size() for t in fitted.state_dict().values())
    assert saved.stat().st_size < size + 4096


def test_format_version_is_pinned():
    """Who changes it also writes how older files are read."""
    assert model_file.FORMAT_VERSION == 5


def test_a_file_of_version_3_opens(fitted, saved):
    tensors, metadata = model_file.read_model_file(saved)
    del tensors["pca_model.deviations"], metadata["settings"]["standardise"]
    metadata = {**metadata, "format_version": 3}
    safetensors.torch.save_file(tensors, saved, {"kdeviz": json.dumps(metadata)})
    older = KDEClassifier.load(saved, "cpu")
    assert not older.settings.standardise
    rows = np.random.default_rng(0).normal(size=(5, len(fitted.pca_model.mean)))
    assert torch.equal(older.log_density(rows), fitted.log_density(rows))
