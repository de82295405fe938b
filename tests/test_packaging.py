"""The wheel that people install, built and unpacked for real; the Makefile; what CI runs."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from kdeviz.data.samples import EXAMPLES

ROOT = Path(__file__).parent.parent
NO_BUILD = ("No module named pip", "No matching distribution found for hatchling")


def pip(*arguments):
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    done = pip("wheel", "--no-deps", "--wheel-dir", folder, ROOT)
    if os.environ.get("CI") != "true" and any(reason in done.stderr for reason in NO_BUILD):
        pytest.skip("nothing to build with: pip or hatchling cannot be had here")
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def names(wheel):
    return set(zipfile.ZipFile(wheel).namelist())


@pytest.fixture(scope="module")
def metadata(wheel, names):
    (name,) = [name for name in names if name.endswith(".dist-info/METADATA")]
    return zipfile.ZipFile(wheel).read(name).decode()


def test_the_wheel_holds_what_runs(names):
    expected = {
        "kdeviz/py.typed",
        "kdeviz/ui/widgets/chart.js",
        "kdeviz/ui/widgets/tiles.js",
        "kdeviz/ui/style.css",
        *(f"kdeviz/output/report/report.{suffix}" for suffix in ("html", "css", "js")),
        "kdeviz/_bundle/app.py",
        "kdeviz/_bundle/.streamlit/config.toml",
        *(f"kdeviz/_bundle/sample_data/{name}.parquet" for name in EXAMPLES),
    }
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / "kdeviz").rglob("*.py")}
    assert expected | sources <= names


def test_the_wheel_holds_nothing_else(names):
    (info,) = {name.partition("/")[0] for name in names if ".dist-info/" in name}
    assert {name.partition("/")[0] for name in names} == {"kdeviz", info}
    assert not [name for name in names if "test" in name or name.endswith(".pyc")]


def test_the_wheel_carries_its_licences(wheel, names, metadata):
    assert "License-Expression: Apache-2.0 AND CC-BY-4.0\n" in metadata
    licences = {name.partition("/licenses/")[2]: name for name in names if "/licenses/" in name}
    assert set(licences) == {"LICENSE", "sample_data/README.md"}
    attribution = zipfile.ZipFile(wheel).read(licences["sample_data/README.md"]).decode()
    assert "CC BY 4.0" in attribution and "Alpaydin" in attribution


def test_the_installed_wheel_works_from_an_empty_folder(wheel, tmp_path):
    target, empty = tmp_path / "target", tmp_path / "empty"
    empty.mkdir()
    done = pip("install", "--quiet", "--no-deps", "--no-index", "--target", target, wheel)
    assert done.returncode == 0, done.stderr
    script = (
        "import json, kdeviz\n"
        "from kdeviz.data import resource\n"
        "places = [kdeviz.__file__, *map(str, map(resource, ('app.py', '.streamlit/config.toml')))]\n"
        "print(json.dumps([len(kdeviz.load_sample()), *places]))"
    )
    environment = {**os.environ, "PYTHONPATH": str(target)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=empty, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    rows, *places = json.loads(done.stdout)
    assert rows == 1807
    assert all(Path(place).is_relative_to(target) and Path(place).is_file() for place in places)
    assert list(empty.iterdir()) == []


def stub(path, script):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.skipif(shutil.which("make") is None, reason="no make")
@pytest.mark.parametrize("whole", [True, False])
def test_make_finishes_a_half_made_venv(tmp_path, whole):
    # Debian without python3-venv leaves bin/python and no bin/pip.
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    python = stub(tmp_path / "python3", 'echo "$@" >>calls')
    stub(tmp_path / ".venv/bin/python", "true")
    if whole:
        stub(tmp_path / ".venv/bin/pip", "true")
    subprocess.run(["make", "-s", ".venv/.ready", f"PYTHON={python}"], cwd=tmp_path, check=True)
    assert ("-m venv .venv\n" in (tmp_path / "calls").read_text()) is not whole


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_ci_says_that_it_is_ci(tmp_path):
    stub(tmp_path / "chromium", "true")
    stub(tmp_path / "make", 'echo "$1 CI=$CI"')
    environment = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run([ROOT / ".ci/run"], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "lint CI=true\ntest CI=true\n"
