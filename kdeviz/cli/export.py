"""`kdeviz export`, and what other commands write in formats that are not kdeviz's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import kdeviz.output
from kdeviz.cli.options import Force, Model
from kdeviz.cli.output import check_output, print_facts, progress, say
from kdeviz.errors import OptionError
from kdeviz.wording import number

if TYPE_CHECKING:
    from kdeviz.decision import Decision
    from kdeviz.output import ModelFormat

_To = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="FORMAT",
        help=f"{', '.join(kdeviz.output.MODEL_FORMATS)}; told by the suffix of the file without it.",
    ),
]
_Output = Annotated[
    Path, typer.Option("-o", "--output", metavar="PATH", help="The file, or for mlflow the folder, to write.")
]


def export(model: Model, output: _Output, to: _To = None, force: Force = False) -> None:
    """Write a model for another program, with a model card and a verification record beside it.

    The file is loaded back by the program that it is for, and its scores are compared with those of the
    model. Where they differ nothing is written.
    """
    kind = kdeviz.output.format_of_suffix(output.suffix) if to is None else kdeviz.output.model_format(to)
    check_destination(output, kind, force, str(model))
    decision = kdeviz.output.read_decision(model)
    if not decision.analysis.calibrated:
        say("note", "the model holds no held-out scores, so there are no p-values: fit it again to have them")
    if decision.without_threshold:
        say("warning", f"the model {decision.without_threshold}")
    print_facts(write_model(decision, kind, output))


def check_destination(output: Path, kind: ModelFormat, force: bool, *inputs: str | None) -> None:
    """Refuse what cannot or should not be written, or needs what is not there, before any work is done."""
    kind.check_installed()
    kdeviz.output.check_name(output, kind)
    for path in kdeviz.output.beside(output, kind):
        check_output(path, force, *inputs)


def write_model(decision: Decision, kind: ModelFormat, output: Path) -> dict[str, str]:
    """Write, load back, compare; what a person should know of it is returned, line by line."""
    try:
        with progress() as tell:
            done = kdeviz.output.export(decision, kind, output, tell)
    except OSError as error:
        raise OptionError(f"{output} could not be written ({error}): nothing was changed") from None
    if kind.warning:
        say("warning", kind.warning)
    found = done.verification
    return {
        kind.name: ", ".join(map(str, done.paths)),
        "loaded back by": f"{found.runtime} {found.version}",
        "rows compared": f"{found.rows} ({found.what_rows}), down to {number(found.lowest_log_density)} nats",
        "largest difference": f"{found.max_log_density_difference:.2g} nats",
        "other verdicts": str(found.verdict_flips),
        **({} if found.samples is None else {"samples flagged": found.samples.sentence}),
    }
