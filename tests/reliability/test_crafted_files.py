"""Model files and kept runs that somebody made up: used as what they are, or refused in one line.

KDEVIZ_FUZZ sets how many examples each test takes: 60 without it, 4 000 take about ten minutes.
"""

import io
import json
import math
import os
import shutil
import warnings
from contextlib import redirect_stdout

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save
from typer.main import get_command

from kdeviz.analysis import analyse, analysis_of_model
from kdeviz.cli import cli
from kdeviz.data import EmbeddingSet
from kdeviz.decision import decide
from kdeviz.errors import KdevizError
from kdeviz.model import KDEClassifier
from kdeviz.output import Run, RunStore
from kdeviz.output.runs.run import digest_of
from kdeviz.settings import Settings

EXAMPLES = int(os.environ.get("KDEVIZ_FUZZ", 60))
FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # to make a failure small can take minutes
    suppress_health_check=list(HealthCheck),
)
LONGEST_REFUSAL = 300
COMMANDS = get_command(cli)
ROWS = np.random.default_rng(0).standard_normal((40, 6)).astype(np.float32)

# --- what is made up

HUGE = 10**400
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
    st.sampled_from([HUGE, -HUGE, 2**63, 2**53 + 1, -1, 0, 1e400, -1e400, math.nan, 5e-324]),
    st.sampled_from(["\x1b[2J", "x" * 9999]),
    st.sampled_from(["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "inf", "nan", "../x"]),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
SHAPES = st.lists(st.integers(0, 40), max_size=3)
REAL = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.complex64]
DTYPES = st.sampled_from([*REAL, torch.int64, torch.int32, torch.uint8, torch.bool])
NUMBERS = st.sampled_from([0.0, 1.0, -1.0, 1e-300, 1e300, 1e150, math.nan, math.inf, 2.0**62])


def places(value, path=()):
    """The way to everything inside a JSON value."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        yield from places(inner, (*path, key))


@st.composite
def changed(draw, value):
    """A JSON value in which something else stands somewhere, or nothing."""
    value = json.loads(json.dumps(value))
    for _ in range(draw(st.integers(1, 2))):
        *way, last = draw(st.sampled_from([path for path in places(value) if path]))
        inner = value
        for key in way:
            inner = inner[key]
        if draw(st.booleans()):
            inner[last] = draw(VALUES)
        else:
            del inner[last]
    return json.dumps(value)


@st.composite
def nested(draw, text):
    """A JSON text in which something is nested very deep."""
    depth, (opened, closed) = (
        draw(st.sampled_from([900, 5000, 100_000])),
        draw(st.sampled_from(["[]", ('{"a":', "}")])),
    )
    deep = opened * depth + "1" + closed * depth
    return draw(st.sampled_from([deep, text[:-1] + ',"more":' + deep + "}"]))


@st.composite
def other_tensor(draw, tensor):
    """One that is of another type or shape, or that holds other numbers."""
    kind = draw(st.sampled_from(["type", "shape", "all", "one", "order"]))
    if kind == "type":
        return tensor.to(draw(DTYPES))
    if kind == "shape":
        return torch.full(draw(SHAPES), draw(st.sampled_from([0.0, 1.0]))).to(tensor.dtype)
    number = torch.tensor(draw(NUMBERS), dtype=torch.float64).nan_to_num(0, 0, 0).to(tensor.dtype)
    if tensor.is_floating_point():
        number = torch.tensor(draw(NUMBERS), dtype=tensor.dtype)
    if kind == "all":
        return torch.full_like(tensor, 0) + number
    other = tensor.clone().flatten()
    if kind == "order":
        return other.flip(0).reshape(tensor.shape)
    if len(other):
        other[draw(st.integers(0, len(other) - 1))] = number
    return other.reshape(tensor.shape)


# --- model files


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Bytes, tensors and metadata of a model file."""
    fitted, path = KDEClassifier(3, seed=1), tmp_path_factory.mktemp("model") / "model.safetensors"
    fitted.fit(ROWS)
    fitted.threshold = -3.0
    fitted.save(path)
    with safe_open(path, framework="pt") as stored:
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        return path.read_bytes(), tensors, json.loads(stored.metadata()["kdeviz"])


def use(folder, content):
    """Whether such a file is a model; everything that can be done with one then ends well."""
    path = folder / "m.safetensors"
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            loaded = KDEClassifier.load(path, "cpu")
        except KdevizError as error:
            refused(error, path)
            return False
        try:
            rows = np.ones((3, len(loaded.pca_model.mean)), np.float32)
            scores = loaded.log_density(rows)
            assert not scores.isnan().any()
            assert not loaded.predict(rows).isnan().any()
            assert not loaded.held_out_scores.isnan().any()
            assert float(loaded.pca_model.explained_variance_ratio.sum()) <= 1.001
            loaded.kde_model.marginal((0,))
            loaded.recognised(rows)
            analysis_of_model(loaded, EmbeddingSet.from_array(rows))
            assert KDEClassifier.load(path, "cpu").to_bytes()
        except KdevizError as error:
            refused(error, path)
    return True


def refused(error, path):
    words = str(error).replace(str(path), "").replace(str(path.parent), "")
    assert len(words) < LONGEST_REFUSAL and words.isprintable(), words


def test_the_model_itself_is_one(model, tmp_path):
    content, tensors, metadata = model
    assert use(tmp_path, content)
    assert use(tmp_path, save(tensors, {"kdeviz": json.dumps(metadata)}))


@FUZZ
@given(data=st.data())
def test_other_metadata(model, tmp_path_factory, data):
    _, tensors, metadata = model
    text = data.draw(changed(metadata) | nested(json.dumps(metadata)))
    use(tmp_path_factory.getbasetemp(), save(tensors, {"kdeviz": text}))


@FUZZ
@given(data=st.data())
def test_other_tensors(model, tmp_path_factory, data):
    _, tensors, metadata = model
    name = data.draw(st.sampled_from(sorted(tensors)))
    others = {**tensors, name: data.draw(other_tensor(tensors[name])).contiguous()}
    use(tmp_path_factory.getbasetemp(), save(others, {"kdeviz": json.dumps(metadata)}))


@FUZZ
@given(data=st.data())
def test_other_bytes(model, tmp_path_factory, data):
    content = bytearray(model[0])
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content) - 1) | st.integers(0, 1500))
        length = data.draw(st.sampled_from([0, 1, 1, 8, 500]))
        content[place : place + length] = data.draw(st.binary(max_size=8))
    use(tmp_path_factory.getbasetemp(), bytes(content))


