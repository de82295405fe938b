"""Servers started in every way, asked by their owner, by strangers and by pages of others."""

import subprocess
import sys

import pytest
from reliability.server_steps import ROOT, attempts, serving, watched

KDEVIZ = ("-m", "kdeviz.cli", "app", "--no-browser", "--port", "PORT")
STREAMLIT = ("-m", "streamlit", "run", ROOT / "app.py", "--server.port", "PORT")
UPLOAD = "/_stcore/upload_file/session/file"
EVIL = {"Host": "evil.example", "Origin": "http://evil.example"}


def errors(messages):
    """What a page shows in place of an app that broke."""
    return [
        m.delta.new_element.exception.message for m in messages if m.delta.new_element.HasField("exception")
    ]


@pytest.mark.parametrize("command", [KDEVIZ, STREAMLIT], ids=["kdeviz app", "streamlit run"])
def test_at_home_nobody_is_asked_and_no_other_page_gets_in(tmp_path, command):
    with serving(tmp_path, *command) as server:
        assert f"kdeviz is at http://127.0.0.1:{server.port}\n" in server.said
        assert server.ask()[0] == 200
        own = {"Host": f"localhost:{server.port}", "Origin": f"http://localhost:{server.port}"}
        assert server.upgrade(**own) == 101
        for headers in (EVIL, {"Origin": "http://evil.example"}, {"Host": "evil.example"}):
            assert server.upgrade(**headers) == 403
            for path in ("/", "/media/x", "/component/x/y", "/_stcore/host-config"):
                assert server.ask(path, **headers)[0] == 403
            assert server.ask(UPLOAD, "PUT", b"x", **headers)[0] == 403
        messages = server.run_script()
        assert len(messages) > 50 and errors(messages) == []
    assert attempts(tmp_path) == []


def test_others_need_the_printed_address(tmp_path):
    with serving(tmp_path, *KDEVIZ, "--host", "0.0.0.0", "--user", "anna", "--user", "ben") as server:
        assert list(server.keys) == ["kdeviz for anna", "kdeviz for ben"]
        for path in ("/", "/media/x", "/component/x/y", "/_stcore/host-config", "/?token=wrong"):
            status, _, words = server.ask(path)
            assert (status, "the address that kdeviz printed" in words) == (403, True)
        assert server.upgrade() == server.ask(UPLOAD, "PUT", b"x")[0] == 403
        _, headers, _ = server.ask(f"/?token={server.keys['kdeviz for ben']}")
        cookie = headers["set-cookie"].partition(";")[0]
        assert headers["location"] == "/"
        assert server.ask(Cookie=cookie)[0] == 200
        assert server.ask(Host="evil.example", Cookie=cookie)[0] == 403
        assert server.upgrade(Cookie=cookie, Host=f"192.168.1.5:{server.port}") == 101
        assert errors(server.run_script(Cookie=cookie)) == []
        assert server.upgrade(Cookie=cookie, Origin="http://evil.example") == 403
    assert attempts(tmp_path) == []


def test_streamlit_run_on_every_address_asks_for_a_key_as_well(tmp_path):
    with serving(tmp_path, *STREAMLIT, "--server.address", "0.0.0.0", KDEVIZ_SECRET="s") as server:
        (key,) = server.keys.values()
        assert server.ask()[0] == 403
        assert server.ask(f"/?token={key}")[0] == 303
    assert attempts(tmp_path) == []


def test_a_proxy_by_another_name(tmp_path):
    options = ("--allow-host", "kde.example", "--user-header", "X-Forwarded-User", "--read-only")
    with serving(tmp_path, *KDEVIZ, *options) as server:
        assert "kdeviz is at https://kde.example\n" in server.said
        assert server.ask(Host="kde.example")[0] == 403
        named = {"Host": "kde.example", "X-Forwarded-User": "anna", "Origin": "https://kde.example"}
        assert server.ask(**named)[0] == 200 and server.upgrade(**named) == 101
        assert server.ask(UPLOAD, "PUT", b"x", **named)[0] == 403


def test_what_the_watcher_sees(tmp_path):
    script = """
import socket
tries = [
    lambda: socket.create_connection(("192.0.2.1", 80), 1),
    lambda: socket.getaddrinfo("evil.example", 80),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("192.0.2.2", 1)),
]
for each in tries:
    try:
        each()
    except OSError as error:
        assert str(error) == "only loopback"
"""
    subprocess.run([sys.executable, "-c", script], env=watched(tmp_path), check=True)
    asked = ["socket.getaddrinfo 192.0.2.1", "socket.getaddrinfo evil.example", "socket.connect 192.0.2.2"]
    assert attempts(tmp_path) == asked
