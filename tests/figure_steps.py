"""What tests of figures share."""

import json

import plotly.graph_objects as go

__all__ = ["spec", "strings", "subtitle", "title"]


def spec(figure):
    """What the browser gets: strict JSON, and just what plotly's own validation makes of it.

    Figures are drawn without validation: a property that plotly does not know, or a short form such as
    `title_font_size` that only validation spells out, would be ignored by the browser without a word.
    """
    assert isinstance(figure, go.Figure)
    decoded = json.loads(figure.to_json(), parse_constant=_refuse)
    assert set(decoded) == {"data", "layout"}
    validated = json.loads(go.Figure(decoded).to_json())
    assert validated["data"] == decoded["data"]
    assert validated["layout"] == {name: part for name, part in decoded["layout"].items() if part != []}
    return decoded


def _refuse(constant):
    raise AssertionError(f"{constant} is no JSON")


def strings(node):
    """Every text in a figure's JSON."""
    if isinstance(node, str):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from strings(child)


def title(figure):
    return figure.layout.title.text


def subtitle(figure):
    return figure.layout.title.subtitle.text
