"""The first and the second of two models that are compared."""

from kdeviz.charts.theme import Theme

SIDES = ("first", "second")


def side_colours(theme: Theme) -> tuple[str, str]:
    """Of the first and the second, wherever two models are compared."""
    # The two that colour-blind readers tell apart best and that stand out from the paper.
    return theme.categories[1], theme.categories[3]
