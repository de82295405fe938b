"""The page as one file: its style and scripts inside, and a policy that lets nothing else run."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from kdeviz import __version__
from kdeviz.charts import DARK, LIGHT, plotly_script
from kdeviz.output.report.content import Page

_HERE = Path(__file__).parent


def page_html(page: Page) -> str:
    """The file. Every text is escaped, and only the scripts that kdeviz brings may run."""
    scripts = [plotly_script(), (_HERE / "report.js").read_text("utf-8")]
    return (
        _environment()
        .get_template("report.html")
        .render(
            page=page,
            policy=_policy(scripts),
            scripts=scripts,
            style=(_HERE / "report.css").read_text("utf-8"),
            light=LIGHT,
            dark=DARK,
            version=__version__,
        )
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
