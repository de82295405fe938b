"""The server that `app.py` starts: its gate, and the addresses that it prints."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from threading import Thread
from urllib.parse import quote

from starlette.middleware import Middleware
from streamlit import config
from streamlit.cli_util import open_browser
from streamlit.web.server.server_util import get_url

from kdeviz.ui.door.gate import KEY, Gate, Rules
from kdeviz.ui.door.hosts import EVERYWHERE, LOOPBACK, Hosts
from kdeviz.ui.door.keys import Keys
from kdeviz.ui.door.options import options

SCRIPT = Path(__file__).with_name("script.py")


def guards() -> list[Middleware]:
    """What Streamlit's app is to be wrapped in."""
    return [Middleware(Gate, rules=_rules())]


@asynccontextmanager
async def opened(_app: object) -> AsyncIterator[None]:
    """While the server runs; at its start, says where it is and loads what takes long."""
    Thread(target=_load_libraries, daemon=True).start()
    addresses = list(_addresses())
    for address in addresses:
        print(address, flush=True)
    if not config.get_option("server.headless"):
        open_browser(addresses[0].rpartition(" ")[2])
    yield


def _load_libraries() -> None:
    """While the browser starts. They import nothing of ours, so that no two threads wait for each other."""
    import pandas  # noqa: F401
    import torch  # noqa: F401


@cache
def _rules() -> Rules:
    """Of this process. Streamlit's own check of names in websockets is set to the same names."""
    said, bound = options(), _bound()
    hosts = Hosts.of(bound, [*said.allow_host, *config.get_option("server.allowedHosts")])
    config.set_option("server.allowedHosts", ["*"] if hosts.numbers else sorted(hosts.names))
    at_home = hosts.only_loopback or (bound in LOOPBACK and said.user_header is not None)
    keys = None if at_home and not said.user else Keys(said.user)
    return Rules(hosts, keys, said.user_header, said.read_only, f"kdeviz_{config.get_option('server.port')}")


def _bound() -> str:
    return str(config.get_option("server.address") or "")


def _addresses() -> Iterator[str]:
    """A line for each user, which ends in the address to open."""
    said, bound = options(), _bound()
    named = next((name for name in said.allow_host if not name.startswith("*")), None)
    host = named or (socket.gethostname() if bound in EVERYWHERE else bound)
    # By another name, a server that only this machine can reach stands behind a proxy.
    proxied = named is not None and bound in LOOPBACK
    address = f"https://{host}" if proxied else get_url(f"[{host}]" if ":" in host else host)
    keys = _rules().keys
    if keys is None:
        yield f"kdeviz is at {address}"
        return
    for user, key in keys.by_user().items():
        yield f"kdeviz{' for ' * bool(user)}{user} is at {address}/?{KEY}={quote(key)}"
