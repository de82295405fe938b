"""Tables: which columns can be the embedding, and what stands beside it, without a detour over pandas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kdeviz.data.readers import roles
from kdeviz.data.readers.cells import PLAIN, Marks, NumberColumn, is_blank, truths
from kdeviz.data.readers.content import Candidate, NoRowsError, says_embedding
from kdeviz.data.readers.families import ALL_NUMERIC, WIDE, find_candidates, is_value
from kdeviz.data.readers.source import Source
from kdeviz.data.readers.table_features import NumberColumns, counters, list_blocks
from kdeviz.data.readers.values import (
    decoded,
    is_flat,
    is_list,
    is_text,
    no_columns,
    plain_text,
    single_items,
    stacked,
)
from kdeviz.data.readers.vectors import looks_like_vectors
from kdeviz.errors import DataError

_LOOKED_AT = 100


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
            raise NoRowsError(f"{self.source.name}: there are no rows")

    @property
    def names(self) -> tuple[str, ...]:
        """Every column, in the file's order."""
        return tuple(self.schema.names)

    @cached_property
    def candidates(self) -> list[Candidate]:
        """The ways to read an embedding, the best guess first."""
        with self.source.reading("table"):
            found = find_candidates(self.schema, self._vectors, self._in_disguise, self._never, self._widths)
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
            name = candidate.columns[0]
            is_one = len(candidate.columns) == 1
            if name in self._vectors or (is_one and is_list(self.schema.field(name).type)):
                is_text = name in self._vectors
                lists = list_blocks(name, self.batches([name]), self.rows, is_text, self.source)
                return stacked(lists, self.rows)
            kinds = {name: self.schema.field(name).type for name in candidate.columns}
            columns = NumberColumns(candidate.name, kinds, self.source, self.marks)
            columns.refuse_other_types()
            return stacked(columns.blocks(self.batches(list(kinds))), self.rows)

    def columns(self, candidate: Candidate | None, rows: int) -> pa.Table:
        """Every other column of single values; struct fields such as image.bytes count as columns."""
        taken = set(candidate.columns) if candidate else set()
        if candidate and candidate.name != ALL_NUMERIC:
            others = (c for c in self.candidates if c.name != ALL_NUMERIC and len(c.columns) > WIDE)
            taken.update(*(other.columns for other in others))
        rest = [f for f in self.schema if f.name not in taken]
        names = [f.name for f in rest if is_flat(f.type)]
        offered = {name for other in self.candidates for name in other.columns}
        nested = [f for f in rest if not is_flat(f.type) and f.name not in offered]
        with self.source.reading("table"):
            # Text is of one type in a file and perhaps of another, a longer one, in the next.
            tables = [*self._decoded(names)] if names else []
            table = pa.concat_tables(tables, promote_options="permissive") if tables else pa.table({})
            kinds = {column.name: column.type for column in self.schema}
            by_name = zip(table.column_names, table.columns, strict=True)
            found = {name: self._as_typed(c, kinds.get(name, c.type)) for name, c in by_name}
            found |= self._of_single_items(nested)
        self.notes += [
            f"{f.name} is left out: {f.type} is not one value." for f in nested if f.name not in found
        ]
        return pa.table(found) if found else no_columns(self.rows)

    def _of_single_items(self, columns: list[pa.Field]) -> dict[str, pa.ChunkedArray]:
        """Lists of one value in every row, as (N, 1) labels are, as these values."""
        found = {}
        for column in columns:
            if is_list(column.type) and is_flat(column.type.value_type):
                lists = [batch.column(0) for batch in self.batches([column.name])]
                if (values := [single_items(part) for part in lists]) and None not in values:
                    found[column.name] = pa.chunked_array(values)
        return found

    def why_not(self) -> str:
        """No column of numbers: name what is there."""
        cells = {name: next(filter(None, c.to_pylist()), "") for name, c in self._first_texts[:8]}
        shown = {name: f", such as {str(cell)[:20]!r}" for name, cell in cells.items() if cell}
        fields = [f"{f.name!r} ({f.type}{shown.get(f.name, '')})" for f in list(self.schema)[:8]]
        held = ", ".join(fields) or "no columns"
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
        return frozenset(name for name, column in self._first_texts if _holds_vectors(name, column))

    @cached_property
    def _in_disguise(self) -> frozenset[str]:
        """Columns of texts that are fractions, as some databases export them, or of lists of one number."""
        texts = {
            name
            for name, column in self._first_texts
            if name not in self._vectors and _holds_fractions(column, self.marks)
        }
        return frozenset(texts | {name for name, width in self._widths.items() if width == 1})

    @cached_property
    def _first_texts(self) -> list[tuple[str, pa.Array]]:
        """The first cells of every column of text that has no role."""
        return self._first([f.name for f in self.schema if is_text(f.type) and not roles.is_role(f.name)])

    @cached_property
    def _widths(self) -> dict[str, int]:
        """How long the first lists of every column of lists are; 0 where they differ."""
        widths = {}
        for name, column in self._first([f.name for f in self.schema if is_list(f.type)]):
            lengths = set(pc.list_value_length(column.drop_null()).to_pylist())
            widths[name] = lengths.pop() if len(lengths) == 1 else 0
        return widths

    def _first(self, names: list[str]) -> list[tuple[str, pa.Array]]:
        """The first cells of some columns, by name."""
        first = next(self.batches(names), None) if names else None
        return [] if first is None else [*zip(names, first.slice(0, _LOOKED_AT).columns, strict=True)]

    def _without_counters(self, everything: Candidate) -> Candidate:
        """All numbers but those that only count the rows, where there are others."""
        columns = [*everything.columns]
        counting = counters(self.batches(columns), self.marks) if self.rows > 2 else []
        if len(counting) in (0, len(columns)):
            return everything
        self.notes.append(f"{', '.join(counting)} only counts the rows: no dimension of the embedding.")
        return everything._replace(columns=tuple(name for name in everything.columns if name not in counting))

    def _refuse_to_fall_back(self) -> None:
        """Refuse all numbers where another column says that it is the embedding but cannot be read."""
        if self.source.wanted.embedding_column is not None:
            return
        for column in self.schema:
            if not (is_value(column.type) or column.name in self._never) and says_embedding(column.name):
                values = (
                    v for batch in self.batches([column.name]) for v in batch.column(0).to_pylist() if v
                )
                raise DataError(
                    f"{self.source.name}: column {column.name!r} holds no vectors that could be read "
                    f"({column.type}, such as {str(next(values, None))[:40]!r}); save it as lists of "
                    f"numbers, or take the other columns with embedding_column={ALL_NUMERIC!r}"
                )

    def _as_typed(self, column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
        """Cells of text as the numbers or truth values that they are, where nothing is lost."""
        if not is_text(column.type) or is_text(kind):
            return column
        cells = pa.concat_arrays(column.chunks)
        if pa.types.is_boolean(kind):
            values = truths(cells)
        else:
            numbers = NumberColumn(cells, self.marks)
            target = pa.int64() if numbers.is_whole() else pa.float64()
            values = None if numbers.is_padded() else numbers.cast(target)
        return column if values is None else pa.chunked_array([values])

    def _decoded(self, names: list[str]) -> Iterator[pa.Table]:
        """Batches with dictionaries decoded, and a struct's fields as columns named "image.bytes"."""
        total = 0
        for batch in self.batches(names):
            batch.validate(full=True)
            pairs = zip(names, batch.columns, strict=True)
            found = {leaf: decoded(v, self.source) for pair in pairs for leaf, v in _leaves(*pair)}
            total += sum(column.nbytes for column in found.values())
            self.source.check(total, "the columns beside the embedding")
            yield pa.table(found)


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


def _holds_vectors(name: str, column: pa.Array) -> bool:
    values = (value for value in plain_text(column).to_pylist() if value)
    there = [value for value in values if value.strip().lower() not in ("", "nan", "none", "null")]
    return looks_like_vectors(there, says_embedding(name))


def _holds_fractions(column: pa.Array, marks: Marks) -> bool:
    texts = map(str.strip, filter(None, plain_text(column).to_pylist()))
    cells = [cell for cell in texts if not is_blank(cell)]
    return bool(cells) and all(marks.is_number(cell) for cell in cells) and any("." in cell for cell in cells)
