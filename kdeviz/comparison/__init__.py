"""Two models on the same samples: what differs, whose verdict flips, and whether that is more than chance."""

from kdeviz.comparison.compare import Comparison, Flips, Percentiles, Setting, compare
from kdeviz.comparison.flips import SettingRow, flip_table, settings_table, why_words
from kdeviz.comparison.paired import SeparationTest, VerdictTest, auroc_difference, mcnemar
from kdeviz.comparison.scored import Scored, analysis_of, scored_analysis, scored_model

__all__ = [
    "Comparison",
    "Flips",
    "Percentiles",
    "Scored",
    "SeparationTest",
    "Setting",
    "SettingRow",
    "VerdictTest",
    "analysis_of",
    "auroc_difference",
    "compare",
    "flip_table",
    "mcnemar",
    "scored_analysis",
    "scored_model",
    "settings_table",
    "why_words",
]
