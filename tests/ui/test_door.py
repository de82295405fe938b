"""Who is let in, without a server."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from kdeviz.ui.door import server
from kdeviz.ui.door.gate import Gate, Rules
from kdeviz.ui.door.hosts import Hosts
from kdeviz.ui.door.keys import Keys

AT_HOME = Hosts.of("127.0.0.1")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8501", "localhost:1", "LocalHost", "[::1]:8501"])
def test_the_names_of_this_machine_are_answered(host):
    assert AT_HOME.allow(host)


@pytest.mark.parametrize(
    "host",
    [
        None, "", "evil.example", "evil.example:8501", "127.0.0.1.evil.example", "127.0.0.1@evil.example",
        "evil.example@127.0.0.1", "127.0.0.1/x", "127.0.0.1:x", "127.0.0.1:99999", "[::1", "::1", "0.0.0.0",
        "192.168.1.5", "a b", "127.0.0.1 evil", "127.0.0.1#x", "localhost\\x",
    ],
)  # fmt: skip
def test_no_other_name_is(host):
    assert not AT_HOME.allow(host)


def test_names_are_added():
    hosts = Hosts.of("127.0.0.1", ["KDE.example.", "*.lab.example"])
    answered = ["kde.example", "kde.example:443", "a.lab.example", "a.b.lab.example", "127.0.0.1"]
    assert all(map(hosts.allow, answered))
    assert not any(map(hosts.allow, ["lab.example", "xlab.example", "x.kde.example", "10.0.0.1"]))


@pytest.mark.parametrize("bound", ["0.0.0.0", "::", ""])
def test_a_server_on_every_address_is_asked_for_by_numbers_or_given_names(bound):
    hosts = Hosts.of(bound, ["kde.example"])
    assert all(map(hosts.allow, ["192.168.1.5:8501", "[fe80::1]:8501", "kde.example", "localhost"]))
    assert not hosts.allow("evil.example")


def test_a_server_on_one_address_is_asked_for_by_it():
    assert Hosts.of("192.168.1.5").allow("192.168.1.5:8501")
    assert not Hosts.of("192.168.1.5").allow("192.168.1.6:8501")


def test_who_outside_can_mean_a_server():
    assert AT_HOME.only_loopback and Hosts.of("localhost").only_loopback
    assert not any(hosts.only_loopback for hosts in map(Hosts.of, ["0.0.0.0", "10.0.0.1", "kde.example"]))
    assert not Hosts.of("127.0.0.1", ["kde.example"]).only_loopback


def test_every_user_has_a_key_of_their_own():
    keys = Keys(["anna", "ben"], "secret")
    by_user = keys.by_user()
    assert list(by_user) == ["anna", "ben"] and len(set(by_user.values())) == 2
    assert [keys.user_of(key) for key in by_user.values()] == ["anna", "ben"]
    assert [keys.user_of(key) for key in ("", "x", by_user["anna"][:-1], by_user["anna"] + "A", "ü")] == [
        None
    ] * 5
    assert Keys(["anna"], "secret").by_user()["anna"] == by_user["anna"]
    assert Keys(["anna"], "other").by_user()["anna"] != by_user["anna"]


def test_keys_are_new_at_every_start_unless_the_environment_says_from_what(monkeypatch):
    monkeypatch.delenv("KDEVIZ_SECRET", raising=False)
    first, second = Keys().by_user(), Keys().by_user()
    assert first != second and list(first) == [""]
    assert len(first[""]) >= 40
    monkeypatch.setenv("KDEVIZ_SECRET", "secret")
    assert Keys().by_user() == Keys(secret="secret").by_user()


# --- what a server is started with


@pytest.fixture
def rules_of(monkeypatch):
    """The rules of a server with these arguments, and the names that Streamlit's own guard then allows."""

    def found(*arguments, bound="127.0.0.1", allowed=("127.0.0.1", "localhost", "::1")):
        told = {"server.address": bound, "server.allowedHosts": list(allowed), "server.port": 8501}
        monkeypatch.setattr(server.config, "get_option", told.get)
        monkeypatch.setattr(server.config, "set_option", told.__setitem__)
        monkeypatch.setattr("sys.argv", ["app.py", *arguments])
        return server._rules.__wrapped__(), set(told["server.allowedHosts"])

    return found


