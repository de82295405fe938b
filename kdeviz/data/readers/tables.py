"""Tables (csv, parquet, feather): the chosen columns become one (N, D) array without a detour over pandas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kdeviz.data.readers.content import Candidate
from kdeviz.data.readers.families import ALL_NUMERIC, find_candidates
from kdeviz.data.readers.source import Source
from kdeviz.data.readers.values import (
    block,
    has_bytes,
    is_flat,
    is_list,
    is_number,
    no_columns,
    numbers,
    stacked,
    value_bytes,
)
from kdeviz.errors import DataError

_WIDE = 16  # a family of more columns than this that was not chosen is another embedding, not metadata


@dataclass
class TableContent:
    """Columns that are read when they are asked for.

    Attributes:
        source: the file, for its name and its limit.
        schema: names and types of all columns.
        rows: how many there are.
        batches: reads the named columns, a batch of rows at a time, within the limit.
        notes: what was found on the way.
    """

    source: Source
    schema: pa.Schema
    rows: int
    batches: Callable[[list[str]], Iterator[pa.RecordBatch]]
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        name, times = Counter(self.schema.names).most_common(1)[0] if len(self.schema) else ("", 0)
        if times > 1:
            raise DataError(
                f"{self.source.name}: column {name!r} occurs twice; give every column its own name"
            )
        if not self.rows:
            raise DataError(f"{self.source.name}: there are no rows")
        self.candidates = find_candidates(self.schema)

    @property
    def names(self) -> tuple[str, ...]:
        """Every column, in the file's order."""
        return tuple(self.schema.names)

    def features(self, candidate: Candidate) -> NDArray[Any]:
        """Read one candidate as an (N, D) array in the file's own precision.

        Raises:
            DataError: a column holds text, or a list has another length than the first.
        """
        with self.source.reading("table"):
            if is_list(self.schema.field(candidate.columns[0]).type):
                return stacked(self._list_blocks(candidate.name), self.rows)
            self._refuse_text(candidate)
            return stacked(map(block, self.batches(list(candidate.columns))), self.rows)

    def columns(self, candidate: Candidate | None, rows: int) -> pa.Table:
        """Every other column of single values; struct fields such as image.bytes count as columns."""
        taken = set(candidate.columns) if candidate else set()
        if candidate and candidate.name != ALL_NUMERIC:
            taken |= {
                name for other in self.candidates if _is_other_embedding(other) for name in other.columns
            }
        rest = [f for f in self.schema if f.name not in taken and not is_list(f.type)]
        names = [f.name for f in rest if is_flat(f.type)]
        self.notes += [
            f"{f.name} is left out: {f.type} is not one value." for f in rest if not is_flat(f.type)
        ]
        with self.source.reading("table"):
            batches = list(self._decoded(names)) if names else []
            return pa.Table.from_batches(batches) if batches else no_columns(self.rows)

    def why_not(self) -> str:
        """No column of numbers: name what is there."""
        held = ", ".join(f"{f.name!r} ({f.type})" for f in list(self.schema)[:8]) or "no columns"
        return (
            "no numeric column or list column was found to be the embedding; save one column per dimension "
            f"or a list column. The columns are {held}{' ...' if len(self.schema) > 8 else ''}"
        )

    def _list_blocks(self, name: str) -> Iterator[NDArray[Any]]:
        start, width = 0, None
        for batch in self.batches([name]):
            column = batch.column(0)
            if is_list(column.type.value_type):
                raise DataError(
                    f"{self.source.name}: {name} holds lists of lists; flatten each row to one list"
                )
            lengths = np.asarray(pc.fill_null(pc.list_value_length(column), -1))
            if width is None:
                width = int(lengths[0])
                self.source.check(self.rows * width * value_bytes(column.type.value_type), name)
            self._refuse_ragged(name, lengths, width, start)
            yield numbers(column.flatten()).reshape(len(column), width)
            start += len(column)

    def _refuse_ragged(self, name: str, lengths: NDArray[Any], width: int, start: int) -> None:
        wrong = (lengths != width) | (lengths < 0)
        if wrong.any():
            row = int(np.argmax(wrong))
            found = "is missing" if lengths[row] < 0 else f"has {lengths[row]} numbers and row 0 has {width}"
            raise DataError(
                f"{self.source.name}: the list of {name} in row {start + row} {found}; "
                "every row needs the same number of dimensions"
            )

    def _refuse_text(self, candidate: Candidate) -> None:
        for name in candidate.columns:
            kind = self.schema.field(name).type
            if is_number(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind):
                continue
            raise DataError(
                f"{self.source.name}: column {name!r} of {candidate.name} holds {kind}, not numbers"
                f"{self._first_text(name)}; correct it, or choose another embedding_column"
            )

    def _first_text(self, name: str) -> str:
        """Where the first value is that is no number, for people who search a big file."""
        start = 0
        for batch in self.batches([name]):
            for row, value in enumerate(batch.column(0).to_pylist(), start):
                if isinstance(value, str) and not _is_numeric(value):
                    return f" ({value[:40]!r} in row {row})"
            start += len(batch)
        return ""

    def _decoded(self, names: list[str]) -> Iterator[pa.RecordBatch]:
        """Batches with dictionaries decoded, and a struct's fields as columns named "image.bytes"."""
        total = 0
        for batch in self.batches(names):
            batch.validate(full=True)
            found: dict[str, pa.Array] = {}
            for name, column in zip(names, batch.columns, strict=True):
                for leaf, values in _leaves(name, column):
                    found[leaf] = _decoded(values, self.source)
            total += sum(column.nbytes for column in found.values())
            self.source.check(total, "the columns beside the embedding")
            yield pa.record_batch(found)


def _leaves(name: str, column: pa.Array) -> list[tuple[str, pa.Array]]:
    if not pa.types.is_struct(column.type):
        return [(name, column)]
    fields = zip(column.type, column.flatten(), strict=True)
    return [(f"{name}.{child.name}", values) for child, values in fields]


def _decoded(column: pa.Array, source: Source) -> pa.Array:
    """One value per row: a dictionary may say one long text a million times."""
    if not pa.types.is_dictionary(column.type):
        return column
    if has_bytes(column.type.value_type):
        lengths = pc.binary_length(column.dictionary).take(column.indices)
        source.check(pc.sum(lengths.cast(pa.int64())).as_py() or 0, "a text column")
    return column.dictionary_decode()


def _is_numeric(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return not text.strip()
    return True


def _is_other_embedding(candidate: Candidate) -> bool:
    return candidate.name != ALL_NUMERIC and len(candidate.columns) > _WIDE
