"""How PCA scores are scaled before their density is estimated: one module per method.

Loads no torch: `Settings`, and with it the command line, needs the names and the words alone.
"""

from kdeviz.scaling.norm import Norm
from kdeviz.scaling.scale import Scale
from kdeviz.scaling.scaling import Scaling, row_lengths

__all__ = ["SCALINGS", "Scaling", "row_lengths", "scalings_in_words"]

SCALINGS: dict[str, Scaling] = {Scale.name: Scale(), Norm.name: Norm()}
"""Every scaling method by its name, in the order in which people are offered them."""


def scalings_in_words() -> str:
    """What each does to a sample: "scale keeps its distance from the average; norm ..."."""
    return "; ".join(f"{scaling.name} {scaling.effect}" for scaling in SCALINGS.values())
