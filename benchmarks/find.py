"""Finding samples among a million: search, filter, order and description, beside pandas' plain way."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd

from benchmarks.tables import Table
from benchmarks.timing import Work, paired
from kdeviz.analysis import analyse
from kdeviz.data import EmbeddingSet
from kdeviz.decision import (
    Between,
    Decision,
    OneOf,
    Query,
    Samples,
    decide,
    in_order,
    matching,
    rank_order,
    sample_columns,
)
from kdeviz.explain import describe
from kdeviz.settings import Settings

_TRAINING, _WORDS, _WORDS_EACH = 2_000, 5_000, 10


def run(rows: int = 1_000_000, rounds: int = 5) -> Iterator[Table]:
    """One table, in seconds."""
    decision = _decision(rows)
    frame = _plain_frame(decision)
    samples = sample_columns(decision, decision.analysis, {})
    word = str(frame["text"].iloc[3]).split()[-1]
    selected = matching(*samples, Query(word))
    works = {
        "search id, text and every column": Work(partial(matching, *samples, Query(word))),
        "pandas: str.contains on each column": Work(partial(_plain_search, frame, word)),
        "filter two values and a range": Work(partial(matching, *samples, _FILTERS)),
        "pandas: isin and between": Work(partial(_plain_filter, frame)),
        "sort by a number": Work(partial(_sort, decision, samples, "size")),
        "pandas: sort_values": Work(partial(frame.sort_values, "size", kind="stable")),
        f"describe {100 * selected.mean():.0f} % of the samples": Work(
            partial(describe, decision, samples, selected)
        ),
        "pandas: value_counts, words of 20 000": Work(partial(_plain_description, frame, selected)),
    }
    header = ("", "median, s", "min", "max")
    found = paired(works, rounds)
    table = [[name, float(np.median(times)), min(times), max(times)] for name, times in found.items()]
    yield Table(f"Finding samples: {rows} rows, four columns", header, table)


_FILTERS = Query(filters=(OneOf("kind", ("alpha", "Beta")), Between("size", 0.0, 1.0)))


def _decision(rows: int) -> Decision:
    random = np.random.default_rng(0)
    vocabulary = np.array([f"{random.choice(list('bcdfgklmnprst'))}{i:x}" for i in range(_WORDS)])
    places = np.minimum((random.pareto(1.0, (rows, _WORDS_EACH)) * 20).astype(int), _WORDS - 1)
    table = pd.DataFrame(
        {
            "text": pd.Series([" ".join(words) for words in vocabulary[places]], dtype="str"),
            "kind": pd.Series(random.choice(["alpha", "Beta", "gamma"], rows), dtype="str"),
            "size": random.standard_normal(rows),
            "year": random.integers(1990, 2025, rows),
        }
    )
    features = random.standard_normal((rows, 8)).astype(np.float32)
    inspected = EmbeddingSet(features, np.array([f"row {i}" for i in range(rows)]), metadata=table)
    train = EmbeddingSet.from_array(features[:_TRAINING])
    return decide(analyse(train, inspected, Settings(4), "cpu"))


def _plain_frame(decision: Decision) -> pd.DataFrame:
    inspected = decision.analysis.inspected
    assert inspected.metadata is not None
    return inspected.metadata.assign(id=pd.Series(inspected.ids, dtype="str"), flagged=decision.flagged)


def _plain_search(frame: pd.DataFrame, text: str) -> pd.Series:
    columns = [frame[name].astype("str") for name in frame.columns if name != "flagged"]
    return pd.concat([cells.str.contains(text, case=False, regex=False) for cells in columns], axis=1).any(
        axis=1
    )


def _plain_filter(frame: pd.DataFrame) -> pd.Series:
    return frame["kind"].isin(["alpha", "Beta"]) & frame["size"].between(0.0, 1.0)


def _sort(decision: Decision, samples: Samples, name: str) -> np.ndarray:
    return in_order(samples.columns[name], rank_order(decision.analysis).rows, False)


def _plain_description(frame: pd.DataFrame, selected: np.ndarray) -> list[pd.Series]:
    """Shares of each value and word on both sides, without a test of chance."""
    sides = (frame[selected], frame[~selected])
    counts = [side["kind"].value_counts(normalize=True) for side in sides]
    counts += [pd.qcut(side[name], 4).value_counts() for side in sides for name in ("size", "year")]
    for side in sides:
        words = side["text"].iloc[:10_000].str.lower().str.split().map(set).explode()
        counts.append(words.value_counts(normalize=True))
    return [*counts, *(side["flagged"].mean() for side in sides)]