# --- kept runs


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A folder with one run, and the text of its run.json."""
    store = RunStore(tmp_path_factory.mktemp("runs") / "kept")
    run = store.keep(decide(analyse(EmbeddingSet.from_array(ROWS), settings=Settings(3), device="cpu")))
    return store.folder, json.loads((run.folder / "run.json").read_text())


def command(*arguments):
    """Run a command that must not fail."""
    try:
        with redirect_stdout(io.StringIO()):
            COMMANDS.main([str(argument) for argument in arguments], "kdeviz", standalone_mode=False)
    except KdevizError as error:
        raise AssertionError(arguments) from error


def list_and_open(original, folder, files):
    """List the runs of a copy that has these files as a person does, and open the run."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(original, folder)
    (run_folder,) = folder.iterdir()
    for name, content in files.items():
        (run_folder / name).write_bytes(content)
    command("runs", "list", "--runs", folder)
    (found,) = RunStore(folder).runs()
    if not isinstance(found, Run):
        refused(found.reason, run_folder)
        return
    try:
        RunStore(folder).open(found.id)
        command("runs", "show", found.id, "--runs", folder)
        scored = found.scored()
        assert len(scored.decision.analysis.scores) == len(scored.decision.flagged)
        assert scored.decision.analysis.classifier.log_density(ROWS).isfinite().all()
    except KdevizError as error:
        refused(error, run_folder)


@FUZZ
@given(data=st.data())
def test_other_records(kept, tmp_path_factory, data):
    folder, record = kept
    text = data.draw(changed(record) | nested(json.dumps(record)))
    list_and_open(folder, tmp_path_factory.getbasetemp() / "runs", {"run.json": text.encode()})


@FUZZ
@given(data=st.data())
def test_other_files_of_a_run_with_the_digests_to_match(kept, tmp_path_factory, data):
    folder, record = kept
    (run_folder,) = folder.iterdir()
    name = data.draw(st.sampled_from(sorted(record["files"])))
    content = bytearray((run_folder / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.sampled_from([0, 1, 1, 8]))] = data.draw(st.binary(max_size=8))
    stored = digest_of(bytes(content))
    files = {**record["files"], name: {"bytes": stored.bytes, "digest": stored.digest}}
    changed_record = json.dumps({**record, "files": files}).encode()
    copy = tmp_path_factory.getbasetemp() / "runs"
    list_and_open(folder, copy, {name: bytes(content), "run.json": changed_record})
