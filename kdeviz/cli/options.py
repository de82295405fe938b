"""Arguments and options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kdeviz.formats import FORMATS

__all__ = ["Data", "Device", "EmbeddingColumn", "Force", "Metadata", "Model"]

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help=f"Embeddings: {' '.join(f'.{name}' for name in FORMATS)}; "
        "or the word sample, for the shipped set of digits (when no file has that name).",
    ),
]
Model = Annotated[Path, typer.Argument(metavar="MODEL", help="A model file that kdeviz wrote.")]
EmbeddingColumn = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Which column or array holds the embeddings, where it is not plain."),
]
Metadata = Annotated[
    str | None, typer.Option(metavar="FILE", help="A second table about the rows, joined by id or row order.")
]
Device = Annotated[
    str,
    typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:1, mps, …; auto takes a GPU if there is one."),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the output file.")]
