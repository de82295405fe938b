"""About this file: what every column became, and a way to say that it is something else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from kdeviz.data import NONE, ROLES, Corrections, EmbeddingSet, Reading, label_counts, preview, sample_name
from kdeviz.ui.widgets.address import read_choice, read_choices, say_all, write_choice
from kdeviz.ui.widgets.help import HELP
from kdeviz.ui.work.loaded import Loaded
from kdeviz.wording import capital, count

_GUESS = "as guessed"
_NOBODY = "none of them"
_ROLE_WORDS = {"id": "Ids", "label": "Labels", "split": "Train or test", "picture": "Pictures"}
_KEYS = (*(f"{role}_column" for role in ROLES), "normal", "leave_out")
_MOST_VALUES = 50
"""Of a column with more values nobody chooses the normal ones from a list."""


def forget_corrections() -> None:
    """What was said is about another file."""
    for key in ("column", *_KEYS):
        st.session_state.pop(key, None)
        st.query_params.pop(key, None)


def corrections(data: Loaded) -> Corrections:
    """What the page's controls, or before they are drawn its address, say about the file."""
    reading = data.everything.reading
    if reading is None or sample_name(data.source) is not None:
        return data.said
    said: dict[str, Any] = {}
    for role in ROLES:
        key = f"{role}_column"
        read_choice(key, _choices(reading), _shown(data.said.of(role)))
        said[key] = _meant(st.session_state[key])
    for key, options in _several(data).items():
        read_choices(key, options, getattr(data.said, key))
        said[key] = tuple(st.session_state[key])
    return replace(data.said, **said)


def restore(data: Loaded) -> None:
    """Let the controls say again what the file on the screen was read by."""
    for role in ROLES:
        st.session_state[f"{role}_column"] = _shown(data.said.of(role))
    for key in ("normal", "leave_out"):
        st.session_state[key] = list(getattr(data.said, key))


def shape_words(train: EmbeddingSet, score: EmbeddingSet | None) -> str:
    """How many samples are learned from, and how many scored."""
    fitted, dimensions = len(train.to_fit), train.features.shape[1]
    left_out = len(train) - fitted
    more = f" · {count(left_out)} more to score" if left_out else ""
    if score is not None:
        more = f" · {count(len(score))} to score"
    return f"{count(fitted)} to learn from{more} · {count(dimensions)} dimension{'s' * (dimensions != 1)}"


def scoring_words(train: EmbeddingSet, held_out: bool) -> str:
    """How samples that are learned from are scored, where none are set apart."""
    by = "each by a model that has not seen it" if held_out else "by the model that has seen them"
    if len(train.to_fit) < len(train):
        return f"All {count(len(train))} samples are scored; those learned from, {by}."
    return f"No samples are set apart: those learned from are scored themselves, {by}."


def about_file(data: Loaded) -> None:
    """Draw what was read, and the controls that correct it."""
    reading = data.everything.reading
    if reading is None:
        return
    with st.popover("About this file", width="stretch"):
        facts, counts = reading.facts(), label_counts(data.everything)
        with st.container(gap="xxsmall"):
            for name, words in {**facts, **({"labels": counts} if counts else {})}.items():
                st.text(f"{capital(name)}: {words}")
        if _numbers_alone(data.everything):
            st.caption(
                "The file holds numbers alone. Names, labels, texts or pictures can come from a second "
                "table: Load data, “A table about the embeddings”."
            )
        if data.said.images is not None:
            st.text(f"Pictures are looked for in {data.said.images}")
        st.dataframe(preview(data.everything), hide_index=True, height="content")
        for note in data.notes:
            st.text(note)
        if sample_name(data.source) is None:
            _controls(data, reading)


def _numbers_alone(read: EmbeddingSet) -> bool:
    known = read.labels is not None or read.thumbnails is not None
    return not known and (read.metadata is None or not len(read.metadata.columns))


def _controls(data: Loaded, reading: Reading) -> None:
    st.markdown("**Was something read wrong?** The file is read again as you say.")
    for column, role in zip(st.columns(len(ROLES), gap="small"), ROLES, strict=True):
        key = f"{role}_column"
        column.selectbox(_ROLE_WORDS[role], _choices(reading), key=key, help=HELP[key])
        write_choice(key, _GUESS)
    words_of = {"normal": "These labels mean normal", "leave_out": "Leave out of the embedding"}
    for key, options in _several(data).items():
        if options:
            st.multiselect(words_of[key], options, key=key, help=HELP[key])
            say_all(key, st.session_state[key])


def _choices(reading: Reading) -> list[str]:
    return [_GUESS, _NOBODY, *(name for name in reading.columns if name)]


def _shown(column: str | None) -> str:
    return _GUESS if column is None else _NOBODY if column == NONE else column


def _meant(shown: str) -> str | None:
    return {_GUESS: None, _NOBODY: NONE}.get(shown, shown)


def _several(data: Loaded) -> dict[str, list[str]]:
    """What can be chosen where several things can."""
    reading = data.everything.reading or Reading()
    columns = reading.features if data.everything.feature_names and len(reading.features) > 1 else ()
    return {
        "normal": _label_values(data.everything, reading),
        "leave_out": list(dict.fromkeys([*columns, *data.said.leave_out])),
    }


def _label_values(read: EmbeddingSet, reading: Reading) -> list[str]:
    """The values of the label column, also where none of them was understood."""
    known = [*reading.corrections.normal, *reading.normal, *reading.anomalous]
    asked = reading.corrections.label_column
    column = reading.unclear_label if asked is None else asked
    if asked is None and _meant(st.session_state["label_column"]):  # the address may name both at once
        known += st.query_params.get_all("normal")
    if column and read.metadata is not None and column in read.metadata:
        found = read.metadata[column].dropna().drop_duplicates()
        values = (found.sort_values() if found.dtype.kind in "iuf" else found).astype(str).tolist()
        known += values if len(values) <= _MOST_VALUES else []
    return list(dict.fromkeys(known))
