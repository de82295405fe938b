"""Reports: one HTML file for one decision, or for two."""

from __future__ import annotations

from collections.abc import Callable

from kdeviz.analysis import OnProgress
from kdeviz.comparison import Comparison
from kdeviz.decision import Decision
from kdeviz.output.report.comparison_page import Explained, comparison_page
from kdeviz.output.report.decision_page import Extras, decision_page
from kdeviz.output.report.html import page_html


def report(
    decision: Decision,
    extras: Extras | None = None,
    on_progress: OnProgress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> str:
    """A decision as a page that opens in any browser, without a server and without a network.

    What a file says (names, labels, texts) stands in it as text and never as markup, and its content-security
    policy lets no other script run than kdeviz's own. At most 200 samples are listed, and of more than 2 500
    a thinned sample is drawn over a heat map of all, so that it stays small.

    Args:
        decision: with its data.
        extras: what else is known.
        on_progress: told (stage in words, fraction of that stage done).
        cancelled: asked after every sample.

    Raises:
        Cancelled: `cancelled` said yes.
    """
    return page_html(decision_page(decision, extras or Extras(), on_progress, cancelled))


def comparison_report(comparison: Comparison, explained: Explained | None = None, command: str = "") -> str:
    """Two decisions as such a page: what changed, whose verdict flips, and whether that is more than chance.

    Args:
        comparison: of the two.
        explained: both with their data, to say why a sample is flagged.
        command: the line of shell that writes this report.
    """
    return page_html(comparison_page(comparison, explained or Explained(), command))
