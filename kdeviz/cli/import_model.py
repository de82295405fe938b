"""`kdeviz import`."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated

import typer

import kdeviz
from kdeviz.cli.options import Force
from kdeviz.cli.output import check_output, print_facts, say, write
from kdeviz.errors import FitWarning
from kdeviz.scaling import SCALINGS

_File = Annotated[
    Path, typer.Argument(metavar="FILE", help="A checkpoint (.ckpt) or state dict (.pt, .safetensors).")
]
_Output = Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The model file to write.")]
_Scaling = Annotated[
    str | None,
    typer.Option(
        metavar="|".join(SCALINGS), help="How rows were scaled, where FILE does not say: state dicts do not."
    ),
]


def import_model(file: _File, output: _Output, scaling: _Scaling = None, force: Force = False) -> None:
    """Make a model of kdeviz from one that anomalib fitted; nothing in FILE is run.

    It gives anomalib's scores. It has no threshold and no p-values, for which the training rows are needed.
    """
    check_output(output, force, str(file))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", FitWarning)
        model = kdeviz.read_anomalib(file, scaling)
    for warning in told:
        say("warning", str(warning.message))
    write(output, model.to_bytes())
    settings = model.settings
    facts = {
        "dimensions": str(len(model.pca_model.mean)),
        "training points": str(len(model.training_rows)),
        "components": str(model.n_components_),
        "scaling": settings.feature_scaling_method.value,
        "model": str(output),
    }
    print_facts(facts)
