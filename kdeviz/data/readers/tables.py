"""Tables: the chosen columns become one (N, D) array without a detour over pandas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kdeviz.data.readers import roles
from kdeviz.data.readers.cells import PLAIN, Marks, NumberColumn
from kdeviz.data.readers.content import Candidate, NoRows, says_embedding
from kdeviz.data.readers.families import ALL_NUMERIC, WIDE, find_candidates, is_value
from kdeviz.data.readers.source import Source
from kdeviz.data.readers.values import (
    block,
    has_bytes,
    is_flat,
    is_list,
    no_columns,
    numbers,
    stacked,
    value_bytes,
)
from kdeviz.data.readers.vectors import looks_like_vectors, vectors
from kdeviz.errors import DataError

_LISTED = 12


@dataclass
class TableContent:
    """Columns that are read when they are asked for.

    Attributes:
        source: the file, for its name, its limit, and what was asked for.
        schema: names and types of all columns; a column of numbers may still come as text.
        rows: how many there are.
        batches: reads the named columns, a batch of rows at a time, within the limit.
        notes: what was found on the way.
        marks: how numbers are written in columns that come as text.
        named: whether the file names its columns itself.
    """

    source: Source
    schema: pa.Schema
    rows: int
    batches: Callable[[list[str]], Iterator[pa.RecordBatch]]
    notes: list[str] = field(default_factory=list)
    marks: Marks = PLAIN
    named: bool = True

    def __post_init__(self) -> None:
        refuse_repeated(self.schema.names, self.source)
        if not self.rows:
            raise NoRows(f"{self.source.name}: there are no rows")

    @property
    def names(self) -> tuple[str, ...]:
        """Every column, in the file's order."""
        return tuple(self.schema.names)

    @cached_property
    def candidates(self) -> list[Candidate]:
        """The ways to read an embedding, the best guess first."""
        with self.source.reading("table"):
            found = find_candidates(self.schema, self._vectors, self._never)
            if found and found[0].name == ALL_NUMERIC:
                found[0] = self._without_counters(found[0])
        return [candidate for candidate in found if candidate.columns]

    def features(self, candidate: Candidate) -> NDArray[Any]:
        """Read one candidate as an (N, D) array in the file's own precision.

        Raises:
            DataError: a column holds text, or a list has another length than the first.
        """
        if candidate.name == ALL_NUMERIC:
            self._refuse_to_fall_back()
        with self.source.reading("table"):
            first = self.schema.field(candidate.columns[0])
            if is_list(first.type) or first.name in self._vectors:
                return stacked(self._list_blocks(first.name), self.rows)
            self._refuse_other_types(candidate)
            return stacked(self._number_blocks(candidate), self.rows)

    def columns(self, candidate: Candidate | None, rows: int) -> pa.Table:
        """Every other column of single values; struct fields such as image.bytes count as columns."""
        taken = set(candidate.columns) if candidate else set()
        if candidate and candidate.name != ALL_NUMERIC:
            taken |= {name for c in self.candidates if _is_other_embedding(c) for name in c.columns}
        rest = [f for f in self.schema if f.name not in taken]
        names = [f.name for f in rest if is_flat(f.type)]
        offered = {name for other in self.candidates for name in other.columns}
        nested = [f for f in rest if not is_flat(f.type) and f.name not in offered]
        self.notes += [f"{f.name} is left out: {f.type} is not one value." for f in nested]
        with self.source.reading("table"):
            batches = list(self._decoded(names)) if names else []
            if not batches:
                return no_columns(self.rows)
            table = pa.Table.from_batches(batches)
            columns = [self._as_typed(name, table[name]) for name in table.column_names]
            return pa.table(columns, names=table.column_names)

    def why_not(self) -> str:
        """No column of numbers: name what is there."""
        held = ", ".join(f"{f.name!r} ({f.type})" for f in list(self.schema)[:8]) or "no columns"
        return (
            "no numeric column or list column was found to be the embedding; save one column per dimension "
            f"or a list column. The columns are {held}{' ...' if len(self.schema) > 8 else ''}"
        )

    @cached_property
    def _never(self) -> frozenset[str]:
        """Columns that are no dimensions, by their names or by what was asked for."""
        wanted, among = self.source.wanted, frozenset(self.schema.names)
        named = {wanted.of(role) for role in ("id", "label", "split", "picture")} | set(wanted.leave_out)
        return frozenset(
            f.name for f in self.schema if f.name in named or roles.is_no_feature(f.name, f.type, among)
        )

    @cached_property
    def _vectors(self) -> frozenset[str]:
        """Columns of text that hold vectors."""
        texts = [f.name for f in self.schema if _is_text(f.type) and not roles.is_role(f.name)]
        return frozenset(name for name in texts if self._holds_vectors(name))

    def _holds_vectors(self, name: str) -> bool:
        batch = next(self.batches([name]), None)
        if batch is None:
            return False
        values = (value for value in _text(batch.column(0).slice(0, 100)).to_pylist() if value)
        found = [value for value in values if value.strip().lower() not in ("", "nan", "none", "null")]
        return looks_like_vectors(found, says_embedding(name))

    def _without_counters(self, everything: Candidate) -> Candidate:
        """All numbers but those that only count the rows."""
        open_ = [name for name in everything.columns if pa.types.is_integer(self.schema.field(name).type)]
        start, firsts = 0, {}
        for batch in self.batches(open_) if open_ and self.rows > 2 else ():
            expected = np.arange(start, start + len(batch))
            columns = {name: self._numbers_or_none(batch[name]) for name in open_}
            if not start:
                firsts = {name: v[0] for name, v in columns.items() if v is not None and v[0] in (0, 1)}
            open_ = [
                name
                for name in firsts
                if name in open_ and np.array_equal(columns[name], expected + firsts[name])
            ]
            start += len(batch)
            if not open_:
                break
        if open_ and self.rows > 2:
            self.notes.append(f"{', '.join(open_)} only counts the rows: no dimension of the embedding.")
            kept = tuple(name for name in everything.columns if name not in open_)
            return everything._replace(columns=kept)
        return everything

    def _numbers_or_none(self, column: pa.Array) -> NDArray[Any] | None:
        if not _is_text(column.type):
            return numbers(column)
        found = NumberColumn(column, self.marks).cast(pa.int64())
        return None if found is None else numbers(found)

    def _refuse_to_fall_back(self) -> None:
        """Refuse all numbers where another column says that it is the embedding but cannot be read."""
        if self.source.wanted.embedding_column is not None:
            return
        for column in self.schema:
            if says_embedding(column.name) and not is_value(column.type) and column.name not in self._never:
                first = next(
                    (v for b in self.batches([column.name]) for v in b.column(0).to_pylist() if v), None
                )
                raise DataError(
                    f"{self.source.name}: column {column.name!r} holds no vectors that could be read "
                    f"({column.type}, such as {str(first)[:40]!r}); save it as lists of numbers, or take the other "
                    f"columns with embedding_column={ALL_NUMERIC!r}"
                )

    def _list_blocks(self, name: str) -> Iterator[NDArray[Any]]:
        start, width = 0, None
        for batch in self.batches([name]):
            column = batch.column(0)
            if name in self._vectors:
                column = vectors(_text(column), name, start, self.source)
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
        if (lengths < 0).any():
            row = start + int(np.argmax(lengths < 0))
            raise DataError(
                f"{self.source.name}: {name} is missing in row {row}; drop the rows without an embedding, or fill "
                "them"
            )
        wrong = lengths != width
        if wrong.any():
            row = int(np.argmax(wrong))
            raise DataError(
                f"{self.source.name}: the list of {name} in row {start + row} has {lengths[row]} numbers and "
                f"row 0 has {width}; every row needs the same number of dimensions"
            )

    def _refuse_other_types(self, candidate: Candidate) -> None:
        """Dates and the like are no numbers; texts may be."""
        for name in candidate.columns:
            kind = self.schema.field(name).type
            if not (is_value(kind) or _is_text(kind) or pa.types.is_null(kind)):
                raise DataError(
                    f"{self.source.name}: column {name!r} of {candidate.name} holds {kind}, not numbers; "
                    f"correct it, leave it out (leave_out, --leave-out), or choose another embedding_column"
                )

    def _number_blocks(self, candidate: Candidate) -> Iterator[NDArray[Any]]:
        names, start = list(candidate.columns), 0
        whole = all(pa.types.is_integer(self.schema.field(name).type) for name in names)
        kinds = [pa.int64(), pa.float64()] if whole else [pa.float64()]
        for batch in self.batches(names):
            if all(_is_text(column.type) for column in batch.columns):
                yield self._text_block(batch, kinds, candidate, start)
            else:
                columns = [
                    self._as_numbers(n, c, candidate, start)
                    for n, c in zip(names, batch.columns, strict=True)
                ]
                yield block(pa.record_batch(columns, names=names))
            start += len(batch)

    def _text_block(
        self, batch: pa.RecordBatch, kinds: list[pa.DataType], candidate: Candidate, start: int
    ) -> NDArray[Any]:
        """All cells at once, or column by column to find what is no number."""
        cells = pa.concat_arrays([_text(column) for column in batch.columns])
        for kind in kinds:
            if (found := NumberColumn(cells, self.marks).cast(kind)) is not None:
                return numbers(found).reshape(batch.num_columns, len(batch)).T
        pairs = zip(candidate.columns, batch.columns, strict=True)
        return block(
            pa.record_batch(
                [self._as_numbers(name, column, candidate, start) for name, column in pairs],
                names=list(candidate.columns),
            )
        )

    def _as_numbers(self, name: str, column: pa.Array, candidate: Candidate, start: int) -> pa.Array:
        if not _is_text(column.type):
            return column
        cells = _text(column)
        if pa.types.is_boolean(self.schema.field(name).type):
            return pc.cast(pc.utf8_lower(pc.utf8_trim_whitespace(cells)), pa.bool_())
        column = NumberColumn(cells, self.marks)
        found = column.cast(pa.float64())
        if found is None:
            raise DataError(self._no_number(name, candidate, start, column.first_bad()))
        return found

    def _no_number(self, name: str, candidate: Candidate, start: int, bad: tuple[int, str] | None) -> str:
        where = f"{self.source.name}: column {name!r} of {candidate.name} holds"
        if bad is None:
            return f"{where} text, not numbers; correct it, or choose another embedding_column"
        row, cell = start + bad[0], bad[1].strip()
        if cell == name:
            return (
                f"{self.source.name}: row {row} repeats the header ({name!r} stands in column {name!r}), as when "
                "files are joined; remove that line"
            )
        return (
            f"{where} text, not numbers ({cell[:40]!r} in row {row}); correct it, leave it blank, or leave the column out "
            f"(leave_out, --leave-out {name})"
        )

    def _as_typed(self, name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """Cells of text as the numbers or truth values that they are, where nothing is lost."""
        kind = self.schema.field(name).type if name in self.schema.names else column.type
        if not _is_text(column.type) or _is_text(kind):
            return column
        cells = pa.concat_arrays(column.chunks)
        if pa.types.is_boolean(kind):
            return pa.chunked_array([_cast_bool(cells)])
        found = NumberColumn(cells, self.marks)
        if found.is_padded():
            return column
        for target in [pa.int64()] if found.is_whole() else [pa.float64()]:
            if (cast := found.cast(target)) is not None:
                return pa.chunked_array([cast])
        return column

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


def refuse_repeated(names: list[str], source: Source) -> None:
    """Refuse two columns of one name: nobody could say which is meant."""
    name, times = Counter(names).most_common(1)[0] if names else ("", 0)
    if times > 1:
        raise DataError(f"{source.name}: column {name!r} occurs twice; give every column its own name")


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


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _text(column: pa.Array) -> pa.Array:
    """Plain text, of a dictionary too."""
    return column if pa.types.is_string(column.type) else pc.cast(column, pa.string())


def _cast_bool(cells: pa.Array) -> pa.Array:
    words = pc.utf8_lower(pc.utf8_trim_whitespace(cells))
    known = pc.is_in(words, pa.array(["true", "false"]))
    blank = pc.equal(words, "")
    if not pc.all(pc.or_(known, blank)).as_py():
        return cells
    return pc.cast(pc.if_else(blank, pa.scalar(None, pa.string()), words), pa.bool_())


def _is_other_embedding(candidate: Candidate) -> bool:
    return candidate.name != ALL_NUMERIC and len(candidate.columns) > WIDE
