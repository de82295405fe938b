"""Which rows of a file tell whether it looks like the training data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdeviz.data.labels import ANOMALOUS
from kdeviz.data.readers.describe import told
from kdeviz.data.readers.labels import Distinct
from kdeviz.data.readers.source import Source
from kdeviz.data.reading import Corrections
from kdeviz.errors import DataError


def rows_to_judge(rows: Sequence[Mapping[str, Any]], name: str, said: Corrections) -> NDArray[np.bool_]:
    """Which rows are neither labelled anomalous nor of split train, as far as these rows tell what is meant.

    Args:
        rows: what the columns of `Piece.beside` hold in each.
        name: of the file.
        said: what is known of its columns.
    """
    columns = {column: Distinct() for column in dict.fromkeys(column for row in rows for column in row)}
    for column, values in columns.items():
        values.add_values(row.get(column) for row in rows)
    judged = np.ones(len(rows), bool)
    with suppress(DataError):  # none of these rows holds what was said to mean normal
        about = told(columns, Source(b"", name, 0, said))
        if about.labels.values is not None:
            judged &= about.labels.values != ANOMALOUS
        if about.split is not None and (test := about.split != "train").any():
            judged &= test
    return judged
