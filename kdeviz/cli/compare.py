"""`kdeviz compare`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from kdeviz.cli.corrections import correctable
from kdeviz.cli.inputs import fixed, read
from kdeviz.cli.options import Device, Fixes, Metadata, RunsFolder
from kdeviz.cli.output import print_facts, print_lines, progress, say
from kdeviz.cli.sides import scored_side
from kdeviz.data import Corrections
from kdeviz.wording import number

if TYPE_CHECKING:
    from kdeviz.comparison import Comparison

_Side = Annotated[
    str, typer.Argument(help="A kept run (its name, id or folder; a beginning will do) or a model file.")
]


@correctable
def compare(
    first: _Side,
    second: _Side,
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="[DATA]", help="Embeddings for model files to score; kept runs bring their scores."
        ),
    ] = None,
    runs: RunsFolder = None,
    most: Annotated[
        int,
        typer.Option(
            min=0, metavar="N", help="Show at most so many samples that only the one or only the other flags."
        ),
    ] = 20,
    all_rows: Annotated[
        bool, typer.Option("--all-rows", help="Model files score the rows of split train as well.")
    ] = False,
    device: Device = "auto",
    metadata: Metadata = None,
    fix: Fixes = None,
    *,
    said: Corrections,
) -> None:
    """Compare two kept runs or model files on the samples that both have scored.

    Shows the settings side by side, the rank correlation, the samples that only one of the two flags, and,
    with labels, whether the second is better than chance explains.
    """
    with progress():
        from kdeviz.comparison import compare as compared

        rows = None if data is None else fixed(read(data, said, metadata), fix or ())
        if rows is not None and not all_rows:
            rows = rows.train_and_test()[1] or rows
        comparison = compared(scored_side(first, rows, runs, device), scored_side(second, rows, runs, device))
    for note in comparison.notes:
        say("note", note)
    print_lines(_settings(comparison))
    typer.echo()
    print_facts(dict(_facts(comparison)))
    for side, samples in zip(("first", "second"), comparison.disagreements, strict=True):
        if most and len(samples):
            typer.echo()
            print_lines(_disagreements(comparison, side, most))


def _settings(comparison: Comparison) -> Iterator[tuple[str, str, str, str]]:
    from kdeviz.comparison import settings_table

    yield "", "first", "second", ""
    yield "name", comparison.first.name, comparison.second.name, ""
    for row in settings_table(comparison):
        yield row.name, row.first, row.second, "differs" if row.differs else ""


def _facts(comparison: Comparison) -> Iterator[tuple[str, str]]:
    from kdeviz.comparison import separation_words, verdict_words

    only_first, only_second = map(len, comparison.disagreements)
    yield "common samples", str(len(comparison.ids))
    rank = "none" if comparison.spearman is None else f"{number(comparison.spearman)} (Spearman)"
    yield "rank correlation", rank
    yield "flagged", f"{only_first} only by the first, {only_second} only by the second"
    if comparison.verdicts is not None:
        yield "verdicts", verdict_words(comparison.verdicts)
        yield "p-value of McNemar's test", f"{comparison.verdicts.p_value!r}"
    if comparison.separation is not None:
        yield "separation", separation_words(comparison.separation)
        yield "AUROC difference", f"{comparison.separation.difference!r}"


def _disagreements(comparison: Comparison, side: str, most: int) -> Iterator[tuple[str, ...]]:
    from kdeviz.comparison import disagreement_table

    columns = "label", "first rank", "second rank", "first log density", "second log density"
    yield f"only the {side} flags", *columns
    for sample in disagreement_table(comparison, side).head(most).to_dict("records"):
        yield (
            sample["id"],
            sample.get("label", ""),
            str(sample["first_rank"]),
            str(sample["second_rank"]),
            number(sample["first_log_density"]),
            number(sample["second_log_density"]),
        )
