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
_COMPONENTS_HELP = "Principal components to keep: a number, or the share of the variance"
Components = Annotated[str, typer.Option(metavar="K", help=f"{_COMPONENTS_HELP}.")]
PossibleComponents = Annotated[
    str | None,
    typer.Option(
        metavar="K", help=f"{_COMPONENTS_HELP}; without it {COMPONENTS}, or as many as the data allow."
    ),
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
Engine = Annotated[
    str,
    typer.Option(
        "--engine",
        metavar="NAME",
        help="What spreads the files over processes and machines: none, dask or ray (pip install "
        "'kdeviz[dask]' or 'kdeviz[ray]'); for scores into a folder, and for the axes of all rows.",
    ),
]
Workers = Annotated[int | None, typer.Option("--workers", min=1, help="Processes of the engine.")]
Address = Annotated[
    str | None,
    typer.Option(
        "--address", metavar="ADDRESS", help="A Dask scheduler or Ray cluster, in place of one here."
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
