"""Apps in processes that have loaded torch already: a launch takes a moment, not seconds of the processor.

They run the same command as anybody's app; only how its process comes about is another.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from contextlib import suppress
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

from browser.steps import answering, free_port

# What imports nothing of the app's pages, which have to find Streamlit's server when they are imported.
LOADED = ["torch", "pandas", "pyarrow.parquet", "plotly.graph_objects", "streamlit.web.cli", "kdeviz.cli"]
LOADED += ["kdeviz.charts", "kdeviz.output", "kdeviz.sweep", "kdeviz.preflight", "kdeviz.comparison"]
_CONTEXT = multiprocessing.get_context("forkserver")
_PORTS: list[int] = []
"""Used again and again: for a page of the same address, the browser has its scripts compiled already."""


def start_warm_app(*arguments: str, beside: int = 0) -> tuple[BaseProcess, str]:
    """An app with these arguments, and its address.

    Args:
        arguments: of `kdeviz app`.
        beside: how many others run already.
    """
    while len(_PORTS) <= beside:
        _PORTS.append(free_port())
    _CONTEXT.set_forkserver_preload(LOADED)
    with patch.dict(os.environ, OMP_WAIT_POLICY="passive", OPENBLAS_NUM_THREADS="1"):
        forkserver.ensure_running()  # as the app's own process has it before torch is loaded
    server = _CONTEXT.Process(target=_serve, args=(arguments, _PORTS[beside], dict(os.environ)), daemon=True)
    # It would run our __main__ first, and Streamlit's tests of pages leave the script of the app there.
    with patch.dict(sys.modules, __main__=ModuleType("__main__")):
        server.start()
    return server, answering(_PORTS[beside], server.kill)


class Launcher:
    """Starts apps that keep their marks and uploaded files in these folders, and stops them all together."""

    def __init__(self, marks: Path, uploads: Path) -> None:
        self._folders = "--marks", str(marks), "--uploads", str(uploads)
        self._servers: list[BaseProcess] = []

    def __call__(self, *arguments: str) -> str:
        """The address of a new app with these arguments."""
        server, url = start_warm_app(*self._folders, *arguments, beside=len(self._servers))
        self._servers.append(server)
        return url

    def kill_first(self) -> None:
        """Let the one that was started first die, without a chance to end well."""
        self._servers[0].kill()
        self._servers[0].join()

    def stop(self) -> None:
        """Stop them; whoever looks at one leaves before, as a page without its server prints errors."""
        while self._servers:
            server = self._servers.pop()
            server.terminate()
            server.join(20)


def _serve(arguments: tuple[str, ...], port: int, environment: dict[str, str]) -> None:
    os.environ.update(environment)  # of the test, not of when the first app was started
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    import kdeviz.analysis
    from kdeviz.cli import app, main

    # Nobody asks such an app how long something takes, and one second of each would go into measuring that.
    kdeviz.analysis.measure_speeds = lambda *_, **__: None
    app._replace_process = _become
    sys.argv = ["kdeviz", "app", *arguments, "--no-browser", "--port", str(port)]
    with suppress(SystemExit):
        main()


def _become(command: list[str]) -> None:
    from streamlit.web import cli

    sys.argv = command[command.index("streamlit") :]
    cli.main()
