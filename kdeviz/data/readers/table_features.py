"""Columns of a table as blocks of features: lists, vectors in text, or one column per dimension."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kdeviz.data.readers.cells import Marks, NumberColumn, truths
from kdeviz.data.readers.families import is_value
from kdeviz.data.readers.roles import says_counter
from kdeviz.data.readers.source import Source
from kdeviz.data.readers.values import is_list, is_text, numbers, plain_text, single_items, value_bytes
from kdeviz.data.readers.vectors import vectors
from kdeviz.errors import DataError

_TURNED = 2048  # rows at once, so that columns are still in cache when they become rows
_FEWEST_COUNTED = 8
"""Rows in which numbers in equal steps are no accident."""


def list_blocks(
    name: str, batches: Iterator[pa.RecordBatch], rows: int, of_text: bool, source: Source
) -> Iterator[NDArray[Any]]:
    """(rows, dimensions) arrays of one column with a list of numbers, or with a vector in text, in every row.

    There are `rows` in all; vectors that are `of_text` are written out.

    Raises:
        DataError: a list is missing, or has another length than the first.
    """
    start = source.first_row
    width: int | None = None
    for batch in batches:
        column = batch.column(0)
        if of_text:
            column = vectors(plain_text(column), name, start, source)
        if is_list(column.type.value_type):
            raise DataError(f"{source.name}: {name} holds lists of lists; flatten each row to one list")
        lengths = np.asarray(pc.fill_null(pc.list_value_length(column), -1))
        if width is None:
            width = max(int(lengths[0]), 0)
            source.check(rows * width * value_bytes(column.type.value_type), name)
        if (lengths != width).any():
            raise DataError(f"{source.name}: {_ragged(name, lengths, start, width)}")
        yield numbers(column.flatten()).reshape(len(column), width)
        start += len(column)


def _ragged(name: str, lengths: NDArray[Any], start: int, width: int) -> str:
    if (lengths < 0).any():
        row = start + int(np.argmax(lengths < 0))
        return f"{name} is missing in row {row}; drop the rows without an embedding, or fill them"
    row = int(np.argmax(lengths != width))
    return (
        f"the list of {name} in row {start + row} has {lengths[row]} numbers and row 0 has {width}; "
        "every row needs the same number of dimensions"
    )


@dataclass(frozen=True)
class NumberColumns:
    """Columns of which each is one dimension; cells of text are read as numbers.

    Attributes:
        embedding: the name of the whole, for errors.
        kinds: what every column is taken for, in order of dimension.
        source: the file, for errors.
        marks: how numbers are written in text.
    """

    embedding: str
    kinds: Mapping[str, pa.DataType]
    source: Source
    marks: Marks

    def refuse_other_types(self) -> None:
        """Dates and the like are no numbers; texts may be."""
        for name, kind in self.kinds.items():
            of_one = is_list(kind) and is_value(kind.value_type)
            if not (is_value(kind) or is_text(kind) or pa.types.is_null(kind) or of_one):
                raise DataError(
                    f"{self.source.name}: column {name!r} of {self.embedding} holds {kind}, not numbers; "
                    f"correct it, leave it out (leave_out, --leave-out), or choose another embedding_column"
                )

    def blocks(self, batches: Iterator[pa.RecordBatch]) -> Iterator[NDArray[Any]]:
        """(rows, dimensions) arrays.

        Raises:
            DataError: a cell is no number; it is named with its row.
        """
        start = self.source.first_row
        for batch in batches:
            texts = all(is_text(column.type) for column in batch.columns)
            if texts and (cells := self._all_at_once(batch)) is not None:
                yield cells
            else:
                yield from self._by_column(batch, start)
            start += len(batch)

    def _all_at_once(self, batch: pa.RecordBatch) -> NDArray[Any] | None:
        """All cells of text as numbers of one kind; None when one of them is no such number."""
        cells = NumberColumn(pa.concat_arrays(list(map(plain_text, batch.columns))), self.marks)
        whole = all(pa.types.is_integer(kind) for kind in self.kinds.values())
        for kind in [pa.int64(), pa.float64()] if whole else [pa.float64()]:
            if (values := cells.cast(kind)) is not None:
                return numbers(values).reshape(batch.num_columns, len(batch)).T
        return None

    def _by_column(self, batch: pa.RecordBatch, start: int) -> Iterator[NDArray[Any]]:
        columns = zip(self.kinds, batch.columns, strict=True)
        values = [numbers(self._numbers(name, column, start)) for name, column in columns]
        for top in range(0, len(batch), _TURNED):
            yield np.stack([column[top : top + _TURNED] for column in values]).T

    def _numbers(self, name: str, column: pa.Array, start: int) -> pa.Array:
        if is_list(column.type):
            return self._single_items(name, column, start)
        if not is_text(column.type):
            return column
        cells = plain_text(column)
        if pa.types.is_boolean(self.kinds[name]) and (values := truths(cells)) is not None:
            return values
        as_numbers = NumberColumn(cells, self.marks)
        if (values := as_numbers.cast(pa.float64())) is None:
            raise DataError(self._no_number(name, start, as_numbers.first_bad()))
        return values

    def _single_items(self, name: str, column: pa.Array, start: int) -> pa.Array:
        if (values := single_items(column)) is not None:
            return values
        row = start + int(np.argmax(np.asarray(pc.fill_null(pc.list_value_length(column), 1)) != 1))
        raise DataError(
            f"{self.source.name}: column {name!r} of {self.embedding} holds lists of one number, but not in "
            f"row {row}; correct it, or choose another embedding_column"
        )

    def _no_number(self, name: str, start: int, bad: tuple[int, str] | None) -> str:
        where = f"{self.source.name}: column {name!r} of {self.embedding} holds text, not numbers"
        if bad is None:
            return f"{where}; correct it, or choose another embedding_column"
        row, cell = start + bad[0], bad[1].strip()
        if cell == name:
            return (
                f"{self.source.name}: row {row} repeats the header ({name!r} stands in column {name!r}), as "
                "when files are joined; remove that line"
            )
        return (
            f"{where} ({cell[:40]!r} in row {row}); correct it, leave it blank, or leave the column out "
            f"(leave_out, --leave-out {name})"
        )


def counters(batches: Iterator[pa.RecordBatch], marks: Marks) -> list[str]:
    """Which columns only count the rows: whole numbers in equal steps, from 0 or 1 on or by name."""
    start, found = 0, {}
    for batch in batches:
        columns = {
            name: values
            for name, column in zip(batch.schema.names, batch.columns, strict=True)
            if (start == 0 or name in found) and (values := _whole_numbers(column, marks)) is not None
        }
        if start == 0:
            found = {name: step for name, values in columns.items() if (step := _step(name, values))}
        rows = np.arange(start, start + len(batch))
        found = {
            name: (first, step)
            for name, (first, step) in found.items()
            if name in columns and np.array_equal(columns[name], first + step * rows)
        }
        start += len(batch)
        if not found:
            break
    return list(found)


def _step(name: str, values: NDArray[Any]) -> tuple[Any, Any] | None:
    """First value and step of a column that can count: from 0 or 1 on, or by its name."""
    if len(values) < 2:
        return None
    first, step = values[0], values[1] - values[0]
    told = len(values) >= _FEWEST_COUNTED and says_counter(name)
    return (first, step) if step and (told or (first in (0, 1) and step == 1)) else None


def _whole_numbers(column: pa.Array, marks: Marks) -> NDArray[Any] | None:
    if is_text(column.type):
        cells = NumberColumn(plain_text(column), marks).cast(pa.float64())
        values = None if cells is None else numbers(cells)
    else:
        values = numbers(column)
    if values is None or values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        return None
    values = values.astype(np.float64)
    return values if (values % 1 == 0).all() else None
