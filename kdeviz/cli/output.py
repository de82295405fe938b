"""What a command writes: facts on stdout, progress and remarks on stderr, one file."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import typer

import kdeviz.output
from kdeviz.atomic import write_whole
from kdeviz.data import shown_in
from kdeviz.errors import OptionError

if TYPE_CHECKING:
    from kdeviz.analysis import OnProgress
    from kdeviz.decision import Decision

_GAP = 2  # columns of text


def check_output(output: Path, force: bool, *inputs: str | None) -> None:
    """Refuse an output that cannot or should not be written, before any work is done."""
    try:
        if output.exists():
            if not output.is_file():
                raise OptionError(f"{output} is not a file: choose another name")
            if any(path and Path(path).exists() and output.samefile(path) for path in inputs):
                raise OptionError(f"{output} is also an input: choose another name")
            if not force:
                raise OptionError(
                    f"{output} exists already: choose another name, or overwrite it with --force"
                )
        with tempfile.TemporaryFile(dir=output.parent):
            pass
    except OSError as error:
        raise OptionError(f"{output} cannot be written ({error.strerror}): choose another folder") from None


def check_table_name(output: Path, content: str) -> None:
    """Refuse a file whose suffix says no kind of table."""
    kinds = kdeviz.output.TABLE_WRITERS
    if output.suffix.lower() not in kinds:
        raise OptionError(f"{output}: {content} are written as {' or '.join(kinds)}: name it so")


def write(output: Path, content: bytes) -> None:
    """Whole or not at all; a disk that is full, or the like, becomes one line."""
    try:
        write_whole(output, content)
    except OSError as error:
        raise OptionError(f"{output} could not be written ({error}): nothing was changed") from None


def is_terminal(stream: TextIO) -> bool:
    """Whether a person looks at it, as rich tells it; rich is not loaded for a pipe."""
    return stream.isatty() or bool(os.environ.get("FORCE_COLOR"))


@contextmanager
def progress() -> Iterator[OnProgress]:
    """A bar on stderr, when a person looks at it; it takes (stage, fraction done)."""
    if not is_terminal(sys.stderr):
        yield lambda stage, fraction: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Reading", total=None)
        yield lambda stage, fraction: bar.update(task, description=stage, completed=fraction, total=1)


def axes_facts(rows: int | None) -> dict[str, str]:
    """Where principal axes come from, if not from the rows of the model."""
    return {} if rows is None else {"principal axes": f"of all {rows} rows"}


def print_facts(facts: dict[str, str]) -> None:
    """One line for each, the name and the value."""
    print_lines(facts.items())


def print_lines(lines: Iterable[Sequence[str]]) -> None:
    """Texts in columns, the first one bold on a terminal; a pipe has no width to fit into."""
    rows = [[_one_line(text) for text in line] for line in lines]
    if not is_terminal(sys.stdout):
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = (text.ljust(width) for text, width in zip(row, widths, strict=True))
            typer.echo("  ".join(cells).rstrip())
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for first, *rest in rows:
        table.add_row(Text(first, style="bold"), *(Text(text, overflow="fold") for text in rest))
    Console().print(table)


def print_table(columns: Mapping[str, Sequence[str]]) -> list[str]:
    """Columns under their headings, the first one bold, every row in one line.

    A pipe gets all of it. On a terminal headings are folded, and the last columns are left out where it is
    too narrow for them.

    Returns:
        The headings of the columns that were left out.
    """
    if not is_terminal(sys.stdout):
        print_lines([tuple(columns), *zip(*columns.values(), strict=True)])
        return []
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    widths = {name: max(map(len, [*name.split(), *cells]), default=0) for name, cells in columns.items()}
    ends = accumulate(width + _GAP for width in widths.values())
    shown = [name for name, end in zip(columns, ends, strict=True) if end - _GAP <= console.width]
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for name in shown:
        table.add_column(name, width=widths[name], vertical="bottom")
    for first, *rest in zip(*(columns[name] for name in shown), strict=True):
        table.add_row(Text(_one_line(first), style="bold"), *(Text(_one_line(cell)) for cell in rest))
    console.print(table)
    return list(columns)[len(shown) :]


def say(kind: str, message: str) -> None:
    """A note, warning or error on stderr, in one line."""
    typer.echo(f"{kind}: {shown_in(_one_line(message))}", err=True)


def _one_line(text: str) -> str:
    """Without line breaks and control characters, which a file's name or content could bring."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))


def tell_of_all(decision: Decision) -> None:
    """Warn where the scored rows as a whole look unlike the training rows."""
    from kdeviz.analysis import drift

    found = drift(decision.analysis)
    if found is not None and found.found:
        say("warning", found.in_words)
