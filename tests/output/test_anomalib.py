"""Models to and from anomalib, against its own classes."""

import pickle
import sys
import types
import warnings

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from kdeviz import (
    FitWarning,
    KDEClassifier,
    ModelFileError,
    OptionError,
    Settings,
    analyse,
    decide,
    read_anomalib,
)
from kdeviz.model.kde import bandwidth_factor
from kdeviz.output.formats.anomalib_file import Anomalib, state_of
from kdeviz.output.formats.anomalib_runtime import components_folder, reference_module
from kdeviz.output.formats.export import export

NAMES = {
    "max_length",
    "pca_model.singular_vectors",
    "pca_model.mean",
    "pca_model.num_components",
    "kde_model.bw_transform",
    "kde_model.dataset",
    "kde_model.norm",
}
CLASSES = "anomalib.models.components.classification.kde_classifier"


def rows_of(n=800, d=48, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, d)) * 10.0 ** (-np.arange(d) / d) + 1).astype(np.float32)


def decided(k=8, scaling="scale", standardise=False, **options):
    settings = Settings(k, scaling, standardise=standardise)
    return decide(analyse(rows_of(**options), settings=settings, device="cpu"))


def reference(k, scaling):
    module = reference_module()
    return module.KDEClassifier(k, module.FeatureScalingMethod(scaling))


def their_log_density(model, rows):
    """On a copy: it changes what it is given."""
    return model.compute_kde_scores(torch.from_numpy(rows.copy()), as_log_likelihood=True).numpy()


@pytest.fixture(params=["scale", "norm"])
def scaling(request):
    return request.param


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_the_state_loads_strictly_and_gives_our_scores(tmp_path, scaling, suffix):
    decision = decided(scaling=scaling)
    path = tmp_path / f"m{suffix}"
    done = export(decision, Anomalib(), path)
    state = load_file(path) if suffix == ".safetensors" else torch.load(path, weights_only=True)
    assert set(state) == NAMES
    assert all(tensor.is_contiguous() for tensor in state.values())
    assert state["pca_model.num_components"].tolist() == [8]
    assert {tensor.dtype for name, tensor in state.items() if "num" not in name} == {torch.float32}
    model = reference(8, scaling)
    model.load_state_dict(state, strict=True)
    rows = rows_of(seed=1)
    ours = decision.analysis.classifier.log_density(rows.astype(np.float64)).numpy()
    shown = ours > -85
    assert shown.sum() > 600
    np.testing.assert_allclose(their_log_density(model, rows)[shown], ours[shown], atol=1e-4, rtol=0)
    assert done.verification.runtime == "anomalib"
    assert done.verification.rows > 300


def test_into_dfkde(tmp_path, monkeypatch):
    """Its own module, around a feature extractor without weights."""
    module, folder = reference_module(), components_folder()
    extractor = type(
        "TimmFeatureExtractor", (nn.Module,), {"__init__": lambda self, **_: nn.Module.__init__(self)}
    )
    found = {
        "anomalib": {},
        "anomalib.data": {"InferenceBatch": tuple},
        "anomalib.models": {},
        "anomalib.models.components": {"TimmFeatureExtractor": extractor},
        "anomalib.models.components.classification": vars(module),
    }
    for name, values in found.items():
        stand_in = types.ModuleType(name)
        vars(stand_in).update({key: value for key, value in values.items() if not key.startswith("__")})
        monkeypatch.setitem(sys.modules, name, stand_in)
    source = (folder.parent / "image" / "dfkde" / "torch_model.py").read_text()
    space = {"__name__": "torch_model"}
    exec(compile(source, "torch_model.py", "exec"), space)
    model = nn.Module()
    model.model = space["DfkdeModel"]("resnet18", ["layer4"], pre_trained=False, n_pca_components=8)
    decision = decided()
    state = {f"model.classifier.{name}": tensor for name, tensor in state_of(decision).items()}
    model.load_state_dict(state, strict=True)
    rows = rows_of(seed=1)[:50]
    ours = decision.analysis.classifier.log_density(rows).numpy()
    np.testing.assert_allclose(their_log_density(model.model.classifier, rows), ours, atol=1e-4)


