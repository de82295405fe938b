"""The charts: first their numbers, then their pictures."""

from kdeviz.charts import figures, views
from kdeviz.charts.theme import DARK, LIGHT, Mark, Theme

__all__ = [
    "DARK",
    "LIGHT",
    "Mark",
    "Theme",
    "figures",
    "views",
]
