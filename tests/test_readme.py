"""What the README shows is true."""

import re
import runpy
import subprocess
import sys

import pyarrow as pa
import pytest
from PIL import Image, ImageSequence

from kdeviz import Settings, load_sample
from kdeviz.data.resources import resource
from kdeviz.sweep.choice import best
from kdeviz.sweep.grid import Grid
from kdeviz.sweep.sweep import sweep
from kdeviz.wording import number

README = resource("README.md").read_text()
FILM = "docs/kdeviz.webp"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_python_example_prints_what_it_says_and_the_other_lines_run_after_it(tmp_path):
    (example,) = blocks("python")
    script = "\n".join([example, "print('---')", *blocks("py")])
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    of_the_example, _, of_the_others = ran.stdout.partition("---\n")
    assert f"It prints `{of_the_example.strip()}`" in README
    assert of_the_others.splitlines()[-1].startswith("20 components, norm")
    assert len(example.strip().splitlines()) <= 14


def test_the_lines_for_spark_score_batches_as_the_schema_says(run):
    run("fit", "sample", "-o", "model.safetensors")
    (lines,) = blocks("python3")

    class Frame:
        @staticmethod
        def mapInArrow(function, schema):  # noqa: N802 (Spark's name)
            batches = [pa.record_batch({"vector": load_sample().features[:50].tolist()})]
            return schema, pa.Table.from_batches(function(iter(batches)))

    namespace = {"frame": Frame}
    exec(lines, namespace)
    columns, table = namespace["scores"]
    kinds = {"string": pa.string(), "double": pa.float64(), "boolean": pa.bool_()}
    said = [column.split() for column in columns.split(", ")]
    assert [(field.name, field.type) for field in table.schema] == [
        (name, kinds[kind]) for name, kind in said
    ]
    assert len(table) == 50


def test_what_it_says_about_the_sample_set_is_so():
    grid = Grid(components=(2, 4, 6, 8, 12, 16, 20, 24, 28, 32), scalings=("scale", "norm"))
    found = sweep(*load_sample().train_and_test(), grid)
    choice = best(found)
    value, (low, high) = choice.best.auroc
    (defaults,) = (row for row in found.rows if row.settings == Settings())
    assert choice.best.settings == Settings(20, "norm") and choice.simplest.settings == Settings(8, "norm")
    said = " ".join(README.split())
    best_of_all = f"{number(value)} ({number(low)} to {number(high)})"
    assert f"an AUROC (area under the receiver operating characteristic) of {best_of_all}." in said
    assert f"reach {number(defaults.auroc.value)} and lie outside" in said and defaults.auroc.value < low
    assert f"reach {number(choice.simplest.auroc.value)} and are the simplest" in said


def test_the_shell_example_names_real_commands_and_options(run):
    lines = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("kdeviz ")]
    assert {line.split()[1] for line in lines} == {
        *("app", "fit", "score", "info", "export", "report"),
        *("sweep", "runs", "compare"),
    }
    for command in {line.split()[1] for line in lines}:
        shown = run(command, "--help")
        assert shown.code == 0
        used = re.findall(r"(--[a-z-]+)", " ".join(line for line in lines if line.split()[1] == command))
        assert all(option in shown.out for option in used)


def test_the_sizes_are_those_of_the_recorded_rates():
    sizing = pytest.importorskip(
        "benchmarks.sizing", reason="the benchmarks are not part of the source package"
    )
    results = sizing.RESULTS.read_text()
    assert sizing.lines(results) in README, (
        "run python -m benchmarks.sizing, and put its lines into the README"
    )
    core = sizing.cpu(results)
    # Back at what was measured: two cores, a million rows, 20 000 points.
    whole = float(sizing._row(results, "## Batch", "score_file: array.npy")[1])
    assert core.hours(1_000_000, 20_000) * 3600 == pytest.approx(2 * whole)
    assert core.per_row > 0 and sizing.gpu(results).per_row > 0


def test_pictures_are_there_and_small():
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", README)
    assert {"docs/explore-light.png", "docs/inspect-light.png", "docs/tune-light.png"} < set(pictures)
    for picture in set(pictures) - {FILM}:
        assert resource(picture).stat().st_size < 400_000


def test_the_animation_is_small_and_takes_20_seconds():
    assert f"]({FILM})" in README
    assert resource(FILM).stat().st_size < 3_000_000
    with Image.open(resource(FILM)) as film:
        seconds = sum(frame.info["duration"] for frame in map(loaded, ImageSequence.Iterator(film))) / 1000
    assert 19 < seconds < 21


def loaded(frame):
    frame.load()  # what it says of its duration is known then
    return frame


def test_make_screenshots_takes_every_picture_of_the_app():
    script = runpy.run_path(str(resource("docs/make_screenshots.py")))
    taken = {f"docs/{picture.name}" for picture in script["PICTURES"]} | {FILM}
    shown = set(re.findall(r"\((docs/[^)]+\.(?:png|webp))\)", README))
    assert shown == taken - {"docs/explore-dark.png"}
