"""What the guide in docs/guide shows is true: every block runs, in its order, in an empty folder."""

import contextlib
import io
import re
import shlex
import tomllib
from typing import NamedTuple

import pytest

from kdeviz.data.resources import resource

ROOT = resource("README.md").parent
GUIDE = ROOT / "docs" / "guide"
PAGES = {path.stem: path.read_text() for path in sorted(GUIDE.glob("*.md"))}
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


class Block(NamedTuple):
    language: str
    text: str


def blocks(page):
    return [Block(*found) for found in re.findall(r"```(\w*)\n(.*?)```", page, flags=re.DOTALL)]


def commands(text):
    """The arguments of each `kdeviz` line."""
    for line in text.splitlines():
        program, *arguments = shlex.split(line, comments=True)
        assert program == "kdeviz", line
        yield arguments


def words(text):
    return [" ".join(line.split()) for line in text.replace("\u202f", " ").splitlines()]


def do(block, run, namespace):
    """Run a block, and give what it prints."""
    if block.language == "py":
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(block.text, namespace)
        return out.getvalue()
    printed = []
    for command, *arguments in commands(block.text):
        if command == "app":  # it would not end
            options = [argument for argument in arguments if argument.startswith("--")]
            assert all(option in run("app", "--help").out for option in options)
            continue
        done = run(command, *arguments)
        assert done.code == 0, done.err
        printed.append(done.out)
    return "".join(printed)


@pytest.mark.parametrize("name", PAGES)
def test_every_block_runs_and_prints_what_it_says(name, run, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    namespace, printed = {}, ""
    for block in blocks(PAGES[name]):
        assert block.language in ("py", "sh", "text"), block
        if block.language != "text":
            printed = do(block, run, namespace)
            continue
        got = words(printed)
        for line in words(block.text):
            assert any(found.startswith(line) for found in got), (line, printed)


@pytest.mark.parametrize("name", PAGES)
def test_links_pictures_and_extras_are_there(name):
    for link in re.findall(r"\]\(([^)]+)\)", PAGES[name]):
        path, _, _ = link.partition("#")
        assert (GUIDE / path).is_file(), link
    for extra in re.findall(r"kdeviz\[(\w+)\]", PAGES[name]):
        assert extra in EXTRAS


def test_the_first_page_leads_to_all_others_and_pages_are_short():
    linked = re.findall(r"\((\w+)\.md\)", PAGES["README"])
    assert sorted(linked) == sorted(set(PAGES) - {"README"})
    assert max(len(page.splitlines()) for page in PAGES.values()) <= 90


def test_the_rules_are_those_there_are():
    from kdeviz.decision import RULES

    table = PAGES["deciding"].partition("| rule |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", table)) == set(RULES)


def test_the_model_formats_are_those_there_are():
    from kdeviz.output.formats.registry import MODEL_FORMATS

    table = PAGES["shipping"].partition("| to |")[2].partition("\n\n")[0]
    named = {name for cell in table.splitlines() for name in re.findall(r"`([\w-]+)`", cell.split("|")[1])}
    assert named == set(MODEL_FORMATS) - {"native"}
