"""What hovering a sample says: a few short lines, which never reach beyond the chart."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdeviz.analysis import Analysis, cached
from kdeviz.decision import LABEL_WORDS, Decision
from kdeviz.wording import number, one_line, wrapped

_LINE, _TEXT_LINES = 36, 3


def hover_texts(
    decision: Decision,
    rows: NDArray[np.int64],
    colour_name: str,
    colour: NDArray[Any],
    text_column: str | None = None,
) -> list[str]:
    """What is said of S inspected rows, in plain text with line breaks.

    The (S,) colours, numbers or strings for categories, stand for what `colour_name` says; of the text column
    `EmbeddingSet.texts` tells more.
    """
    analysis = decision.analysis
    scores, flagged = analysis.scores[rows], decision.flagged[rows]
    p_values = None if decision.p_values is None else decision.p_values[rows]
    known = _known(analysis, rows.tobytes(), text_column)
    coloured = colour_name not in ("log density", "verdict", "label")
    texts = []
    for place, (name, score) in enumerate(zip(known, scores, strict=True)):
        lines = [name, f"verdict: {'flagged' if flagged[place] else 'not flagged'}"]
        lines.append(f"log density {number(score, 4)}")
        if p_values is not None:
            lines.append(f"p-value {number(p_values[place])}")
        if coloured:
            lines.append(one_line(f"{colour_name}: {_words(colour[place])}", _LINE))
        texts.append("\n".join(lines))
    return texts


@cached
def _known(analysis: Analysis, rows: bytes, text_column: str | None) -> list[str]:
    """Id, text and label of some rows: they are the same at every threshold."""
    inspected, chosen = analysis.inspected, np.frombuffer(rows, np.int64)
    texts, labels = inspected.texts(chosen, text_column), inspected.labels
    known = []
    for row, text in zip(chosen.tolist(), texts, strict=True):
        lines = [wrapped(str(inspected.ids[row]), _LINE, 2)]
        if text:
            lines.append(wrapped(text, _LINE, _TEXT_LINES))
        if labels is not None:
            lines.append(f"label: {LABEL_WORDS[int(labels[row])]}")
        known.append("\n".join(lines))
    return known


def _words(value: object) -> str:
    return number(value, 4) if isinstance(value, float) else str(value)
