"""Two models on the same samples: what differs, where they disagree, and whether that is more than chance."""

from kdeviz.comparison.compare import Comparison, Disagreements, Percentiles, Setting, compare
from kdeviz.comparison.disagreements import SettingRow, disagreement_table, settings_table, why_words
from kdeviz.comparison.paired import SeparationTest, VerdictTest, auroc_difference, mcnemar
from kdeviz.comparison.scored import Scored, decision_with_data, scored_decision, scored_model

__all__ = [
    "Comparison",
    "Disagreements",
    "Percentiles",
    "Scored",
    "SeparationTest",
    "Setting",
    "SettingRow",
    "VerdictTest",
    "auroc_difference",
    "compare",
    "decision_with_data",
    "disagreement_table",
    "mcnemar",
    "scored_decision",
    "scored_model",
    "settings_table",
    "why_words",
]
