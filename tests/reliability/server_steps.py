"""Real servers, and what a browser or a hostile page says to them."""

import http.client
import os
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

ROOT = Path(__file__).parents[2]
PATIENCE = 90
"""Seconds: a server has to load torch, and other tests run beside it."""
WATCHER = """
import os, sys
HERE = ("127.", "::1", "localhost", "0.0.0.0")
def watch(event, given):
    if event == "socket.connect" or event == "socket.sendto":
        asked = given[1]
        host = asked[0] if isinstance(asked, tuple) else "127. (a path)"
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        host = given[0]
    else:
        return
    if host is not None and not str(host).startswith(HERE):
        with open(os.environ["KDEVIZ_ATTEMPTS"], "a") as attempts:
            attempts.write(f"{event} {host}\\n")
        raise OSError("only loopback")
sys.addaudithook(watch)
"""
"""A sitecustomize that lets a process talk to nobody but its own machine, and counts what it tried."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server under way.

    Attributes:
        port: where it listens.
        said: what it has printed by now.
    """

    def __init__(self, port, log, process):
        self.port, self._log, self.process = port, log, process

    @property
    def said(self):
        return self._log.read_text()

    @property
    def keys(self):
        """Of the printed addresses, by the start of their lines."""
        lines = [line.split(" is at ") for line in self.said.splitlines() if "?token=" in line]
        return {start: address.partition("?token=")[2] for start, address in lines}

    def ask(self, path="/", method="GET", body=None, **headers):
        """Status, headers and text of an answer."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)) as connection:
            connection.request(method, path, body, headers)
            with connection.getresponse() as answer:
                return answer.status, dict(answer.getheaders()), answer.read().decode("utf-8", "replace")

    def upgrade(self, **headers):
        """Status of the answer to a browser that opens the websocket."""
        wanted = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        }
        return self.ask("/_stcore/stream", **wanted, **headers)[0]

    def run_script(self, query="", page="", **headers):
        """What one session draws, as Streamlit's messages, in answer to an address."""
        message = BackMsg()
        message.rerun_script.query_string = query
        message.rerun_script.page_name = page
        address = f"ws://127.0.0.1:{self.port}/_stcore/stream"
        found = []
        with connect(address, additional_headers=headers, max_size=None, open_timeout=PATIENCE) as socket_:
            socket_.send(message.SerializeToString())
            until = time.monotonic() + PATIENCE
            while time.monotonic() < until:
                found.append(ForwardMsg.FromString(socket_.recv(timeout=PATIENCE)))
                if found[-1].WhichOneof("type") == "script_finished":
                    return found
        raise AssertionError("the script did not finish")


def watched(folder):
    """The environment of a process that is kept at home, see `attempts`."""
    (folder / "watched").mkdir()
    (folder / "watched" / "sitecustomize.py").write_text(WATCHER)
    places = os.pathsep.join([str(folder / "watched"), str(ROOT)])
    return {
        **os.environ,
        "HOME": str(folder),
        "KDEVIZ_ATTEMPTS": str(folder / "attempts"),
        "PYTHONPATH": places,
    }


@contextmanager
def serving(folder, *command, **environment):
    """A server started by this command, in an empty folder, until the block ends."""
    port, log = free_port(), folder / "log"
    folder.mkdir(exist_ok=True)
    parts = [str(part).replace("PORT", str(port)) for part in command]
    surroundings = {**watched(folder), **environment}
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, *parts], cwd=folder, env=surroundings, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        server = Server(port, log, process)
        _wait_for(server)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=30)


def attempts(folder):
    """What a server in this folder asked of other machines."""
    found = folder / "attempts"
    return found.read_text().splitlines() if found.exists() else []


def _wait_for(server):
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and server.process.poll() is None:
        try:
            if server.ask("/_stcore/health")[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"no answer; it said: {server.said[-500:]}")
