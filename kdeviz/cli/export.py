"""`kdeviz export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kdeviz.cli.exporting import check_destination, write_model
from kdeviz.cli.options import Force, Model
from kdeviz.cli.output import print_facts, say
from kdeviz.output import MODEL_FORMATS

_To = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="FORMAT",
        help=f"{', '.join(MODEL_FORMATS)}; told by the suffix of the file without it.",
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
    from kdeviz.output import format_of_suffix, model_format, read_decision

    kind = format_of_suffix(output.suffix) if to is None else model_format(to)
    check_destination(output, kind, force, str(model))
    decision = read_decision(model)
    if not decision.analysis.calibrated:
        say("note", "the model holds no held-out scores, so there are no p-values: fit it again to have them")
    if decision.without_threshold:
        say("warning", f"the model {decision.without_threshold}")
    print_facts(write_model(decision, kind, output))
