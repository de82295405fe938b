"""The front door: `streamlit run app.py`, or `kdeviz app`. Streamlit serves the `app` that it finds here."""

from streamlit import App

from kdeviz.data import sleep_while_waiting

sleep_while_waiting()

from kdeviz.ui.door import SCRIPT, guards, opened  # noqa: E402 (torch may come with it)

app = App(SCRIPT, middleware=guards(), lifespan=opened)
