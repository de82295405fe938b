"""The front door: `streamlit run app.py`, or `kdeviz app`."""

from kdeviz.threads import sleep_while_waiting

sleep_while_waiting()

from kdeviz.ui import main  # noqa: E402 (torch comes with it)

main()
