"""Many settings on one data set, the choice between them, and whether the answer would come out again."""

from kdeviz.sweep.choice import Choice, best, sorted_rows
from kdeviz.sweep.grid import Grid
from kdeviz.sweep.held_out import held_out_alarms
from kdeviz.sweep.metrics import CHOICES, METRICS, OF_LABELS, estimate_of
from kdeviz.sweep.recall import recall_at_fpr
from kdeviz.sweep.stability import AGREES, BOOTSTRAP, CAP, SEEDS, Repeats, Stability, beyond_chance, stability
from kdeviz.sweep.sweep import Sweep, SweepRow, sweep
from kdeviz.sweep.table import sweep_table

__all__ = [
    "AGREES",
    "BOOTSTRAP",
    "CAP",
    "CHOICES",
    "METRICS",
    "OF_LABELS",
    "SEEDS",
    "Choice",
    "Grid",
    "Repeats",
    "Stability",
    "Sweep",
    "SweepRow",
    "best",
    "beyond_chance",
    "estimate_of",
    "held_out_alarms",
    "recall_at_fpr",
    "sorted_rows",
    "stability",
    "sweep",
    "sweep_table",
]
