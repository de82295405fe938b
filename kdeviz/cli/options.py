"""Arguments and options that several commands take."""

from __future__ import annotations

from pathlib import Path
from pkgutil import iter_modules
from typing import Annotated

import typer

from kdeviz.data import FORMATS
from kdeviz.settings import Settings

COMPONENTS = str(Settings().n_pca_components)
"""The default of `Components`."""


Data = Annotated[
    list[str],
    typer.Argument(
        metavar="DATA...",
        help=f"Embeddings: {' '.join(f'.{name}' for name in FORMATS)}; a folder, or several files of one "
        "kind, which are one set in the order of their names; or the word sample, for the shipped set of "
        "digits (when no file has that name).",
    ),
]
Model = Annotated[Path, typer.Argument(metavar="MODEL", help="A model file that kdeviz wrote.")]
Metadata = Annotated[
    str | None, typer.Option(metavar="FILE", help="A second table about the rows, joined by id or row order.")
]
Device = Annotated[
    str,
    typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:1, mps, …; auto takes a GPU if there is one."),
]
Components = Annotated[
    str,
    typer.Option(metavar="K", help="Principal components to keep: a number, or the share of the variance."),
]
Standardise = Annotated[
    bool,
    typer.Option(
        "--standardise",
        help="Divide each feature by its standard deviation first, so that all count alike whatever their "
        "units.",
    ),
]
Fixes = Annotated[
    list[str] | None,
    typer.Option(
        "--fix",
        metavar="NAME",
        help="Apply a fix that kdeviz check offers, before anything else; repeat it for more, which are "
        "applied in order, each found on what the one before left.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the output file.")]
RunsFolder = Annotated[
    Path | None,
    typer.Option("--runs", metavar="DIR", help="Where runs are kept; your folder for user data without it."),
]
TrackingServer = Annotated[
    str | None,
    typer.Option(
        "--mlflow",
        metavar="URI",
        help="MLflow tracking server to log kept runs and sweeps to, such as http://localhost:5000; takes "
        "pip install 'kdeviz[mlflow]'.",
    ),
]


def rule_names() -> list[str]:
    """Of the threshold rules, told by their modules: importing them would load torch for a line of help."""
    folder = Path(__file__).parents[1] / "decision" / "rules"
    return [module.name for module in iter_modules([str(folder)]) if module.name not in ("registry", "rule")]
