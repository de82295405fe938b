"""`kdeviz runs`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

import kdeviz.output
from kdeviz.cli.options import RunsFolder
from kdeviz.cli.output import print_facts, print_lines, say
from kdeviz.wording import duration, number, size

runs = typer.Typer(help="Kept runs: list them, show one, delete some.", no_args_is_help=True)

_RunId = Annotated[
    str, typer.Argument(metavar="RUN", help="The name or id that kdeviz runs list shows, or its beginning.")
]


@runs.command("list")
def list_runs(folder: RunsFolder = None) -> None:
    """List the kept runs, the newest first."""
    store = kdeviz.output.RunStore(folder)
    kept = store.runs()
    if not kept:
        say("note", f"there are no runs in {store.folder}")
        return
    lines = [("id", "name", "kept", "flagged", "AUROC")]
    for run in kept:
        if isinstance(run, kdeviz.output.DamagedRun):
            say("warning", run.reason)
            lines.append((run.id, "damaged", "", "", ""))
        else:
            metrics = run.record.metrics
            flagged = f"{metrics.get('flagged')} of {metrics.get('inspected')}"
            auroc = metrics.get("auroc")
            separation = "" if auroc is None else number(auroc)
            lines.append((run.id, run.name, run.kept_words, flagged, separation))
    print_lines(lines)


@runs.command("show")
def show_run(run_id: _RunId, folder: RunsFolder = None) -> None:
    """Say what is in a kept run, after checking every byte of it."""
    store = kdeviz.output.RunStore(folder)
    run = store.open(store.match(run_id))
    for warning in run.record.warnings:
        say("warning", warning)
    print_facts(dict(_facts(run)))


@runs.command("rm")
def delete_runs(
    run_ids: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...", help="Names or ids that kdeviz runs list shows, or the beginnings of them."
        ),
    ],
    folder: RunsFolder = None,
) -> None:
    """Delete kept runs, damaged ones as well."""
    store = kdeviz.output.RunStore(folder)
    # All are found before one is deleted: then each beginning still means what it meant.
    for run_id in dict.fromkeys(map(store.match, run_ids)):
        store.delete(run_id)
        say("note", f"deleted {run_id}")


def _facts(run: kdeviz.output.Run) -> Iterator[tuple[str, str]]:
    record = run.record
    metrics, provenance = record.metrics, record.provenance
    yield "run", run.id
    yield "name", run.name
    yield "kept", run.kept_words
    yield "folder", f"{run.folder} ({size(run.bytes)})"
    yield from ((name.replace("_", " "), str(value)) for name, value in record.settings.to_dict().items())
    yield "threshold rule", f"{record.rule.kind} {record.rule.value!r}"
    yield "threshold", f"{record.threshold!r} nats"
    yield "curve", f"midpoint {record.curve.midpoint!r} nats, steepness {record.curve.steepness!r} per nat"
    for name, value in metrics.items():
        yield name.replace("_", " "), "none" if value is None else repr(value)
    yield "fixes", ", ".join(record.fixes) or "none"
    trained, inspected = provenance.get("train_name"), provenance.get("score_name")
    yield "training data", f"{trained}, digest {provenance.get('train_digest')}"
    yield "inspected data", f"{inspected or trained}, digest {record.inspected_digest}"
    yield "time", f"{duration(sum(record.timings.values()))} on {provenance.get('device')}"
    yield "written by", f"kdeviz {provenance.get('kdeviz_version')}, torch {provenance.get('torch_version')}"
