"""The pages, one module each."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from kdeviz.ui.pages import compare, explore, export, present, tune


class Page(NamedTuple):
    """One page of the app."""

    title: str
    icon: str
    path: str
    """Its address, empty for the page that is shown at first."""
    show: Callable[[], None]
    """Draws it."""


PAGES = [
    Page("Explore", ":material/explore:", "", explore.show),
    Page("Tune", ":material/tune:", "tune", tune.show),
    Page("Compare", ":material/compare_arrows:", "compare", compare.show),
    Page("Present", ":material/slideshow:", "present", present.show),
    Page("Export", ":material/ios_share:", "export", export.show),
]
"""In the order in which they stand above the page."""

__all__ = ["PAGES", "Page"]
