"""Two models on the same samples: what differs, where they disagree, and whether that is more than chance."""

from kdeviz.comparison.compare import Comparison, compare
from kdeviz.comparison.disagreements import disagreement_table, settings_table, why_words
from kdeviz.comparison.paired import SeparationTest
from kdeviz.comparison.scored import Scored, decision_with_data, scored_decision, scored_model
from kdeviz.comparison.words import (
    areas_in_words,
    interval_words,
    separation_finding,
    separation_words,
    verdict_words,
)

__all__ = [
    "Comparison",
    "Scored",
    "SeparationTest",
    "areas_in_words",
    "compare",
    "decision_with_data",
    "disagreement_table",
    "interval_words",
    "scored_decision",
    "scored_model",
    "separation_finding",
    "separation_words",
    "settings_table",
    "verdict_words",
    "why_words",
]
