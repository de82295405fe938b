"""The gate: every request passes it before Streamlit, or anything of ours, sees it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from kdeviz.ui.door.hosts import Hosts
from kdeviz.ui.door.keys import Keys

KEY = "token"
"""What the key is called in the address."""
VISITOR = "x-kdeviz-visitor"
"""The header in which the app is told who asks; nobody else's is passed on."""
_HEALTH = "/_stcore/health"
_READING = ("GET", "HEAD", "OPTIONS")
_A_YEAR = 365 * 24 * 3600


@dataclass(frozen=True)
class Rules:
    """Who is let in.

    Attributes:
        hosts: by which names the server may be asked for.
        keys: who has a key; None lets everybody in who asks by one of these names.
        user_header: in which a proxy says who asks; without that header nobody is let in.
        read_only: whether nobody may send files.
        cookie: in which a browser keeps its key.
    """

    hosts: Hosts
    keys: Keys | None = None
    user_header: str | None = None
    read_only: bool = False
    cookie: str = "kdeviz"


class Gate:
    """ASGI middleware before the app: answers for itself what the rules do not let in."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app, self._rules = app, rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or open one connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        answer = self._answer(request)
        if answer is None:
            headers = MutableHeaders(raw=[pair for pair in scope["headers"] if pair[0] != VISITOR.encode()])
            headers[VISITOR] = quote(self._visitor(request) or "")
            await self._app({**scope, "headers": headers.raw}, receive, send)
        elif scope["type"] == "websocket":
            await WebSocketClose(1008)(scope, receive, send)
        else:
            await answer(scope, receive, send)

    def _answer(self, request: HTTPConnection) -> Response | None:
        """What is said to those who are not let in."""
        rules, method = self._rules, request.scope.get("method", "GET")
        if not rules.hosts.allow(request.headers.get("host")):
            return _refusal("This is no name of this server. Start kdeviz with --allow-host NAME to add one.")
        if not _own_page(request):
            return _refusal("A page of another server asked for this.")
        if request.url.path.endswith(_HEALTH) and method in _READING:
            return None
        brought = request.query_params.get(KEY)
        if rules.keys is not None and brought is not None and rules.keys.user_of(brought) is not None:
            return self._keep_key(request, brought)
        if self._visitor(request) is None:
            return _refusal("Open the address that kdeviz printed when it started: it ends in your own key.")
        if rules.read_only and method not in _READING:
            return _refusal("This server is for looking only: it takes no files.")
        return None

    def _visitor(self, request: HTTPConnection) -> str | None:
        """The name of who asks, "" for nobody in particular, None for somebody without a key."""
        rules = self._rules
        user = "" if rules.keys is None else rules.keys.user_of(request.cookies.get(rules.cookie, ""))
        if user is None or rules.user_header is None:
            return user
        return request.headers.get(rules.user_header) or None

    def _keep_key(self, request: HTTPConnection, key: str) -> Response:
        """The browser keeps it, and its address is rid of it: an address is shown to others."""
        url = request.url.remove_query_params(KEY)
        # One slash: "//name" would be another server.
        address = f"/{url.path.lstrip('/')}{'?' if url.query else ''}{url.query}"
        answer = RedirectResponse(address, 303)
        secure = request.url.scheme == "https" or request.headers.get("x-forwarded-proto") == "https"
        answer.set_cookie(self._rules.cookie, key, _A_YEAR, secure=secure, httponly=True, samesite="lax")
        return answer


def _own_page(request: HTTPConnection) -> bool:
    """Whether the page that asks comes from here; programs do not say where they come from.

    Streamlit would ask an outside address for the machine's own one before it refuses a foreign page.
    """
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def _refusal(words: str) -> Response:
    return PlainTextResponse(words, 403, {"Cache-Control": "no-store"})


def visitor() -> str:
    """The name whose key, or login at the proxy, let this session in; "" where nobody is asked for one."""
    return unquote(st.context.headers.get(VISITOR) or "")
