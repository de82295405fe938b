"""Which columns of a table are the embedding: one column of lists, a numbered family, or every number."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection

import pyarrow as pa

from kdeviz.data.readers.content import Candidate, embedding_rank, is_unlikely
from kdeviz.data.readers.values import is_list, is_number

ALL_NUMERIC = "all numeric columns"
WIDE = 16
"""A family of more columns than this that was not chosen is another embedding, not metadata."""


def find_candidates(schema: pa.Schema, vectors: Collection[str], never: Collection[str]) -> list[Candidate]:
    """The ways to read an embedding, best first: lists by name, then a family, then all numbers.

    Args:
        schema: names and types.
        vectors: columns of texts that are vectors.
        never: columns that are no dimensions.
    """
    fields = [field for field in schema if field.name not in never]
    lists = [f.name for f in fields if f.name in vectors or (is_list(f.type) and _leads_to_numbers(f.type))]
    lists.sort(key=embedding_rank)
    families = sorted(_numbered(fields), key=lambda family: -len(family.columns))
    everything = tuple(f.name for f in fields if is_value(f.type))
    of_numbers = _of_numbers(families, everything)
    likely = [Candidate(name, (name,)) for name in lists if not is_unlikely(name)]
    unlikely = [Candidate(name, (name,)) for name in lists if is_unlikely(name)]
    return [*likely, *of_numbers, *unlikely]


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


def _numbered(fields: list[pa.Field]) -> list[Candidate]:
    """Columns that share a prefix and end in different numbers, at least one of them numeric."""
    members: dict[str, dict[int, pa.Field]] = defaultdict(dict)
    for field in fields:
        match = re.fullmatch(r"(.*?)(\d{1,9})", field.name, re.DOTALL)
        if match and not is_list(field.type):
            members[match[1]].setdefault(int(match[2]), field)
    families = []
    for prefix, by_number in members.items():
        family = [by_number[number] for number in sorted(by_number)]
        names = tuple(field.name for field in family)
        if len(names) > 1 and any(is_value(field.type) for field in family):
            families.append(Candidate(f"{names[0]} … {names[-1]}", names, prefix))
    return families


def _leads_to_numbers(kind: pa.DataType) -> bool:
    while is_list(kind):
        kind = kind.value_type
    return is_value(kind)
