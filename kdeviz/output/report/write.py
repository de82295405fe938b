"""Reports: one HTML file for one decision, or for two, in which nothing runs but what kdeviz brings."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from kdeviz import __version__
from kdeviz.analysis import OnProgress
from kdeviz.charts import DARK, LIGHT, plotly_script
from kdeviz.comparison import Comparison
from kdeviz.decision import Decision
from kdeviz.output.report.comparison_page import Explained, comparison_page
from kdeviz.output.report.content import Page
from kdeviz.output.report.decision_page import Extras, decision_page

_HERE = Path(__file__).parent


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

    Raises:
        Cancelled: `cancelled`, which is asked after every sample, said yes.
    """
    return _html(decision_page(decision, extras or Extras(), on_progress, cancelled))


def comparison_report(comparison: Comparison, explained: Explained | None = None, command: str = "") -> str:
    """Two decisions as such a page: what changed, whose verdict flips, and whether that is more than chance.

    `explained` are both with their data, to say why a sample is flagged; `command` is the line of shell that
    writes this report.
    """
    return _html(comparison_page(comparison, explained or Explained(), command))


def _html(page: Page) -> str:
    """The file. Every text is escaped, and only the scripts that kdeviz brings may run."""
    scripts = [plotly_script(), (_HERE / "report.js").read_text("utf-8")]
    template = _environment().get_template("report.html")
    return template.render(
        page=page,
        policy=_policy(scripts),
        scripts=scripts,
        style=(_HERE / "report.css").read_text("utf-8"),
        light=LIGHT,
        dark=DARK,
        version=__version__,
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_unbroken,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["kind"] = lambda block: type(block).__name__
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    return environment


def _unbroken(value: object) -> object:
    """Text in which no number is parted from its per cent sign; code, which is escaped before, stays."""
    return value.replace(" %", "\N{NO-BREAK SPACE}%") if type(value) is str else value


def _policy(scripts: list[str]) -> str:
    """A content-security policy: these very scripts, pictures inside the file, and nothing from elsewhere.

    Plotly sets styles of single elements, so those are allowed.
    """
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    allowed = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
