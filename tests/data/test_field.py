"""Real-world files: each is read right, or refused in a line that names the trouble.

A case with an `error` may be refused so. `field/` holds cases.json, the files, and NAME.expected.npy with
the right features.
"""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kdeviz.data.load import load_embeddings
from kdeviz.errors import KdevizError

FIELD = Path(__file__).parent / "field"
CASES = {case["name"]: case for case in json.loads((FIELD / "cases.json").read_text())}
READ = [name for name, case in CASES.items() if not case["score"]]
SCORED = [name for name, case in CASES.items() if case["score"]]


def as_texts(column):
    return None if column is None else ["" if v is None or v != v else str(v) for v in column.tolist()]


def assert_right(data, case):
    assert case["has_x"], f"was read as {data.features.shape}, should be refused"
    right = np.load(FIELD / f"{case['name']}.expected.npy")
    assert data.features.shape == right.shape
    np.testing.assert_allclose(np.asarray(data.features, float), right, rtol=1e-5, atol=1e-6)
    if case["ids"] is not None:
        assert list(map(str, data.ids)) == case["ids"]
    labels = None if data.labels is None else data.labels.tolist()
    if case["labels"] is not None or "labels" in case["name"]:
        assert labels == case["labels"]
    if case["split"] is not None:
        assert data.split is not None and data.split.tolist() == case["split"]
    if case["thumbs"]:
        assert data.thumbnails and all(data.thumbnails)
    for name, values in (case["meta"] or {}).items():
        assert data.metadata is not None and as_texts(data.metadata.get(name)) == values
    assert str(data.reading).startswith(f"{right.shape[1]} dimension")


@pytest.mark.parametrize("name", READ)
def test_a_real_file_is_read_right_or_refused_with_its_trouble(name):
    case = CASES[name]
    path = FIELD / case["file"]
    metadata = FIELD / case["metadata"] if case["metadata"] else None
    data = error = None
    try:
        data = load_embeddings(path, metadata=metadata, **case["args"])
    except KdevizError as refusal:
        error = str(refusal)
    if error is None:
        assert_right(data, case)
    else:
        plain = error.replace(str(path), "").replace(path.name, "")  # a file's own name is no hint
        assert case["error"] and re.search(case["error"], plain, re.IGNORECASE), error


@pytest.mark.parametrize("name", SCORED)
def test_columns_in_another_order_are_scored_by_name_or_refused(name, run):
    case = CASES[name]
    fitted_on = FIELD / case["score"]
    assert run("fit", fitted_on, "-o", "m.safetensors", "--components", 4).code == 0
    assert run("score", "m.safetensors", fitted_on, "-o", "own.csv").code == 0
    other = run("score", "m.safetensors", FIELD / case["file"], "-o", "other.csv")
    if other.code:
        assert "column" in other.err
        return
    own, others = (pd.read_csv(file).set_index("id")["log_density"] for file in ("own.csv", "other.csv"))
    np.testing.assert_allclose(own, others.reindex(own.index), atol=1e-3)