@pytest.mark.parametrize("bound", ["127.0.0.1", "localhost", "::1"])
def test_on_the_loopback_address_nobody_is_asked_for_anything(rules_of, bound):
    rules, allowed = rules_of(bound=bound)
    assert (rules.keys, rules.user_header, rules.read_only) == (None, None, False)
    assert allowed == {"127.0.0.1", "localhost", "::1"} == rules.hosts.names


@pytest.mark.parametrize(
    ("arguments", "bound"),
    [
        ([], "0.0.0.0"),
        ([], "::"),
        ([], None),
        ([], "192.168.1.5"),
        (["--allow-host", "kde.example"], "127.0.0.1"),
        (["--user", "anna"], "127.0.0.1"),
        (["--user-header", "X-User"], "0.0.0.0"),
    ],
)
def test_anywhere_else_a_key_is_asked_for(rules_of, arguments, bound):
    assert rules_of(*arguments, bound=bound)[0].keys is not None


def test_a_name_that_streamlit_is_told_of_asks_for_a_key_as_well(rules_of):
    rules, allowed = rules_of(allowed=["kde.example"])
    assert rules.keys is not None and rules.hosts.allow("kde.example") and "kde.example" in allowed


def test_a_proxy_with_a_login_needs_no_keys(rules_of):
    rules, allowed = rules_of("--allow-host", "kde.example", "--user-header", "X-User")
    assert (rules.keys, rules.user_header) == (None, "X-User")
    assert allowed == {"127.0.0.1", "localhost", "::1", "kde.example"}


@pytest.mark.parametrize(
    ("arguments", "bound", "start"),
    [
        ([], "127.0.0.1", "kdeviz is at http://127.0.0.1:8501"),
        ([], "::1", "kdeviz is at http://[::1]:8501"),
        ([], "0.0.0.0", "kdeviz is at http://box:8501/?token="),
        (["--user", "anna"], "127.0.0.1", "kdeviz for anna is at http://127.0.0.1:8501/?token="),
        (["--allow-host", "kde.example"], "127.0.0.1", "kdeviz is at https://kde.example/?token="),
        (["--allow-host", "kde.example"], "0.0.0.0", "kdeviz is at http://kde.example:8501/?token="),
        (["--allow-host", "*.lab.example"], "0.0.0.0", "kdeviz is at http://box:8501/?token="),
    ],
)
def test_the_server_says_where_it_is(rules_of, monkeypatch, arguments, bound, start):
    monkeypatch.setattr(server, "get_url", lambda host: f"http://{host}:8501")
    monkeypatch.setattr(server.socket, "gethostname", lambda: "box")
    rules, _ = rules_of(*arguments, bound=bound)
    monkeypatch.setattr(server, "_rules", lambda: rules)
    (line,) = server._addresses()
    if rules.keys is not None:
        line, _, key = line.rpartition("=")
        line += "="
        assert rules.keys.user_of(key) is not None
    assert line == start


# --- the gate


def ask(rules, path="/", kind="http", method="GET", **headers):
    """What the gate answers: status, headers, text, and the headers that the app behind it was asked with."""
    seen, sent = [], []

    async def app(scope, receive, send):
        seen.append(scope)

    async def receive():
        return {"type": f"{kind}.{'connect' if kind == 'websocket' else 'request'}"}

    async def send(message):
        sent.append(message)

    headers = {"host": "127.0.0.1:8501", **{name.replace("_", "-"): value for name, value in headers.items()}}
    path, _, query = path.partition("?")
    scope = {
        "type": kind, "path": path, "query_string": query.encode(), "method": method, "scheme": "http",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
        "server": ("127.0.0.1", 8501),
    }  # fmt: skip
    with ThreadPoolExecutor(1) as pool:  # the tests' own thread may have a loop, of a browser
        pool.submit(asyncio.run, Gate(app, rules)(scope, receive, send)).result()
    if seen:
        return 200, {}, dict(seen[0]["headers"])
    start = sent[0]
    if kind == "websocket":
        assert start == {"type": "websocket.close", "code": 1008, "reason": ""}
        return 403, {}, b""
    return start["status"], dict(start["headers"]), sent[1]["body"]


