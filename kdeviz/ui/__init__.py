"""The app: everything here may import streamlit, nothing outside does."""
