"""Which columns of a table are the embedding: one list column, a numbered family, or every number."""

from __future__ import annotations

import re
from collections import defaultdict

import pyarrow as pa

from kdeviz.data.readers.content import Candidate, embedding_rank
from kdeviz.data.readers.roles import is_role
from kdeviz.data.readers.values import is_list, is_number

ALL_NUMERIC = "all numeric columns"


def find_candidates(schema: pa.Schema) -> list[Candidate]:
    """The ways to read an embedding, best first: list columns by name, then the widest of the others."""
    lists = [f.name for f in schema if is_list(f.type) and _leads_to_numbers(f.type)]
    lists.sort(key=embedding_rank)
    families = sorted(_numbered(schema), key=lambda family: -len(family.columns))
    taken = {name for family in families for name in family.columns}
    everything = tuple(f.name for f in schema if is_number(f.type) and not is_role(f.name, schema.names))
    loose = [name for name in everything if name not in taken]
    found = [Candidate(name, (name,)) for name in lists]
    if not loose:
        return found + families
    others = [Candidate(ALL_NUMERIC, everything)]
    if any(len(family.columns) > len(loose) for family in families):
        return found + families + others
    return found + others + families


def _numbered(schema: pa.Schema) -> list[Candidate]:
    """Columns that share a prefix and end in different numbers, at least one of them numeric."""
    members: dict[str, dict[int, str]] = defaultdict(dict)
    for field in schema:
        match = re.fullmatch(r"(.*?)(\d{1,9})", field.name, re.DOTALL)
        if match and not is_role(field.name, schema.names) and not is_list(field.type):
            members[match[1]].setdefault(int(match[2]), field.name)
    families = []
    for prefix, by_number in members.items():
        names = tuple(by_number[number] for number in sorted(by_number))
        if len(names) > 1 and any(_is_value(schema.field(name).type) for name in names):
            families.append(Candidate(f"{names[0]} … {names[-1]}", names, prefix))
    return families


def _is_value(kind: pa.DataType) -> bool:
    return is_number(kind) or bool(pa.types.is_boolean(kind))


def _leads_to_numbers(kind: pa.DataType) -> bool:
    while is_list(kind):
        kind = kind.value_type
    return _is_value(kind)
