"""Row numbers as ids, for files that have none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def row_numbers(rows: int) -> NDArray[np.str_]:
    """(rows,) "0", "1", "2" ...: what `np.arange(rows).astype(str)` gives, faster and smaller."""
    width = max(len(str(rows - 1)), 1)
    letters = np.zeros((width, rows), np.uint32)
    for digits in range(1, width + 1):
        start, stop = 10 ** (digits - 1) if digits > 1 else 0, min(10**digits, rows)
        left = np.arange(start, stop, dtype=np.uint32)
        for place in reversed(range(digits)):
            left, digit = np.divmod(left, 10)
            letters[place, start:stop] = digit + ord("0")
    return np.ascontiguousarray(letters.T).view(f"U{width}").reshape(rows)
