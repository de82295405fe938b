"""How PCA scores are scaled before their density is estimated: one module per method.

Loads no torch: `Settings`, and with it the command line, needs the names and the words alone.
"""

from kdeviz.scaling.registry import SCALINGS, scalings_in_words
from kdeviz.scaling.scaling import Scaling, row_lengths

__all__ = ["SCALINGS", "Scaling", "row_lengths", "scalings_in_words"]
