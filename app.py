"""The front door: `streamlit run app.py`, or `kdeviz app`."""

from kdeviz.ui.main import main

main()
