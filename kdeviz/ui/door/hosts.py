"""By which names a browser may ask for this server.

A web page whose own name was pointed at this machine (DNS rebinding) asks by that name, none of these.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
EVERYWHERE = frozenset({"0.0.0.0", "::", ""})
"""What a server is bound to that listens on all addresses of its machine."""


@dataclass(frozen=True)
class Hosts:
    """The names that are answered.

    Attributes:
        names: in lower case, without port; "*.example.com" stands for every name that ends like this.
        numbers: whether every numeric address is answered as well: no page has such a name.
    """

    names: frozenset[str]
    numbers: bool = False

    @classmethod
    def of(cls, bound: str, allowed: Iterable[str] = ()) -> Hosts:
        """Of a server that is bound to this address."""
        everywhere = bound in EVERYWHERE
        named = {name.strip().lower().rstrip(".") for name in allowed}
        return cls(LOOPBACK | named | (frozenset() if everywhere else {bound.lower()}), everywhere)

    @property
    def only_loopback(self) -> bool:
        """Whether nobody outside this machine can mean this server."""
        return self.names <= LOOPBACK and not self.numbers

    def allow(self, asked: str | None) -> bool:
        """Whether a request with this `Host` header is answered."""
        name = _name(asked or "")
        if not name:
            return False
        return (
            name in self.names
            or (self.numbers and _is_number(name))
            or any(name.endswith(pattern[1:]) for pattern in self.names if pattern.startswith("*."))
        )


def _name(host: str) -> str:
    """Of "name:port"; "" for anything else."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # raises if it is no number
    except ValueError:
        return ""
    return (parts.hostname or "").rstrip(".") if parts.netloc == host and "@" not in host else ""


def _is_number(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