PLACES = [
    ("/", "http", "GET"),
    ("/tune", "http", "GET"),
    ("/_stcore/stream", "websocket", "GET"),
    ("/_stcore/upload_file/a/b", "http", "PUT"),
    ("/_stcore/upload_file/a/b", "http", "DELETE"),
    ("/_stcore/host-config", "http", "GET"),
    ("/media/x.png", "http", "GET"),
    ("/component/x/y.js", "http", "GET"),
    ("/static/js/index.js", "http", "GET"),
]


@pytest.mark.parametrize(("path", "kind", "method"), PLACES)
def test_every_place_is_behind_the_gate(path, kind, method):
    here, key = Rules(AT_HOME), Rules(AT_HOME, Keys(secret="s"))
    assert ask(here, path, kind, method)[0] == 200
    assert ask(here, path, kind, method, host="evil.example", origin="http://evil.example")[0] == 403
    assert ask(here, path, kind, method, origin="http://evil.example")[0] == 403
    assert ask(here, path, kind, method, origin="http://127.0.0.1:9999")[0] == 403
    assert ask(here, path, kind, method, origin="null")[0] == 403
    assert ask(here, path, kind, method, origin="http://127.0.0.1:8501")[0] == 200
    assert ask(key, path, kind, method)[0] == 403
    assert ask(key, path, kind, method, cookie="kdeviz=wrong")[0] == 403
    assert ask(key, path, kind, method, cookie=f"kdeviz={Keys(secret='s').by_user()['']}")[0] == 200


def test_health_is_told_to_everybody_who_knows_the_name():
    rules = Rules(AT_HOME, Keys())
    assert ask(rules, "/_stcore/health")[0] == 200
    assert ask(rules, "/_stcore/health", method="HEAD")[0] == 200
    assert ask(rules, "/_stcore/health", host="evil.example")[0] == 403


def test_the_address_with_a_key_becomes_one_without():
    keys = Keys(["anna"], "s")
    key = keys.by_user()["anna"]
    status, headers, _ = ask(Rules(AT_HOME, keys), f"/tune?seed=3&token={key}&tune=Sweep")
    assert (status, headers[b"location"]) == (303, b"/tune?seed=3&tune=Sweep")
    cookie = headers[b"set-cookie"].decode().lower()
    assert f"kdeviz={key}".lower() in cookie and "httponly" in cookie and "samesite=lax" in cookie
    assert "secure" not in cookie
    _, headers, _ = ask(Rules(AT_HOME, keys), f"//evil.example/?token={key}", x_forwarded_proto="https")
    assert headers[b"location"] == b"/evil.example/"
    assert "secure" in headers[b"set-cookie"].decode().lower()


def test_a_wrong_key_in_the_address_is_refused_and_a_needless_one_ignored():
    keys = Keys(secret="s")
    assert ask(Rules(AT_HOME, keys), "/?token=wrong")[0] == 403
    assert ask(Rules(AT_HOME, keys), "/?token=wrong", cookie=f"kdeviz={keys.by_user()['']}")[0] == 200
    assert ask(Rules(AT_HOME), "/?token=wrong")[0] == 200


def test_the_app_is_told_who_asks_and_nobody_can_say_it_in_another_name():
    keys = Keys(["anna", "Zoë 漢"], "s")
    for user, told in (("anna", b"anna"), ("Zoë 漢", b"Zo%C3%AB%20%E6%BC%A2")):
        cookie = f"kdeviz={keys.by_user()[user]}"
        _, _, headers = ask(Rules(AT_HOME, keys), cookie=cookie, x_kdeviz_visitor="ben")
        assert headers[b"x-kdeviz-visitor"] == told
    _, _, headers = ask(Rules(AT_HOME), x_kdeviz_visitor="ben")
    assert headers[b"x-kdeviz-visitor"] == b""


def test_a_proxy_says_who_asks():
    rules = Rules(AT_HOME, user_header="X-Forwarded-User")
    assert ask(rules)[0] == 403
    assert ask(rules, x_forwarded_user="")[0] == 403
    _, _, headers = ask(rules, x_forwarded_user="anna")
    assert headers[b"x-kdeviz-visitor"] == b"anna"


def test_nobody_sends_files_where_all_is_read_only():
    rules = Rules(AT_HOME, read_only=True)
    answers = [
        ask(rules, "/_stcore/upload_file/a/b", method=method)[0] for method in ("PUT", "POST", "DELETE")
    ]
    assert answers == [403] * 3
    assert ask(rules)[0] == ask(rules, "/_stcore/stream", "websocket")[0] == 200
