"""What a part of the samples has more often than the others: values and words, without those of chance."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

CHANCE = 0.05
"""How probable it may be, at most, that chance alone makes any of those that are looked at stand out."""
MOST_READ = 10_000
"""Of so many samples on either side are the words counted, at most."""
_MOST_SIGNS = 2_000
_PRIOR_ROWS, _FLOOR = 10.0, 0.5
_WORD = re.compile(r"[^\W_]{2,}")


class Standout(NamedTuple):
    """A value or word that is more frequent inside than outside."""

    column: str
    name: str
    inside: int
    """How many samples inside have it."""
    outside: int
    """How many of the others."""
    log_odds: float
    """The log of the ratio of its odds inside and outside, see `log_odds`."""
    z: float
    """The same in standard errors; the larger, the surer."""


def log_odds(inside: Counts, outside: Counts, size: int, rest: int) -> tuple[Floats, Floats]:
    """Log-odds ratios of values, with a prior that keeps rare ones from winning by chance.

    delta = log((y + a) / (n + A - y - a)) inside, less the same outside, with y of n samples having the value
    and a of A prior samples: as many as it has among all, and half a sample more. The standard error is
    the root of the sum of 1 over these four numbers.
    Source: B. L. Monroe, M. P. Colaresi and K. M. Quinn, Fightin' Words, Political Analysis 16(4), 2008,
    equations 15, 16 and 20, for samples that have a word instead of its occurrences.

    Args:
        inside: (V,) samples inside that have each value.
        outside: (V,) samples outside.
        size: samples inside in all.
        rest: samples outside in all.

    Returns:
        (V,) delta, and (V,) delta in standard errors.
    """
    prior = _FLOOR + _PRIOR_ROWS * (inside + outside) / max(size + rest, 1)
    without = 2 * _FLOOR + _PRIOR_ROWS - prior
    parts = (inside + prior, size - inside + without, outside + prior, rest - outside + without)
    has, has_not, others_have, others_have_not = parts
    delta = np.log(has / has_not) - np.log(others_have / others_have_not)
    return delta, delta / np.sqrt(np.sum([1 / part for part in parts], axis=0))


def by_chance(inside: Counts, outside: Counts, size: int, rest: int) -> Floats:
    """(V,) probabilities that so many or more of the samples inside have a value, did it not matter where.

    Binomial, with the value's share of all samples.
    """
    from scipy.special import bdtrc  # slow to import

    share = (inside + outside) / max(size + rest, 1)
    return np.where(inside > 0, bdtrc(inside - 1, size, share), 1.0)


def standouts(
    named: Sequence[tuple[str, str]], inside: Counts, outside: Counts, size: int, rest: int, most: int
) -> tuple[Standout, ...]:
    """Those that chance would hardly make so frequent inside, at most so many, by how sure that is.

    `named` are column and name of each of V values; for the numbers see `log_odds`.
    """
    if not len(named) or not size or not rest:
        return ()
    delta, z = log_odds(inside, outside, size, rest)
    more = inside * rest > outside * size
    sure = more & (by_chance(inside, outside, size, rest) * len(named) < CHANCE)
    order = [i for i in np.argsort(-z, kind="stable").tolist() if sure[i]][:most]
    numbers = (inside.tolist(), outside.tolist(), delta.tolist(), z.tolist())
    return tuple(Standout(named[i][0], named[i][1], *(each[i] for each in numbers)) for i in order)


def word_counts(texts: Iterable[str]) -> Counter[str]:
    """How many of the texts hold each word of two letters or more, in lower case."""
    found: Counter[str] = Counter()
    for text in texts:
        found.update({*_WORD.findall(text[:_MOST_SIGNS].lower())})
    return found


def some_of(rows: Counts, most: int = MOST_READ) -> Counts:
    """Not more than so many of these rows, evenly spread."""
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]
