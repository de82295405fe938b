"""Two models on the same samples: what differs, where they disagree, and whether that is more than chance."""

from kdeviz.comparison.compare import Comparison, Disagreements, Percentiles, Setting, compare
from kdeviz.comparison.disagreements import SettingRow, disagreement_table, settings_table, why_words
from kdeviz.comparison.paired import SeparationTest, VerdictTest, auroc_difference, mcnemar
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
    "Disagreements",
    "Percentiles",
    "Scored",
    "SeparationTest",
    "Setting",
    "SettingRow",
    "VerdictTest",
    "areas_in_words",
    "auroc_difference",
    "compare",
    "decision_with_data",
    "disagreement_table",
    "interval_words",
    "mcnemar",
    "scored_decision",
    "scored_model",
    "separation_finding",
    "separation_words",
    "settings_table",
    "verdict_words",
    "why_words",
]
