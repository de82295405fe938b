"""Damaged versions of every real-world file: each gives a whole set, or a refusal in one line."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_field import CASES, FIELD
from test_more_forms import ABOUT, ANSWERS, BATCHES, pt, vectors_by

from kdeviz.data.load import load_embeddings
from kdeviz.errors import KdevizError

FILES = sorted({case["file"] for case in CASES.values() if (FIELD / case["file"]).is_file()})
MORE = {
    **{f"{name}.json": json.dumps(document).encode() for name, document in ANSWERS.items()},
    **{f"about {name}": raw for name, raw in ABOUT.items()},
    "batches.pt": pt(BATCHES),
    "brackets.csv": vectors_by(str).encode(),
}
MB = 2**20


def read(raw, name):
    """Read with a small limit; what is read must be whole."""
    refusal = None
    try:
        data = load_embeddings(raw, filename=name, max_bytes=64 * MB)
    except KdevizError as error:
        refusal = str(error)
    if refusal is not None:
        assert "\n" not in refusal and refusal.startswith(name)
        return
    assert data.features.ndim == 2 and 0 not in data.features.shape and len(data.ids) == len(data)
    assert data.labels is None or set(np.unique(data.labels)) <= {-1, 0, 1}
    assert str(data.reading)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_a_file_that_was_cut_short(name, share):
    raw = (FIELD / name).read_bytes()
    read(raw[: int(share * len(raw))], name)


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=8)
@given(data=st.data())
def test_a_file_with_flipped_bytes(name, data):
    raw = bytearray((FIELD / name).read_bytes())
    places = st.integers(0, len(raw) - 1)
    for place in data.draw(st.lists(places, min_size=1, max_size=5)):
        raw[place] = data.draw(st.integers(0, 255))
    read(bytes(raw), name)


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=4)
@given(data=st.data())
def test_a_file_with_a_hole(name, data):
    raw = (FIELD / name).read_bytes()
    start = data.draw(st.integers(0, len(raw)))
    length = data.draw(st.integers(1, 80))
    read(raw[:start] + raw[start + length :], name)


@pytest.mark.parametrize("name", MORE)
@settings(max_examples=8)
@given(data=st.data())
def test_other_forms_with_flipped_bytes_and_cut_short(name, data):
    raw = bytearray(MORE[name])
    for place in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=5)):
        raw[place] = data.draw(st.integers(0, 255))
    read(bytes(raw[: data.draw(st.integers(0, len(raw)))]), name)
