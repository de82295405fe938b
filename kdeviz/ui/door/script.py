"""What Streamlit runs for every session, and again at every change."""

from kdeviz.ui.main import main

main()
