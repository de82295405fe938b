"""The app: everything that imports streamlit. Its pages start in `main`, its server in `door`."""
