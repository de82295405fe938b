"""The lines of Python and of shell that give exactly this result again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import NamedTuple

from kdeviz import __version__
from kdeviz.analysis import Analysis
from kdeviz.calibration import ProbabilityCurve, ThresholdRule
from kdeviz.data import EmbeddingSet

__all__ = ["Files", "python_recipe", "shell_recipe"]

_SAMPLE = "sample"


class Files(NamedTuple):
    """Where the rows of an analysis come from."""

    source: str
    """"sample" for the sample set, or the path of a file."""
    score_source: str | None = None
    """The path of a second file, when all its rows are the ones to inspect."""
    metadata: str | None = None
    """The path of the table that was joined to the first file."""


def python_recipe(analysis: Analysis, files: Files, rule: ThresholdRule, curve: ProbabilityCurve) -> str:
    """Lines of Python that end with the same `analysis` and `threshold`."""
    settings = analysis.settings
    second = (
        [] if files.score_source is None else [f"score = {_load(analysis.inspected, files.score_source)}"]
    )
    loads = {_load(analysis.train, files.source).partition("(")[0], *(["load_embeddings"] if second else [])}
    names = ["FeatureScalingMethod", "ProbabilityCurve", "Settings", "ThresholdRule", "analyse"]
    lines = [
        f"# kdeviz {__version__}",
        f"from kdeviz import {', '.join([*names, *sorted(loads)])}",
        "",
        f"data = {_load(analysis.train, files.source, files.metadata)}",
        "train, score = data.train_and_test()",
        *second,
        "settings = Settings(",
        f"    n_pca_components={settings.n_pca_components!r},",
        f"    feature_scaling_method=FeatureScalingMethod.{settings.feature_scaling_method.name},",
        f"    max_training_points={settings.max_training_points!r},",
        f"    bandwidth={settings.bandwidth!r},",
        f"    seed={settings.seed!r},",
        ")",
        f'analysis = analyse(train, score, settings, device="{analysis.classifier.device}")',
        f"curve = ProbabilityCurve(midpoint={curve.midpoint!r}, steepness={curve.steepness!r})",
        f"rule = ThresholdRule({rule.kind!r}, {rule.value!r})",
        "threshold = rule.threshold(",
        "    analysis.train_scores, analysis.scores, analysis.inspected.labels, curve",
        ")",
        "flagged = analysis.scores < threshold",
        'print(f"{flagged.sum()} of {len(flagged)} samples lie below {threshold}")',
    ]
    return "\n".join(lines) + "\n"


def _load(data: EmbeddingSet, source: str, metadata: str | None = None) -> str:
    if source == _SAMPLE:
        return "load_sample()"
    options = {"embedding_column": data.embedding_column, "metadata": metadata}
    given = "".join(f", {name}={value!r}" for name, value in options.items() if value is not None)
    return f"load_embeddings({source!r}{given})"


def shell_recipe(analysis: Analysis, files: Files, rule: ThresholdRule, curve: ProbabilityCurve) -> str:
    """Two `kdeviz` commands that write the same model and the same scores."""
    source, score_source, metadata = files
    settings = analysis.settings
    if score_source is not None:
        # `kdeviz fit` does not see the second file, which some rules look at.
        labels = analysis.inspected.labels
        value = rule.threshold(analysis.train_scores, analysis.scores, labels, curve)
        rule = ThresholdRule("log_density", value)
    first = second = {**_column(analysis.train, source), "--metadata": _path(metadata)}
    if score_source is not None:
        second = {**_column(analysis.inspected, score_source), "--all-rows": True}
    model = {
        "--components": settings.n_pca_components,
        "--scaling": settings.feature_scaling_method.value,
        "--max-training-points": settings.max_training_points,
        "--bandwidth": settings.bandwidth,
        "--seed": settings.seed,
        "--threshold-rule": rule.kind,
        "--threshold-value": rule.value,
        "--midpoint": curve.midpoint,
        "--steepness": curve.steepness,
    }
    device = {"--device": analysis.classifier.device}
    fit = _command("kdeviz fit", source, "-o model.safetensors", {**first, **model, **device})
    score = _command(
        "kdeviz score model.safetensors", score_source or source, "-o scores.parquet", {**second, **device}
    )
    return f"# kdeviz {__version__}\n{fit}\n{score}\n"


def _column(data: EmbeddingSet, source: str) -> dict[str, object]:
    return {"--embedding-column": None if source == _SAMPLE else data.embedding_column}


def _path(path: str | None) -> str | None:
    """A path that no command takes for an option."""
    return f"./{path}" if path and path.startswith("-") else path


def _command(command: str, source: str, output: str, options: Mapping[str, object]) -> str:
    given = [
        f" \\\n    {name}" + ("" if value is True else f"={shlex.quote(str(value))}")
        for name, value in options.items()
        if value is not None
    ]
    return f"{command} {shlex.quote(_path(source) or source)} {output}" + "".join(given)
