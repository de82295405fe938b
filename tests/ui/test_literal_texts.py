"""What others wrote, in places where Markdown is read."""

import re

import pytest

from kdeviz.ui.widgets.text import literal

NASTY = [
    "![x](http://a.b/c.png)",
    "[x](http://a.b)",
    "<b>x</b>",
    "**x** _y_ `z` $q$",
    ":red[x] :material/home: :smile:",
]
_SIGN = r"[!-/:-@\[-`{-~]"


@pytest.mark.parametrize("text", NASTY)
def test_every_sign_that_markdown_knows_is_escaped(text):
    shown = literal(text)
    assert not re.search(_SIGN, re.sub(rf"\\{_SIGN}", "", shown))
    assert ":\u2060" in shown if ":" in text else True
    assert shown.replace("\\", "").replace("\u2060", "") == text


def test_long_texts_are_cut_and_lines_joined():
    assert literal("a\nb") == "a b"
    assert len(literal("a" * 100)) == 60
