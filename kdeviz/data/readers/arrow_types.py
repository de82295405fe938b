"""Arrow's rarer types become plain ones before anyone asks what a column means.

Views, extensions, run ends, tensors, Spark's vectors and float bytes come out as texts, numbers, or lists of
numbers; texts may still stand in a dictionary.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kdeviz.data.formats import image_type
from kdeviz.data.readers import arrow_lists as lists
from kdeviz.data.readers.content import is_unlikely, says_embedding
from kdeviz.data.readers.fields import Fields
from kdeviz.data.readers.float_bytes import float_kind, floats_in
from kdeviz.data.readers.roles import is_role
from kdeviz.data.readers.source import Source
from kdeviz.data.readers.tables import TableContent
from kdeviz.data.readers.values import has_bytes, is_flat, is_list, is_number, numbers, value_bytes
from kdeviz.errors import DataError

types = pa.types
_FEWEST_ROWS, _FEWEST_BYTES = 4, 32  # of bytes whose name does not say that they are numbers
_BATCH_ROWS = 65_536


def plain_content(source: Source, table: pa.Table, notes: Sequence[str] = ()) -> TableContent:
    """A table in memory whose types become plain as it is read."""
    fields, plain = Fields(table.schema), PlainTypes(source, notes=list(notes))
    table = table.replace_schema_metadata(None)

    def stored(names: list[str]) -> Iterator[pa.RecordBatch]:
        for batch in table.select(fields.stored(names)).to_batches(_BATCH_ROWS):
            if len(batch):
                yield fields.of(batch, names)

    def first(name: str) -> pa.Array:
        kind = fields.schema.field(name).type
        return next((batch.column(0) for batch in stored([name])), pa.nulls(0, kind))

    def batches(names: list[str]) -> Iterator[pa.RecordBatch]:
        yield from map(plain.batch, stored(names))

    return TableContent(source, plain.schema(fields.schema, first), len(table), batches, plain.notes)


@dataclass
class PlainTypes:
    """Turns batches as they were read into batches of plain types.

    Attributes:
        source: the file, for its name and its limit.
        kinds: the plain type of every column that needs a change, as its first rows gave it.
        notes: what was decided on the way.
        classes: names of classes for columns of class numbers, from the metadata of a schema.
    """

    source: Source
    kinds: dict[str, pa.DataType] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    classes: dict[str, list[str]] = field(default_factory=dict)

    def schema(self, schema: pa.Schema, first: Callable[[str], pa.Array]) -> pa.Schema:
        """Names and plain types of a schema as it is read; `first` reads the first rows of a column."""
        self.classes = _class_names(schema.metadata)
        for column in schema:
            if self._is_odd(column.name, column.type):
                plain = self._plain(column.name, first(column.name))
                self.kinds[column.name] = _without_dictionary(plain.type)
        kinds = [self.kinds.get(column.name, _without_dictionary(column.type)) for column in schema]
        return pa.schema(zip(schema.names, kinds, strict=True))

    def batch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The same rows with plain types.

        Raises:
            DataError: later rows have another form than the first ones.
        """
        names = batch.schema.names
        if self.kinds.keys().isdisjoint(names):
            return batch
        pairs = zip(names, batch.columns, strict=True)
        return pa.record_batch([self._like_the_first(*pair) for pair in pairs], names=names)

    def _like_the_first(self, name: str, column: pa.Array) -> pa.Array:
        if name not in self.kinds:
            return column
        made = self._plain(name, column)
        if _without_dictionary(made.type) != self.kinds[name]:
            raise DataError(
                f"{self.source.name}: {name} begins as {self.kinds[name]} and goes on as {made.type}; "
                "give every row the same form"
            )
        return made

    def _is_odd(self, name: str, kind: pa.DataType) -> bool:
        if name in self.classes:
            return bool(types.is_integer(kind))
        if types.is_struct(kind):
            children = any(self._is_odd("", child.type) for child in kind)
            return children or lists.is_spark_vector(kind) or says_embedding(name)
        if is_list(kind):
            text = has_bytes(kind.value_type) and not says_embedding(name)
            return not (is_number(kind.value_type) or types.is_boolean(kind.value_type) or text)
        if types.is_dictionary(kind):
            return not has_bytes(kind.value_type)
        if types.is_binary(kind) or types.is_large_binary(kind):
            return says_embedding(name) or not (is_role(name) or is_unlikely(name))
        return not is_flat(kind)

    def _plain(self, name: str, column: pa.Array) -> pa.Array:
        """A column as a plain type, or as it is where there is none."""
        kind = column.type
        if isinstance(kind, pa.BaseExtensionType):
            return self._extension(name, column)
        if types.is_run_end_encoded(kind):
            return self._plain(name, pc.run_end_decode(column))
        if types.is_dictionary(kind):
            values = self._plain(name, column.dictionary)
            column = pa.DictionaryArray.from_arrays(column.indices, values)
            return column if has_bytes(values.type) else column.dictionary_decode()
        if name in self.classes and types.is_integer(kind):
            return self._named(name, column)
        if _is_bytes(kind) and (says_embedding(name) or self._must_be_floats(name, column)):
            return self._floats(name, column)
        if types.is_string_view(kind) or types.is_binary_view(kind):
            self.source.check(_viewed_bytes(column), f"the texts of {name}")
            return column.cast(pa.string() if types.is_string_view(kind) else pa.binary())
        if types.is_fixed_size_binary(kind):
            return pa.array([_readable(value) for value in column.to_pylist()], pa.string())
        return self._nested(name, column)

    def _nested(self, name: str, column: pa.Array) -> pa.Array:
        """Lists and structs."""
        kind = column.type
        if types.is_struct(kind):
            return self._struct(name, column)
        if types.is_list_view(kind) or types.is_large_list_view(kind):
            spread = (pc.sum(pc.list_value_length(column)).as_py() or 0) * value_bytes(kind.value_type)
            self.source.check(spread, f"the lists of {name}")
            column = lists.listed(column.flatten(), pc.list_value_length(column))
        if not is_list(column.type):
            return column
        values = column.flatten()
        plain = self._plain(name, values)
        if has_bytes(_without_dictionary(plain.type)) and says_embedding(name):
            plain = self._numbers(name, plain)
        if plain.type != values.type:
            column = lists.listed(plain, pc.list_value_length(column))
        return lists.without_single_dimensions(column)

    def _extension(self, name: str, column: pa.Array) -> pa.Array:
        kind, stored = column.type, column.storage
        if kind.extension_name == "arrow.uuid":
            values = (None if value is None else str(uuid.UUID(bytes=value)) for value in stored.to_pylist())
            return pa.array(values, pa.string())
        if kind.extension_name == "arrow.bool8":
            return stored.cast(pa.bool_())
        if kind.extension_name == "arrow.fixed_shape_tensor":
            return self._plain(name, lists.nested(stored, kind.shape))
        return self._plain(name, stored)

    def _struct(self, name: str, column: pa.Array) -> pa.Array:
        children = dict(zip((child.name for child in column.type), column.flatten(), strict=True))
        if lists.is_spark_vector(column.type):
            return lists.dense(name, children, self.source)
        if says_embedding(name) and len(children) == 1:  # BigQuery's and Thrift's list.element
            return self._plain(name, *children.values())
        if says_embedding(name) and children and all(is_number(child.type) for child in column.type):
            return lists.in_rows(np.stack([numbers(child) for child in children.values()], axis=1))
        plain = [self._plain("", child) for child in children.values()]
        return pa.StructArray.from_arrays(plain, list(children))

    def _named(self, name: str, column: pa.Array) -> pa.Array:
        """Class numbers as the names of their classes; Hugging Face writes -1 where there is none."""
        names = self.classes[name]
        codes = column.cast(pa.int64())
        beyond = pc.max(codes).as_py()
        if beyond is not None and beyond >= len(names):
            raise DataError(
                f"{self.source.name}: {name} holds class {beyond}, the file's metadata names {len(names)}; "
                "correct the column, or save it as text"
            )
        known = pc.if_else(pc.less(codes, 0), None, codes)
        return pa.DictionaryArray.from_arrays(known.cast(pa.int32()), pa.array(names, pa.string()))

    def _must_be_floats(self, name: str, column: pa.Array) -> bool:
        """Whether bytes without a telling name are numbers by their bits."""
        if name in self.kinds:
            return is_list(self.kinds[name])
        if not name or is_role(name) or is_unlikely(name) or len(column) < _FEWEST_ROWS:
            return False
        first = next((value.as_py() for value in column if value.is_valid), b"")
        return len(first) >= _FEWEST_BYTES and image_type(first) is None and float_kind(column) is not None

    def _floats(self, name: str, column: pa.Array) -> pa.Array:
        if name in self.kinds:
            kind = np.dtype(self.kinds[name].value_type.to_pandas_dtype())
        elif (told := float_kind(column)) is not None:
            kind = told
            self.notes.append(f"{name} holds bytes: they were read as {kind.name} numbers.")
        else:
            raise DataError(
                f"{self.source.name}: {name} holds bytes that are not float32, float64 or float16 numbers; "
                "save it as lists of numbers"
            )
        return floats_in(column, kind)

    def _numbers(self, name: str, texts: pa.Array) -> pa.Array:
        try:
            if types.is_dictionary(texts.type):
                return texts.dictionary.cast(pa.float64()).take(texts.indices)
            return texts.cast(pa.float64())
        except pa.ArrowInvalid as error:
            raise DataError(
                f"{self.source.name}: {name} holds lists of texts that are not numbers ({error}); "
                "save lists of numbers"
            ) from error


