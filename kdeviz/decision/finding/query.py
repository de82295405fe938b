"""What is asked for: a search over all columns, and filters of single ones."""

from __future__ import annotations

import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.decision.finding.columns import Column, Mask, Notes, Numbers, Texts, Values
from kdeviz.errors import OptionError
from kdeviz.wording import plain_number


@dataclass(frozen=True)
class OneOf:
    """Samples with one of some values.

    Attributes:
        column: its name.
        values: "" stands for no value.
    """

    column: str
    values: tuple[str, ...]
    kinds: ClassVar[tuple[type, ...]] = (Values,)

    @property
    def words(self) -> str:
        """What a person reads."""
        return f"{self.column}: {', '.join(value or 'no value' for value in self.values)}"

    def kept(self, column: Column) -> Mask:
        """(M,) True for the samples that stay."""
        assert isinstance(column, Values)
        return column.one_of(self.values)


@dataclass(frozen=True)
class Between:
    """Samples with a number from low to high, both included.

    Attributes:
        column: its name.
        low: minus infinity for no limit.
        high: infinity for none.
    """

    column: str
    low: float = -math.inf
    high: float = math.inf
    kinds: ClassVar[tuple[type, ...]] = (Numbers,)

    @property
    def words(self) -> str:
        """What a person reads."""
        low, high = plain_number(self.low), plain_number(self.high)
        if math.isinf(self.high):
            return f"{self.column} at least {low}"
        return f"{self.column} at most {high}" if math.isinf(self.low) else f"{self.column} {low} to {high}"

    def kept(self, column: Column) -> Mask:
        """(M,) True for the samples that stay."""
        assert isinstance(column, Numbers)
        return column.between(self.low, self.high)


@dataclass(frozen=True)
class Holds:
    """Samples with a text in one column.

    Attributes:
        column: its name.
        text: as it is written there, in upper or lower case.
    """

    column: str
    text: str
    kinds: ClassVar[tuple[type, ...]] = (Texts, Notes)

    @property
    def words(self) -> str:
        """What a person reads."""
        return f"{self.column} holds “{self.text}”"

    def kept(self, column: Column) -> Mask:
        """(M,) True for the samples that stay."""
        return column.found(self.text)


Filter = OneOf | Between | Holds


@dataclass(frozen=True)
class Query:
    """Samples that hold a text in some column, and pass every filter.

    Attributes:
        text: to search for, taken as it is written but for upper and lower case; a number finds the cells
            of number columns that equal it. Empty for no search.
        filters: of single columns.
    """

    text: str = ""
    filters: tuple[Filter, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.text.strip() or self.filters)


def possible(columns: Mapping[str, Column], one: Filter) -> bool:
    """Whether there is a column that can be asked this."""
    return isinstance(columns.get(one.column), one.kinds)


class Order(NamedTuple):
    """How the samples found are listed; those without a value come last."""

    column: str = "rank"
    descending: bool = False


BY_RANK = Order()
"""The most anomalous first."""


def matching(columns: Mapping[str, Column], searched: tuple[str, ...], query: Query) -> Mask:
    """(M,) True for the samples that answer a query.

    Args:
        columns: by name, as `sample_columns` gives them.
        searched: names of those that the search looks into.
        query: what is asked.

    Raises:
        OptionError: a filter is about a column that is not there, or of another kind.
    """
    kept = np.ones(len(columns["rank"].keys), bool)
    for one in query.filters:
        if not possible(columns, one):
            raise OptionError(f"no column can be asked for {one.words}: remove this filter")
        kept &= one.kept(columns[one.column])
    if text := query.text.strip():
        with ThreadPoolExecutor() as pool:  # arrow works outside of Python's lock
            kept &= np.logical_or.reduce([*pool.map(lambda name: columns[name].found(text), searched)])
    return kept


def in_order(column: Column, by_rank: NDArray[np.int64], descending: bool) -> NDArray[np.int64]:
    """Rows sorted by a column; equal ones stay as they came, and those without a value come last."""
    keys = column.keys[by_rank]
    ordered: NDArray[np.int64] = by_rank[np.argsort(-keys if descending else keys, kind="stable")]
    return ordered
