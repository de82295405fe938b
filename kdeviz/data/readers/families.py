"""Which columns of a table are the embedding: one column of lists, a numbered family, or every number."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping

import pyarrow as pa

from kdeviz.data.readers.content import Candidate, embedding_rank, is_unlikely, says_embedding
from kdeviz.data.readers.values import is_list, is_number

ALL_NUMERIC = "all numeric columns"
WIDE = 16
"""A family of more columns than this that was not chosen is another embedding, not metadata."""

_FEWEST = 3
"""Columns that make a family where their names alone do not tell it."""
_NUMBER = re.compile(r"(?<!\d)\d{1,9}(?!\d)")


def find_candidates(
    schema: pa.Schema,
    vectors: Collection[str],
    in_disguise: Collection[str],
    never: Collection[str],
    widths: Mapping[str, int],
) -> list[Candidate]:
    """The ways to read an embedding, best first: lists by name, then a family, then all numbers.

    Args:
        schema: names and types.
        vectors: columns of texts that are vectors.
        in_disguise: columns of texts, or of lists of one, that are numbers.
        never: columns that are no dimensions.
        widths: of the lists in a column; 0 where they differ.
    """
    fields = [field for field in schema if field.name not in never]
    lists = [f.name for f in fields if f.name in vectors or (is_list(f.type) and _leads_to_numbers(f.type))]
    lists.sort(
        key=lambda name: (
            embedding_rank(name),
            not widths.get(name, 1),
            _holds_integers(schema.field(name).type),
        )
    )
    families = sorted(_numbered(fields, in_disguise), key=lambda family: -len(family.columns))
    everything = tuple(f.name for f in fields if is_value(f.type))
    of_numbers = _of_numbers(families, everything)
    narrow = max([1, *(len(family.columns) for family in families)])
    unlikely = {
        name
        for name in lists
        if is_unlikely(name) or (not says_embedding(name) and widths.get(name, narrow + 1) <= narrow)
    }
    likely = [Candidate(name, (name,)) for name in lists if name not in unlikely]
    return [*likely, *of_numbers, *(Candidate(name, (name,)) for name in lists if name in unlikely)]


def is_value(kind: pa.DataType) -> bool:
    """Whether a column of that type can be a dimension."""
    return is_number(kind) or bool(pa.types.is_boolean(kind))


def _of_numbers(families: list[Candidate], everything: tuple[str, ...]) -> list[Candidate]:
    """Families, and all numbers where there are others; all numbers first where no family stands out."""
    if not families:
        return [Candidate(ALL_NUMERIC, everything)] if everything else []
    widest = families[0]
    if set(everything) <= set(widest.columns):
        return families
    others = [Candidate(ALL_NUMERIC, everything)]
    loose = len(set(everything).difference(*(family.columns for family in families)))
    stands_out = len(widest.columns) > WIDE or 2 * len(widest.columns) > len(everything)
    return [*families, *others] if len(widest.columns) > loose and stands_out else [*others, *families]


def _numbered(fields: list[pa.Field], in_disguise: Collection[str]) -> list[Candidate]:
    """Columns whose names differ in one number; one of them is numeric, or all are so in disguise."""
    families = []
    for (before, after), by_number in _by_number(fields, in_disguise).items():
        family = [by_number[number] for number in sorted(by_number)]
        names = tuple(field.name for field in family)
        numeric = any(is_value(field.type) for field in family)
        if len(names) < (2 if numeric and not after else _FEWEST):
            continue
        if numeric or all(name in in_disguise for name in names):
            prefix = (before or after).strip("[](){}<>")
            families.append(Candidate(f"{names[0]} … {names[-1]}", names, prefix))
    return families


def _by_number(
    fields: list[pa.Field], in_disguise: Collection[str]
) -> dict[tuple[str, str], dict[int, pa.Field]]:
    """Columns by what stands before and behind the number that most others differ in, then by that number."""
    places = {
        field.name: [(name[: m.start()], name[m.end() :], int(m[0])) for m in _NUMBER.finditer(name)]
        for field in fields
        if (name := field.name) and (name in in_disguise or not is_list(field.type))
    }
    sizes = Counter(place[:2] for found in places.values() for place in found)
    members: dict[tuple[str, str], dict[int, pa.Field]] = defaultdict(dict)
    for field in fields:
        if found := places.get(field.name):
            *around, number = max(reversed(found), key=lambda place: sizes[place[:2]])
            members[around[0], around[1]].setdefault(number, field)
    return members


def _holds_integers(kind: pa.DataType) -> bool:
    return is_list(kind) and bool(pa.types.is_integer(kind.value_type))


def _leads_to_numbers(kind: pa.DataType) -> bool:
    while is_list(kind):
        kind = kind.value_type
    return is_value(kind)
