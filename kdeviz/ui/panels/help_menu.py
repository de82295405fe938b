"""Help: the newcomer's tour of Explore, and the keys."""

from __future__ import annotations

import streamlit as st

from kdeviz.ui.widgets.tour import Step, ask_for_tour

STEPS = (
    Step(
        "Your data",
        "At first, this is an example. Load your own file here, or another example. It stays on the computer "
        "that runs kdeviz.",
        ('[class*="st-key-load_data"]', '[data-testid="stSidebarUserContent"] h3'),
    ),
    Step(
        "The map",
        "Each point is a sample. The lines hold most of what is normal; diamonds with an edge are flagged as "
        "unusual. Click a point to look at it.",
        (".st-key-map",),
    ),
    Step(
        "Why this one?",
        "Sample shows the sample that you picked and says why it is unusual. The others show how all samples "
        "are spread, and how good the model is.",
        (".st-key-tabs",),
    ),
    Step(
        "One threshold",
        "Samples below it are flagged. Drag it: map, charts and table follow, and you see how many false "
        "alarms to expect.",
        (".st-key-threshold",),
    ),
    Step(
        "What comes next",
        "Tune compares settings, Compare puts two models side by side, Present tells others, and Export "
        "hands over model and scores. To see this tour again, press Help.",
        ('[data-testid="stTopNav"]', ".st-key-phone_pages"),
    ),
)
_KEYS = {
    "N": "next sample",
    "P": "previous sample",
    "B": "back to the sample before, after a click on a neighbour",
    "1, 2, 3": "confirmed, normal, unsure",
    "Z, Shift+Z": "take back a mark, and do it again",
}


def help_menu() -> None:
    """A popover that shows the tour again, and the keys."""
    with st.popover("Help", icon=":material/help:", type="tertiary", key="help"):
        if st.button("Show the tour", icon=":material/tour:", width="stretch", on_click=ask_for_tour):
            st.switch_page(st.session_state["explore_page"])
        st.markdown("\n".join(f"- **{key}** {words}" for key, words in _KEYS.items()))
        st.caption("These keys work on the page Explore.")
