"""The most anomalous samples of a decision, each with its picture or text and why."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kdeviz.data import OnBlock
from kdeviz.decision import Decision, rank_order, sample_view
from kdeviz.explain import explain, fold_by_fold, reason
from kdeviz.output.report.content import Cell, Column, Gallery, Table, listing
from kdeviz.output.scores import Marks
from kdeviz.wording import count, number, one_line, score_this_low

MOST_SAMPLES = 200
_IN_GALLERY = 6
PICTURE_PIXELS = 144
"""The most pixels of a picture along a side."""
_LONGEST_NAME, _LONGEST_TEXT, _LONGEST_IN_GALLERY = 120, 240, 90


def top_rows(decision: Decision, most: int = MOST_SAMPLES) -> NDArray[np.int64]:
    """The inspected rows of lowest score, that one first; only what is flagged, where anything is."""
    rows = rank_order(decision.analysis).rows[:most]
    flagged = rows[decision.flagged[rows]]
    return flagged if len(flagged) else rows[:_IN_GALLERY]


def gallery(decision: Decision, rows: NDArray[np.int64], text_column: str | None) -> Gallery:
    """The first few of these rows."""
    shown = rows[:_IN_GALLERY]
    texts = decision.analysis.inspected.texts(shown, text_column)
    tiles = []
    for row, text in zip(shown.tolist(), texts, strict=True):
        sample = sample_view(decision, row)
        name = one_line(text or sample.name, _LONGEST_IN_GALLERY)
        rank, p_value = f"rank {count(sample.rank)}", sample.p_value
        rarity = rank if p_value is None else score_this_low(p_value)
        tiles.append((Cell(name, picture=_picture(decision, row)), rarity))
    return Gallery("The most unusual ones", tuple(tiles))


def samples_table(
    decision: Decision,
    rows: NDArray[np.int64],
    text_column: str | None = None,
    marks: Marks | None = None,
    on_block: OnBlock | None = None,
) -> Table:
    """These inspected rows, in this order, with their texts, shortened; `marks` are of all inspected rows."""
    texts = decision.analysis.inspected.texts(rows, text_column)
    has_text = any(texts)
    marked = marks["mark"] if marks is not None and any(marks["mark"]) else None
    why = _reasons(decision, rows, on_block)
    table = []
    for row, text in zip(rows.tolist(), texts, strict=True):
        sample = sample_view(decision, row)
        verdict = "flagged" if sample.flagged else "not flagged"
        score, p_value, picture = sample.log_density, sample.p_value, _picture(decision, row)
        cells = {
            Column("Rank", numeric=True): Cell(count(sample.rank), sample.rank),
            Column("Sample"): Cell(one_line(sample.name, _LONGEST_NAME), sample.name, picture),
            Column("Text", wide=True): Cell(one_line(text, _LONGEST_TEXT)) if has_text else None,
            Column("Label", choice=True): None if decision.labels is None else Cell(sample.label),
            Column("Mark", choice=True): None if marked is None else Cell(marked[row] or "–"),
            Column("Verdict", choice=True): Cell(verdict, strong=sample.flagged),
            Column("Log density, nats", numeric=True): Cell(number(score, 4), score),
            Column("p-value", numeric=True): None if p_value is None else Cell(number(p_value), p_value),
            Column("Why", wide=True): Cell(why[row]),
        }
        table.append(cells)
    return listing("samples", "", table, head=1)


def _reasons(decision: Decision, rows: NDArray[np.int64], on_block: OnBlock | None) -> dict[int, str]:
    reasons: dict[int, str] = {}
    for done, row in enumerate(fold_by_fold(decision.analysis, rows).tolist(), 1):
        explanation = explain(decision.analysis, row, neighbours=1, features=1)
        reasons[row] = reason(decision, row, explanation)
        if on_block is not None:
            on_block(done, len(rows))
    return reasons


def _picture(decision: Decision, row: int) -> str | None:
    return decision.analysis.inspected.thumbnail_uri(row, side=PICTURE_PIXELS)
