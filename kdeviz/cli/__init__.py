"""kdeviz on the command line, one module per command.

Help comes at once: torch, pandas and the readers are imported inside the commands, or with the names of
`kdeviz`, `kdeviz.data`, `kdeviz.batch` and `kdeviz.output` that bring them, when these are first asked for.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from kdeviz import __version__
from kdeviz.cli.app import open_app
from kdeviz.cli.check import check
from kdeviz.cli.compare import compare
from kdeviz.cli.export import export
from kdeviz.cli.fit import fit
from kdeviz.cli.import_model import import_model
from kdeviz.cli.info import info
from kdeviz.cli.output import say
from kdeviz.cli.report import report
from kdeviz.cli.runs import runs
from kdeviz.cli.score import score
from kdeviz.cli.signals import ended_as_by_ctrl_c
from kdeviz.cli.sweep import sweep
from kdeviz.data import sleep_while_waiting
from kdeviz.errors import KdevizError

__all__ = ["cli", "main"]

BAD_INPUT = 2

cli = typer.Typer(
    help="See, tune and ship a model of what is normal among embeddings: principal component analysis (PCA) "
    "and a Gaussian kernel density estimate (KDE).",
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
cli.command("app")(open_app)
cli.command()(check)
cli.command()(fit)
cli.command()(score)
cli.command()(info)
cli.command()(export)
cli.command("import")(import_model)
cli.command()(sweep)
cli.command()(compare)
cli.command()(report)
cli.add_typer(runs, name="runs")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave the process.

    0 done, 1 `kdeviz check` found an error, 2 bad input (one line on stderr), 130 interrupted, 143 ended by
    SIGTERM.
    """
    sleep_while_waiting()
    logging.getLogger("kdeviz").addHandler(logging.NullHandler())  # warnings are printed from the analysis
    with ended_as_by_ctrl_c() as came:
        code = _run(arguments)
    sys.exit(128 + came[0] if came else code)


def _run(arguments: Sequence[str] | None) -> int:
    """The exit status of a command."""
    try:
        code: int = typer.main.get_command(cli).main(arguments, "kdeviz", standalone_mode=False)
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        say("error", error.format_message() + (f" (see {context.command_path} --help)" if context else ""))
        return BAD_INPUT
    except KdevizError as error:
        say("error", str(error))
        return BAD_INPUT
    return code


@cli.callback(invoke_without_command=True)
def _kdeviz(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    if version:
        typer.echo(f"kdeviz {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