def _without_dictionary(kind: pa.DataType) -> pa.DataType:
    """The type once a dictionary is decoded."""
    return kind.value_type if types.is_dictionary(kind) else kind


def _is_bytes(kind: pa.DataType) -> bool:
    checks = (types.is_binary, types.is_large_binary, types.is_binary_view, types.is_fixed_size_binary)
    return any(check(kind) for check in checks)


def _viewed_bytes(column: pa.Array) -> int:
    """How long all texts are together: many views may show one long text."""
    views = np.frombuffer(column.buffers()[1], "<i4")[4 * column.offset :][: 4 * len(column)]
    return int(views[::4].astype(np.int64)[np.asarray(column.is_valid())].sum())


def _readable(value: bytes | None) -> str | None:
    """Bytes of a fixed length as the text they are, or in hexadecimal digits."""
    if value is None:
        return None
    try:
        text = value.rstrip(b"\0").decode()
    except UnicodeDecodeError:
        return value.hex()
    return text if text.isprintable() else value.hex()


def _class_names(metadata: Mapping[bytes, bytes] | None) -> dict[str, list[str]]:
    """The names of the classes of every ClassLabel column, as Hugging Face writes them; 1 may mean "good"."""
    try:
        features = json.loads((metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
        named = {name: _names(kind) for name, kind in features.items()}
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError):  # anyone can write anything
        return {}
    return {name: names for name, names in named.items() if names}


def _names(kind: object) -> list[str]:
    if not isinstance(kind, dict) or kind.get("_type") != "ClassLabel":
        return []
    names = kind.get("names")
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else []
