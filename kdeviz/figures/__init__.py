"""View to plotly figure: one function per chart, one theme. No number is computed here."""

from kdeviz.figures.densities import density_figure, scree_figure
from kdeviz.figures.map import map_figure

__all__ = ["density_figure", "map_figure", "scree_figure"]
