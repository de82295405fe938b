"""What a command reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import kdeviz.data
import kdeviz.output
from kdeviz.cli.output import say
from kdeviz.errors import DataError, OptionError

if TYPE_CHECKING:
    from kdeviz.data import Corrections, EmbeddingSet

_CHEAP = 1  # how many components are asked for changes no fix, but what the rank costs


def example_of(data: str) -> str | None:
    """The name of the built-in example that is meant, None for a file."""
    return None if Path(data).exists() else kdeviz.data.sample_name(data)


def existing(path: str) -> Path:
    """The full path of a file or a folder that is there."""
    if not Path(path).exists():
        raise DataError(f"{kdeviz.data.shown(path)}: there is no such file")
    return Path(path).resolve()


def read(data: str | Sequence[str], said: Corrections, metadata: str | None) -> EmbeddingSet:
    """A built-in example, or the rows of a file or of several; what was noted on reading goes to stderr."""
    files = [data] if isinstance(data, str) else [*data]
    example = None if len(files) > 1 else example_of(files[0])
    if example is None:
        source = files if len(files) > 1 else files[0]
        rows = kdeviz.data.load_embeddings(source, metadata=metadata, **said.given)
    elif not said.given and metadata is None:
        rows = kdeviz.data.load_sample(example)
    else:
        options = [f"--{name.replace('_', '-')}" for name in said.given] + ["--metadata"] * bool(metadata)
        raise OptionError(f"the sample set takes no {' and no '.join(options)}: leave that out")
    for note in rows.notes:
        say("note", note)
    return rows


def read_beside(data: str, said: Corrections, metadata: str | None) -> EmbeddingSet:
    """A second file, read as was said of the first, or as guessed where it has no such columns."""
    try:
        return read(data, said, metadata)
    except DataError as error:
        if not said.given:
            raise
        rows = read(data, type(said)(), metadata)
        say("note", f"not read as you said of the first file: {error}")
        return rows


def reading_facts(data: EmbeddingSet) -> dict[str, str]:
    """What every column of the file became."""
    return {} if data.reading is None else data.reading.facts()


def recipe_files(
    data: Sequence[str],
    metadata: str | None,
    fixes: Sequence[str],
    score: Sequence[str] = (),
    score_metadata: str | None = None,
) -> kdeviz.output.Files | None:
    """What a recipe reads; None where it is several files that are one set, which recipes do not know."""
    if len(data) > 1 or len(score) > 1:
        return None
    example = example_of(data[0])
    source = data[0] if example is None else kdeviz.data.sample_source(example)
    return kdeviz.output.Files(source, next(iter(score), None), metadata, tuple(fixes), score_metadata)


def fixed(data: EmbeddingSet, names: Sequence[str]) -> EmbeddingSet:
    """The rows after fixes, each found on what the one before left; what was done goes to stderr."""
    for name in names:
        from kdeviz.preflight import apply, preflight  # most commands are given none

        fix = preflight(data, _CHEAP).fix(name)
        data = apply(fix, data)
        say("note", fix.done)
    return data


def fixed_like(data: EmbeddingSet, fitted: EmbeddingSet, names: Sequence[str]) -> EmbeddingSet:
    """`data` without the columns that these fixes drop from the rows a model was fitted on."""
    import numpy as np

    data, notes = kdeviz.data.aligned(data, fitted.feature_names, fitted.features.shape[1], fitted.name)
    for note in notes:
        say("note", note)
    for name in names:
        from kdeviz.preflight import apply, preflight

        fix = preflight(fitted, _CHEAP).fix(name)
        fitted = apply(fix, fitted)
        if fix.columns is not None:
            data = data.take_columns(np.delete(np.arange(fix.shape[1]), fix.columns))
            say("note", f"{fix.done}, as from {fitted.name}")
    return data
