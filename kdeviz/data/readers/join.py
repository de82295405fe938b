"""Join the columns of a metadata file to those of the embedding file, by id or by row order."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from kdeviz.data.readers import roles
from kdeviz.data.readers.describe import id_column, read_ids
from kdeviz.data.readers.source import Source
from kdeviz.data.readers.values import has_bytes
from kdeviz.errors import DataError


def join(here: pa.Table, there: pa.Table, source: Source) -> tuple[pa.Table, list[str]]:
    """Put the metadata file's columns first, one row for every row of `here`.

    Args:
        here: columns beside the embedding.
        there: columns of the metadata file.
        source: the metadata file.

    Raises:
        DataError: both have ids and none agrees, or there are no ids and the numbers of rows differ.
    """
    with source.reading("table"):
        there, notes = _aligned(here, there, source)
    both = set(here.column_names) & set(there.column_names)
    names = [f"{name} (embedding file)" if name in both else name for name in here.column_names]
    for name, column in zip(names, here.columns, strict=True):
        there = there.append_column(name, column)
    return there, notes


def _aligned(here: pa.Table, there: pa.Table, source: Source) -> tuple[pa.Table, list[str]]:
    own, other = id_column(here, source.wanted), id_column(there, source.wanted)
    if own is not None and other is not None:
        own_ids, other_ids, notes = _comparable(read_ids(here[own]), read_ids(there[other]), source)
        place = {value: row for row, value in reversed(list(enumerate(other_ids)))}
        rows = [place.get(value) for value in own_ids]
        weak = roles.is_row_number(own) or roles.is_row_number(other)
        if None not in rows or (not weak and any(row is not None for row in rows)):
            notes += _report(own_ids, other_ids, source)
            return _taken(there.drop_columns(other), rows, source), notes
        if not weak:
            raise DataError(
                f"{source.name}: none of its ids ({other_ids[0]!r} ...) is an id of the embeddings "
                f"({own_ids[0]!r} ...); correct the column {other!r}, or drop it to join by row order"
            )
    if len(there) != len(here):
        raise DataError(
            f"{source.name}: {len(there)} rows for {len(here)} embeddings; give both files an id column, "
            "or one row for every embedding"
        )
    return there, []


def _comparable(own: list[str], other: list[str], source: Source) -> tuple[list[str], list[str], list[str]]:
    """Ids as numbers, where none agrees as it is: a spreadsheet made 7 or 7.0 of 00007."""
    if not set(own).isdisjoint(other):
        return own, other, []
    short = [[_as_number(id_) for id_ in ids] for ids in (own, other)]
    ambiguous = any(len(set(ids)) < len(set(whole)) for ids, whole in zip(short, (own, other), strict=True))
    if ambiguous or set(short[0]).isdisjoint(short[1]):
        return own, other, []
    pairs = zip([*own, *other], [*short[0], *short[1]], strict=True)
    id_, number = next(pair for pair in pairs if pair[0] != pair[1])
    note = f"The ids of {source.name} were matched as numbers: {id_!r} is {number!r}."
    return short[0], short[1], [note]


def _as_number(id_: str) -> str:
    whole = id_.removesuffix(".0")
    return whole.lstrip("0") or "0" if whole.isdecimal() else id_


def _taken(table: pa.Table, rows: list[int | None], source: Source) -> pa.Table:
    index = pa.array(rows, pa.int64())
    for column in table.columns:
        if has_bytes(column.type):  # many rows may ask for one long text
            lengths = pc.binary_length(column).cast(pa.int64()).take(index)
            source.check(pc.sum(lengths).as_py() or 0, "the joined metadata")
    return table.take(index)


def _report(own: list[str], other: list[str], source: Source) -> list[str]:
    lacking, unused = sorted(set(own) - set(other)), sorted(set(other) - set(own))
    notes = []
    if lacking:
        notes.append(f"{len(lacking)} ids have no row in {source.name}, for example {lacking[0]!r}.")
    if unused:
        notes.append(
            f"{len(unused)} ids of {source.name} are not among the embeddings, for example {unused[0]!r}."
        )
    if len(set(other)) < len(other):
        notes.append(f"{source.name} holds some ids more than once; their first row counts.")
    return notes
