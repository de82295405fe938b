"""`kdeviz compare`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kdeviz.cli.inputs import fixed, read
from kdeviz.cli.options import Device, EmbeddingColumn, Fixes, Metadata, RunsFolder
from kdeviz.cli.output import print_facts, print_lines, progress, say
from kdeviz.errors import OptionError
from kdeviz.wording import number

if TYPE_CHECKING:
    from kdeviz.comparison import Comparison, Scored
    from kdeviz.data import EmbeddingSet

_Side = Annotated[str, typer.Argument(help="A kept run (its id or folder) or a model file.")]


def compare(
    first: _Side,
    second: _Side,
    data: Annotated[
        str | None,
        typer.Argument(metavar="[DATA]", help="Embeddings for model files to score; runs bring scores."),
    ] = None,
    runs: RunsFolder = None,
    most: Annotated[
        int, typer.Option(min=0, metavar="N", help="Show at most this many flipped samples of either kind.")
    ] = 20,
    all_rows: Annotated[
        bool, typer.Option("--all-rows", help="Model files score the rows of split train as well.")
    ] = False,
    device: Device = "auto",
    embedding_column: EmbeddingColumn = None,
    metadata: Metadata = None,
    fix: Fixes = None,
) -> None:
    """Compare two kept runs or model files on the samples that both have scored.

    Shows the settings side by side, the rank correlation, the samples that only one of the two flags, and,
    with labels, whether the second is better than chance explains.
    """
    with progress():
        from kdeviz.comparison import compare as compared

        rows = None if data is None else fixed(read(data, embedding_column, metadata), fix or ())
        if rows is not None and not all_rows:
            rows = rows.train_and_test()[1] or rows
        found = compared(_scored(first, rows, runs, device), _scored(second, rows, runs, device))
    for note in found.notes:
        say("note", note)
    print_lines(_settings(found))
    typer.echo()
    print_facts(dict(_facts(found)))
    for side, flips in zip(("first", "second"), found.flips, strict=True):
        if most and len(flips):
            typer.echo()
            print_lines(_flips(found, side, most))


def _scored(side: str, rows: EmbeddingSet | None, runs: Path | None, device: str) -> Scored:
    from kdeviz.comparison import scored_model
    from kdeviz.model import KDEClassifier
    from kdeviz.output import RunStore, read_run

    path = Path(side)
    if path.is_dir():
        return read_run(path.resolve()).scored(device)
    if not path.is_file():
        return RunStore(runs).open(side).scored(device)
    if rows is None:
        raise OptionError(f"{side} is a model file, which brings no scores: name the DATA to score as well")
    scored = scored_model(KDEClassifier.load(path, device), rows, side)
    if scored.rule is not None:
        say("warning", f"{side} has no threshold: took the default, {scored.rule.kind} {scored.rule.value:g}")
    return scored


def _settings(found: Comparison) -> Iterator[tuple[str, str, str, str]]:
    from kdeviz.comparison import settings_table

    yield "", "first", "second", ""
    yield "name", found.first.name, found.second.name, ""
    for row in settings_table(found):
        yield row.name, row.first, row.second, "differs" if row.differs else ""


def _facts(found: Comparison) -> Iterator[tuple[str, str]]:
    only_first, only_second = map(len, found.flips)
    yield "common samples", str(len(found.ids))
    yield "rank correlation", "none" if found.spearman is None else f"{number(found.spearman, 4)} (Spearman)"
    yield "flagged", f"{only_first} only by the first, {only_second} only by the second"
    if found.verdicts is not None:
        yield "verdicts", found.verdicts.sentence
        yield "McNemar's p", f"{found.verdicts.p_value!r}"
    if found.separation is not None:
        yield "separation", found.separation.sentence
        yield "AUROC difference", f"{found.separation.difference!r}"


def _flips(found: Comparison, side: str, most: int) -> Iterator[tuple[str, ...]]:
    from kdeviz.comparison import flip_table

    yield (
        f"only the {side} flags",
        "label",
        "first rank",
        "second rank",
        "first log density",
        "second log density",
    )
    for flip in flip_table(found, side).head(most).to_dict("records"):
        yield (
            flip["id"],
            flip.get("label", ""),
            str(flip["first_rank"]),
            str(flip["second_rank"]),
            number(flip["first_log_density"]),
            number(flip["second_log_density"]),
        )
