"""What the app was started with, after the `--` of `streamlit run app.py -- ...`."""

from __future__ import annotations

import argparse
import sys
from functools import lru_cache


class Options(argparse.Namespace):
    """See `kdeviz app --help`, which passes them on."""

    file: str | None
    device: str
    marks: str | None
    images: str | None
    runs: str | None
    uploads: str | None
    mlflow: str | None
    allow_host: list[str]
    user: list[str]
    user_header: str | None
    read_only: bool


def options() -> Options:
    """Of this process; only to be read."""
    return _parsed(*sys.argv[1:])


@lru_cache(maxsize=1)
def _parsed(*arguments: str) -> Options:
    """Kept, because every run of a page asks several times."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", nargs="?")
    parser.add_argument("--device", default="auto")
    for name in ("--marks", "--images", "--runs", "--uploads", "--mlflow", "--user-header"):
        parser.add_argument(name)
    for name in ("--allow-host", "--user"):
        parser.add_argument(name, action="append", default=[])
    parser.add_argument("--read-only", action="store_true")
    return parser.parse_known_args(arguments, Options())[0]
