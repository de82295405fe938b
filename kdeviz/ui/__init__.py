"""The app: everything that imports streamlit."""

from kdeviz.ui.main import main

__all__ = ["main"]
