"""What a person does with the app and sees of it, without a browser; fixtures are in conftest.py."""

import io
import json
import time

import numpy as np
from streamlit.runtime.state.common import user_key_from_element_id

from kdeviz.ui.work.loaded import sample

PATIENCE = 30
"""Seconds until something in the background must be done."""


# --- data


def gaussian(n=120, d=10):
    return np.random.default_rng(0).standard_normal((n, d)).astype(np.float32)


def npy(rows):
    buffer = io.BytesIO()
    np.save(buffer, rows)
    return buffer.getvalue()


def sample_sets():
    """What the app fits on at first, and what it scores."""
    return sample().train, sample().score


# --- what is seen


def texts(app):
    return [text.value for text in app.text]


def captions(app):
    return [caption.value for caption in app.caption]


def markdowns(app):
    return [markdown.value for markdown in app.markdown]


def metrics(app):
    return {metric.label: metric.value for metric in app.metric}


def figures(app):
    """Plotly's own description of every chart."""
    return [json.loads(chart.proto.bytes) for chart in charts(app)]


def charts(app):
    """Every chart, as the app sends it to the browser."""
    found = app.get("bidi_component")
    return [element for element in found if element.proto.component_name == "kdeviz.chart"]


def titles(app):
    return [figure["layout"]["title"]["text"] for figure in figures(app)]


def page_session(app):
    return app.session_state["session"]


def table(app, key):
    """The one table whose key begins like this."""
    (found,) = [frame for frame in app.dataframe if (frame.key or "").startswith(key)]
    return found


def columns_of(frame):
    return json.loads(frame.proto.columns)


def button(app, label):
    """The one button with this label."""
    (found,) = [button for button in app.button if button.label == label]
    return found


def has(app, kind, key):
    """Whether there is such a widget."""
    return any(widget.key == key for widget in getattr(app, kind))


def popover(app, label):
    """The one popover with this label; its `proto.popover` says whether it is disabled."""
    (found,) = [block for block in app.get("popover") if block.proto.popover.label == label]
    return found


def keep_label(app):
    """What the popover says that keeps the screen as a run."""
    (found,) = {block.proto.popover.label for block in app.get("popover")} & {"Keep run", "Kept"}
    assert popover(app, found).proto.popover.disabled == (found == "Kept")
    return found


# --- what is done


def visit(app, page):
    """Go to a page by its path: "tune", "compare", "export", or "" for Explore."""
    from streamlit.util import calc_hash

    app._page_hash = calc_hash(page)
    return rerun(app)


def rerun(app):
    app.run()
    assert not app.exception, app.exception
    return app


def press(widget):
    """Press a button."""
    app = widget.click().run()
    assert not app.exception, app.exception
    return app


def put(widget, value):
    """Give a widget another value."""
    app = widget.set_value(value).run()
    assert not app.exception, app.exception
    return app


def upload(app, name, content, key="main_file"):
    app.file_uploader(key=key).upload(name, content).run()
    assert not app.exception, app.exception


def until(app, done):
    """Wait until that is true: what runs in the background tells nobody.

    The page is drawn again more and more seldom, because each time takes as long as the work waited for.
    """
    began, pause = time.monotonic(), 0.05
    drawn = began
    while not done(app):
        assert time.monotonic() < began + PATIENCE, "it did not end"
        time.sleep(0.02)
        if time.monotonic() > drawn + pause:
            rerun(app)
            drawn, pause = time.monotonic(), 2 * pause
    return app


def click(app, element, *, row=None, carried=None):
    """Click a row of a table, or a point of a chart that carries this; AppTest itself cannot."""
    from streamlit.proto.WidgetStates_pb2 import WidgetState

    if row is None:
        value = {"point": carried, "about": json.loads(element.proto.bytes)["about"]}
        clicked = json.dumps([{"event": "clicked", "value": value}])
        name = f"$$STREAMLIT_INTERNAL_KEY_{element.proto.id}__events"
        state = WidgetState(id=name, json_trigger_value=clicked)
    else:
        selection = {"rows": [row], "columns": [], "cells": []}
        state = WidgetState(id=element.proto.id, string_value=json.dumps({"selection": selection}))
    states = app._tree.get_widget_states()
    states.widgets.append(state)
    app._run(states)
    assert not app.exception, app.exception


def strip(app):
    """What the browser gets of the threshold's slider and its numbers."""
    (found,) = [one for one in app.get("bidi_component") if one.proto.component_name == "kdeviz.threshold"]
    return found, json.loads(found.proto.bytes)


def on_strip(app, event, value):
    """Do something with the strip: ("moved", {"to": step, "about": ..., "moves": ...}) or ("cell", name)."""
    from streamlit.proto.WidgetStates_pb2 import WidgetState

    element, _ = strip(app)
    done = json.dumps([{"event": event, "value": value}])
    name = f"$$STREAMLIT_INTERNAL_KEY_{element.proto.id}__events"
    states = app._tree.get_widget_states()
    states.widgets.append(WidgetState(id=name, json_trigger_value=done))
    app._run(states)
    assert not app.exception, app.exception


def slide(app, to):
    """Move the threshold's slider to a step."""
    on_strip(app, "moved", {"to": to, "about": strip(app)[1]["about"], "moves": to + 1})


def chart(app, key):
    """The chart with this key."""
    (found,) = [chart for chart in charts(app) if key_of(chart) == key]
    return found


def key_of(chart):
    """The key that the app gave a chart."""
    return user_key_from_element_id(chart.proto.id)


def same_figure(drawn, figure):
    """Whether a chart shows these traces under these titles; the page chooses its size."""
    wanted = json.loads(figure.to_json())
    assert drawn["layout"]["title"] == wanted["layout"]["title"]
    assert drawn["data"] == wanted["data"]
    return True
