"""What the README shows is true."""

import re
import subprocess
import sys

from kdeviz.resources import resource

README = resource("README.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_python_example_runs_and_prints_what_it_says(tmp_path):
    (example,) = blocks("python")
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", example],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"It prints `{ran.stdout.strip()}`" in README
    assert len(example.strip().splitlines()) <= 14


def test_the_shell_example_names_real_commands_and_options():
    lines = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("kdeviz ")]
    assert {line.split()[1] for line in lines} == {"app", "fit", "score", "info"}
    for command in {line.split()[1] for line in lines}:
        ran = subprocess.run(
            [sys.executable, "-m", "kdeviz.cli", command, "--help"],
            capture_output=True,
            text=True,
            check=True,
        )
        used = re.findall(r"(--[a-z-]+)", " ".join(line for line in lines if line.split()[1] == command))
        assert all(option in ran.stdout for option in used)


def test_pictures_are_there_and_small():
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", README)
    assert pictures
    for picture in pictures:
        assert resource(picture).stat().st_size < 400_000
