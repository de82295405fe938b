"""What a label says about a row."""

from __future__ import annotations

NORMAL, ANOMALOUS, UNKNOWN = 0, 1, -1
