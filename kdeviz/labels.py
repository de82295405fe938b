"""What a label says about a row."""

from __future__ import annotations

__all__ = ["ANOMALOUS", "NORMAL", "UNKNOWN"]

NORMAL, ANOMALOUS, UNKNOWN = 0, 1, -1