def test_what_float32_cannot_hold_is_refused(tmp_path):
    decision = decided(k=60, d=64)
    assert float(decision.analysis.classifier.kde_model.log_norm) > 88.7
    with pytest.raises(OptionError, match=r"its float32 `norm` would be infinite .*keep fewer components"):
        export(decision, Anomalib(), tmp_path / "m.pt")
    assert list(tmp_path.iterdir()) == []


def test_the_card_loads_it(tmp_path, scaling, monkeypatch):
    decision = decided(scaling=scaling)
    done = export(decision, Anomalib(), tmp_path / "m.safetensors")
    module = reference_module()
    for name in ("anomalib", "anomalib.models", "anomalib.models.components"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, "anomalib.models.components.classification", module)
    monkeypatch.chdir(tmp_path)
    found = {"rows": torch.from_numpy(rows_of(seed=1)[:200])}
    exec(done.card.partition("```python\n")[2].partition("```")[0], found)
    ours = decision.analysis.classifier.log_density(found["rows"])
    assert (found["flagged"] == (ours < decision.threshold)).all()


# From anomalib


@pytest.fixture
def importable(monkeypatch):
    """As where anomalib is installed as a whole: its enum is pickled by name."""
    module = reference_module()
    parts = CLASSES.split(".")
    for end in range(1, len(parts)):
        name = ".".join(parts[:end])
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, CLASSES, module)
    return module


@pytest.fixture
def theirs(scaling):
    model = reference(8, scaling)
    assert model.fit(torch.from_numpy(rows_of().copy()))
    return model


def checkpoint(path, model, **hyper_parameters):
    state = {f"model.classifier.{name}": tensor for name, tensor in model.state_dict().items()}
    state["model.feature_extractor.conv1.weight"] = torch.zeros(4, 3)
    torch.save({"epoch": 1, "state_dict": state, "hyper_parameters": hyper_parameters}, path)


def read_quietly(*arguments):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", FitWarning)
        model = read_anomalib(*arguments)
    return model, [str(warning.message) for warning in told]


def test_a_checkpoint_gives_their_scores(tmp_path, theirs, scaling, importable, monkeypatch):
    method = importable.FeatureScalingMethod(scaling)
    checkpoint(tmp_path / "m.ckpt", theirs, n_pca_components=8, feature_scaling_method=method)
    monkeypatch.undo()  # nothing of anomalib is needed to open it
    model, told = read_quietly(tmp_path / "m.ckpt")
    assert ["a norm model keeps that bias" in text for text in told] == [True] * (scaling == "norm")
    assert model.settings.feature_scaling_method.value == scaling
    rows = rows_of(seed=1)
    expected = their_log_density(theirs, rows)
    shown = expected > -85
    np.testing.assert_allclose(model.log_density(rows).numpy()[shown], expected[shown], atol=2e-4)
    model.save(tmp_path / "m.safetensors")
    again = KDEClassifier.load(tmp_path / "m.safetensors", "cpu")
    np.testing.assert_array_equal(again.log_density(rows), model.log_density(rows))


def test_a_state_dict_does_not_say_the_scaling(tmp_path, theirs, scaling):
    torch.save(theirs.state_dict(), tmp_path / "m.pt")
    with pytest.raises(OptionError, match="does not say how rows were scaled"):
        read_anomalib(tmp_path / "m.pt")
    model, _ = read_quietly(tmp_path / "m.pt", scaling)
    rows = rows_of(seed=1)[:50]
    np.testing.assert_allclose(model.log_density(rows), their_log_density(theirs, rows), atol=2e-4)


