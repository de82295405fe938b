"""`kdeviz app`."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

import kdeviz.output
from kdeviz.cli.inputs import example_of, existing
from kdeviz.cli.options import Device, RunsFolder, TrackingServer
from kdeviz.cli.output import say
from kdeviz.data import resource
from kdeviz.errors import OptionError

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def open_app(
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE",
            help="Embeddings to open, or an example: sample (handwritten digits, opened without this), "
            "sample:sentences (coffee machine reviews), sample:breast_cancer, sample:mixture (clouds of "
            "points).",
        ),
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port; the first free one from 8501 on without it.")
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Address to listen on. On any other than this machine's own, only the printed address with "
            "its key lets a browser in.",
        ),
    ] = "127.0.0.1",
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Another name that browsers may ask for this server by; may be repeated."
        ),
    ] = None,
    user: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Print an address of their own for this user, who owns the runs they keep; may be repeated.",
        ),
    ] = None,
    user_header: Annotated[
        str | None,
        typer.Option(
            metavar="HEADER", help="Let in whom a proxy on this machine names in this header, without a key."
        ),
    ] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="To look at only: no marks, no runs, no files from others.")
    ] = False,
    device: Device = "auto",
    marks: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Where your marks on samples are kept; your folder for user data without it."
        ),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="A folder of pictures, to which a column of paths leads; nothing outside of it is read.",
        ),
    ] = None,
    runs: RunsFolder = None,
    uploads: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Where uploaded files are kept, for a week; your cache folder without it."
        ),
    ] = None,
    mlflow: TrackingServer = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open a browser page, where there is a screen.")
    ] = True,
) -> None:
    """Open the app in a browser; Ctrl-C stops it."""
    opened = [] if file is None else [file if example_of(file) else str(existing(file))]
    _check_address(host, port)
    _check_proxy(host, user_header)
    if device != "auto":
        from kdeviz.model import resolve_device

        resolve_device(device)
    if mlflow is not None:
        kdeviz.output.check_installed()
    if host not in _LOOPBACK:
        say("warning", f"listening on {host}: whoever has an address printed below can use the app")
    # Nothing in the present folder may shadow a package, hence -P.
    command = [sys.executable, "-P", "-m", "streamlit", "run", str(resource("app.py"))]
    command += [f"--server.address={host}", f"--server.headless={not (browser and _has_screen())}".lower()]
    command += ["--server.showEmailPrompt=false", *([f"--server.port={port}"] if port else [])]
    passed = {
        "device": device,
        "marks": marks and marks.absolute(),
        "images": None if images is None else existing(str(images)),
        "runs": runs and runs.absolute(),
        "uploads": uploads and uploads.absolute(),
        "mlflow": mlflow,
        "user-header": user_header,
    }
    options = [f"--{name}={value}" for name, value in passed.items() if value is not None]
    options += [f"--allow-host={name}" for name in allow_host or ()]
    options += [f"--user={name}" for name in user or ()]
    _replace_process([*command, "--", *opened, *options, *(["--read-only"] if read_only else [])])


def _check_address(host: str, port: int | None) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, port or 0), family=family):
            pass
    except OSError as error:
        place = host if port is None else f"{host} port {port}"
        raise OptionError(f"cannot listen on {place} ({error.strerror}): choose another") from None


def _check_proxy(host: str, user_header: str | None) -> None:
    if user_header is not None and host not in _LOOPBACK:
        raise OptionError(
            f"--user-header with --host {host} is not possible: whoever reaches the server without the proxy "
            "could claim any name. Leave out --host, and let the proxy run on this machine"
        )


def _has_screen() -> bool:
    return not sys.platform.startswith("linux") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))


def _replace_process(command: list[str]) -> None:
    """Become `command`, so that signals reach it and nothing is left behind when it ends."""
    if sys.platform == "win32":  # exec would detach it from the console there
        raise typer.Exit(subprocess.call(command))
    os.execv(command[0], command)
