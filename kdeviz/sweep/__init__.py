"""Many settings on one data set, the choice between them, and whether the answer would come out again."""

from kdeviz.sweep.choice import Choice, best, sorted_rows
from kdeviz.sweep.edges import Edge, edge_words, edges, extended, next_words
from kdeviz.sweep.grid import YES_OR_NO, Grid
from kdeviz.sweep.held_out import held_out_alarms
from kdeviz.sweep.metrics import CHOICES, METRICS, OF_LABELS, estimate_of, sweep_table
from kdeviz.sweep.proposal import proposed_components, proposed_grid, sweep_seconds, variances_of
from kdeviz.sweep.recall import recall_at_fpr
from kdeviz.sweep.stability import AGREES, BOOTSTRAP, CAP, SEEDS, Repeats, Stability, beyond_chance, stability
from kdeviz.sweep.sweep import Sweep, SweepRow, sweep

__all__ = [
    "AGREES",
    "BOOTSTRAP",
    "CAP",
    "CHOICES",
    "METRICS",
    "OF_LABELS",
    "SEEDS",
    "YES_OR_NO",
    "Choice",
    "Edge",
    "Grid",
    "Repeats",
    "Stability",
    "Sweep",
    "SweepRow",
    "best",
    "beyond_chance",
    "edge_words",
    "edges",
    "estimate_of",
    "extended",
    "held_out_alarms",
    "next_words",
    "proposed_components",
    "proposed_grid",
    "recall_at_fpr",
    "sorted_rows",
    "stability",
    "sweep",
    "sweep_seconds",
    "sweep_table",
    "variances_of",
]