def test_out_and_in_again(tmp_path, scaling):
    decision = decided(scaling=scaling)
    export(decision, Anomalib(), tmp_path / "m.safetensors")
    model, _ = read_quietly(tmp_path / "m.safetensors", scaling)
    rows = rows_of(seed=1)[:50]
    ours = decision.analysis.classifier.log_density(rows)
    np.testing.assert_allclose(model.log_density(rows), ours, atol=1e-4)


@pytest.mark.parametrize("bandwidth", ["scott", "silverman", 0.25, 3.0])
def test_the_bandwidth_is_read_off_the_points(tmp_path, scaling, bandwidth):
    rows = rows_of()
    settings = Settings(8, scaling, bandwidth=bandwidth)
    export(decide(analyse(rows, None, settings, device="cpu")), Anomalib(), tmp_path / "m.safetensors")
    model, _ = read_quietly(tmp_path / "m.safetensors")
    found, asked = (bandwidth_factor(one, len(rows), 8) for one in (model.settings.bandwidth, bandwidth))
    assert found == pytest.approx(asked, rel=2e-3)
    assert (model.settings.bandwidth == "scott") == (bandwidth == "scott")


def test_a_file_of_ours_says_the_scaling(tmp_path, scaling):
    decision = decided(scaling=scaling)
    export(decision, Anomalib(), tmp_path / "m.safetensors")
    model, _ = read_quietly(tmp_path / "m.safetensors")
    assert model.settings.feature_scaling_method.value == scaling
    other = {"scale": "norm", "norm": "scale"}[scaling]
    with pytest.raises(OptionError, match=f"says that rows were scaled by {scaling}, not by {other}"):
        read_anomalib(tmp_path / "m.safetensors", other)


@pytest.mark.parametrize("k", [1, 8])
def test_axes_of_standardised_features(tmp_path, k):
    """They are not of length 1, and there is one more place for that in a model of the scaling scale."""
    decision = decided(k, standardise=True)
    export(decision, Anomalib(), tmp_path / "m.safetensors")
    model, _ = read_quietly(tmp_path / "m.safetensors")
    model.save(tmp_path / "again.safetensors")
    again = KDEClassifier.load(tmp_path / "again.safetensors", "cpu")
    rows = rows_of(seed=1)[:200]
    ours = decision.analysis.classifier.log_density(rows)
    np.testing.assert_allclose(again.log_density(rows), ours, atol=2e-4, rtol=1e-5)
    spectrum = again.pca_model.spectrum
    assert (spectrum.diff() <= 1e-6 * spectrum[0]).all()


def test_axes_that_no_norm_model_can_keep(tmp_path):
    export(decided(scaling="norm", standardise=True), Anomalib(), tmp_path / "m.safetensors")
    with pytest.raises(
        ModelFileError, match=r"axes are not at right angles.*use the model that it came from"
    ):
        read_anomalib(tmp_path / "m.safetensors")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_what_was_rounded_is_read_as_it_is(tmp_path, dtype):
    theirs = reference(8, "scale")
    assert theirs.fit(torch.from_numpy(rows_of().copy()))
    state = {name: t.to(dtype) if t.is_floating_point() else t for name, t in theirs.state_dict().items()}
    torch.save(state, tmp_path / "m.pt")
    theirs.load_state_dict(state)
    model, _ = read_quietly(tmp_path / "m.pt", "scale")
    model.save(tmp_path / "m.safetensors")
    rows = rows_of(seed=1)[:200]
    found = KDEClassifier.load(tmp_path / "m.safetensors", "cpu").log_density(rows).numpy()
    expected = their_log_density(theirs, rows)
    # They keep a norm of its own, which was rounded beside the transform that it belongs to.
    apart = np.median(expected - found)
    np.testing.assert_allclose(found + apart, expected, atol=1e-3)
    assert abs(apart) < {torch.float16: 1e-3, torch.bfloat16: 0.05, torch.float64: 1e-5}[dtype]


