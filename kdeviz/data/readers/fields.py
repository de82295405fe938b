"""Fields of structs as columns, such as output.embedding, where a struct holds more than single values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from kdeviz.data.readers.arrow_lists import is_spark_vector
from kdeviz.data.readers.content import says_embedding
from kdeviz.data.readers.values import is_flat, is_number


class Fields:
    """The columns of a table as they are shown.

    Attributes:
        schema: with the fields in place of their structs.
        paths: where each shown column is stored.
    """

    def __init__(self, schema: pa.Schema) -> None:
        found = [leaf for column in schema for leaf in _leaves(column, (column.name,))]
        self.schema = pa.schema([(".".join(path), kind) for path, kind in found], schema.metadata)
        self.paths = {".".join(path): path for path, _ in found}

    def stored(self, names: Sequence[str]) -> list[str]:
        """The stored columns in which these are."""
        return list(dict.fromkeys(self.paths[name][0] for name in names))

    def of(self, batch: pa.RecordBatch, names: Sequence[str]) -> pa.RecordBatch:
        """These columns of a batch as it is stored."""
        paths = [self.paths[name] for name in names]
        columns = [reduce(pc.struct_field, path[1:], batch.column(path[0])) for path in paths]
        return pa.record_batch(columns, names=list(names)) if columns else batch.select([])


def _leaves(field: pa.Field, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], pa.DataType]]:
    """A field, or what is in it."""
    kind = field.type
    if not pa.types.is_struct(kind) or not kind.num_fields or _is_one(path[-1], kind):
        yield path, kind
        return
    for child in kind:
        yield from _leaves(child, (*path, child.name))


def _is_one(name: str, kind: pa.StructType) -> bool:
    """Whether a struct is read as a whole: single values, or an embedding in parts."""
    in_parts = kind.num_fields == 1 or all(is_number(child.type) for child in kind)
    return is_flat(kind) or is_spark_vector(kind) or (says_embedding(name) and in_parts)
