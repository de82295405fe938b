"""Row numbers as ids, for files that have none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MOST = 2**32


def row_numbers(rows: int, first: int = 0) -> NDArray[np.str_]:
    """(rows - first,) "0", "1" ...: what `np.arange(first, rows).astype(str)` gives, faster and smaller."""
    width = max(len(str(rows - 1)), 1)
    letters = np.zeros((width, rows - first), np.uint32)
    for digits in range(1, width + 1):
        start, stop = 10 ** (digits - 1) if digits > 1 else 0, min(10**digits, rows)
        if stop <= first:
            continue
        start = max(start, first)
        left = np.arange(start, stop, dtype=np.uint32 if rows <= _MOST else np.uint64)
        for place in reversed(range(digits)):
            left, digit = np.divmod(left, 10)
            letters[place, start - first : stop - first] = digit + ord("0")
    return np.ascontiguousarray(letters.T).view(f"U{width}").reshape(rows - first)