class Trap:
    def __reduce__(self):
        return (print, ("opened",))


@pytest.mark.parametrize("trap", [Trap(), nn.Linear(2, 2)])
def test_nothing_but_tensors_is_opened(tmp_path, trap, capsys):
    torch.save({"state_dict": {}, "hyper_parameters": trap}, tmp_path / "m.ckpt")
    with pytest.raises(ModelFileError, match="holds more than tensors"):
        read_anomalib(tmp_path / "m.ckpt", "scale")
    assert capsys.readouterr().out == ""


def test_torch_trusts_no_more_than_before(tmp_path, theirs, scaling):
    torch.save(theirs.state_dict(), tmp_path / "m.pt")
    before = set(torch.serialization.get_safe_globals())  # torch lists them in no order
    read_quietly(tmp_path / "m.pt", scaling)
    assert set(torch.serialization.get_safe_globals()) == before


def damaged(**changes):
    state = {**state_of(decided()), **changes}
    return {name: tensor for name, tensor in state.items() if tensor is not None}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "holds 0 models"),
        ([1, 2], "holds a list"),
        (damaged(max_length=None), "tensor max_length is missing"),
        (damaged(**{"pca_model.mean": torch.zeros(3)}), r"tensor pca_model.mean has shape \(3,\)"),
        (damaged(max_length=torch.tensor(np.nan, dtype=torch.float32)), "holds NaN"),
        (damaged(**{"kde_model.bw_transform": torch.zeros(8, 8)}), "no volume"),
        (damaged(**{"kde_model.dataset": torch.empty(0)}), "before it was fitted"),
    ],
)
def test_what_is_no_such_model_is_refused(tmp_path, content, message):
    torch.save(content, tmp_path / "m.pt")
    with pytest.raises(ModelFileError, match=message):
        read_anomalib(tmp_path / "m.pt", "scale")


def test_a_file_of_another_kind_is_called_so(tmp_path):
    np.save(tmp_path / "rows.npy", rows_of())
    decided().fitted_model.save(tmp_path / "ours.safetensors")
    for name, message in {
        "rows.npy": "no checkpoint or state dict",
        "ours.safetensors": "a model of kdeviz's own, which needs no import",
        ".": "is a folder",
    }.items():
        with pytest.raises(ModelFileError, match=message):
            read_anomalib(tmp_path / name)
    torch.save(nn.Linear(2, 2), tmp_path / "module.pt")
    with pytest.raises(
        ModelFileError, match=r"more than tensors, such as torch\.nn\.modules\.linear\.Linear, "
    ):
        read_anomalib(tmp_path / "module.pt")


def test_files_that_are_none(tmp_path):
    (tmp_path / "m.ckpt").write_bytes(b"no zip")
    (tmp_path / "p.pt").write_bytes(pickle.dumps({"a": 1}))
    for name in ("m.ckpt", "p.pt", "missing.pt"):
        with pytest.raises(ModelFileError, match=name):
            read_anomalib(tmp_path / name, "scale")


def test_the_command(run, tmp_path):
    torch.save(state_of(decided(scaling="norm")), tmp_path / "m.pt")
    done = run("import", "m.pt", "-o", "m.safetensors", "--scaling", "norm")
    assert done.fact("components") == "8"
    assert "a norm model keeps that bias" in done.err
    assert KDEClassifier.load(tmp_path / "m.safetensors").settings.feature_scaling_method.value == "norm"
    assert run("import", "m.pt", "-o", "other.safetensors").code == 2


def test_without_anomalib_its_line_is_named(run, monkeypatch):
    run("fit", "sample", "-o", "m.safetensors")
    monkeypatch.setitem(sys.modules, "anomalib", None)
    done = run("export", "m.safetensors", "--to", "anomalib", "-o", "m.pt")
    assert done.err == "error: anomalib not installed: pip install --no-deps anomalib==2.7.0\n"
