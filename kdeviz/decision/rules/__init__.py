"""The threshold rules, one module each: how the log density below which a sample is flagged is chosen."""

from kdeviz.decision.rules.registry import RULES, ThresholdRule
from kdeviz.decision.rules.rule import Asked, Rule, Scores

__all__ = ["RULES", "Asked", "Rule", "Scores", "ThresholdRule"]
