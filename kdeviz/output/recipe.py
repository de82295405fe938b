"""The lines of Python and of shell that give exactly this result again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kdeviz import __version__
from kdeviz.analysis import Analysis
from kdeviz.data import EmbeddingSet, sample_name, sample_source
from kdeviz.decision import Decision

_LINE_LENGTH = 88  # what ruff and black have when nobody says otherwise


class Files(NamedTuple):
    """Where the rows of an analysis come from."""

    source: str
    """"sample" or "sample:sentences" for a built-in example, or the path of a file."""
    score_source: str | None = None
    """The path of a second file, when all its rows are the ones to inspect."""
    metadata: str | None = None
    """The path of the table that was joined to the first file."""
    fixes: tuple[str, ...] = ()
    """Names of the fixes that were applied to the first file, in order; see `kdeviz.preflight`."""
    score_metadata: str | None = None
    """The path of the table that was joined to the second file."""


def python_recipe(decision: Decision, files: Files, relabelled: bool = False) -> str:
    """Lines of Python that end with the same `decision`, formatted as ruff does it.

    Where it is `relabelled`, its labels not being those of the file, a rule that looks at labels becomes the
    log density that it found.
    """
    analysis, curve = decision.analysis, decision.curve
    settings = analysis.settings
    arguments = [f"midpoint={curve.midpoint!r}", f"steepness={curve.steepness!r}"]
    lines = [
        f"# kdeviz {__version__}",
        *_imports(analysis, files),
        "",
        *_reading(analysis, files),
        "settings = Settings(",
        f"    n_pca_components={settings.n_pca_components!r},",
        f"    feature_scaling_method={_quoted(settings.feature_scaling_method.value)},",
        f"    max_training_points={settings.max_training_points!r},",
        f"    bandwidth={_quoted(settings.bandwidth)},",
        f"    seed={settings.seed!r},",
        *(["    standardise=True,"] if settings.standardise else []),
        ")",
        *_fitting(analysis, files),
        _call("curve", "ProbabilityCurve", arguments),
        *_rule(decision, relabelled),
        "decision = decide(analysis, rule, curve)",
        'print(decision.n_flagged, "of", len(analysis.scores), "samples are flagged")',
        'print("threshold on log density:", decision.threshold)',
    ]
    return "\n".join(lines) + "\n"


def _imports(analysis: Analysis, files: Files) -> list[str]:
    in_parts = _of_all_rows(analysis)
    loads = set() if in_parts else {"load_embeddings" if sample_name(files.source) is None else "load_sample"}
    if files.score_source is not None:
        loads.add("load_embeddings")
    names = ["ProbabilityCurve", "Settings", "ThresholdRule", *([] if in_parts else ["analyse"]), "decide"]
    lines = ["from kdeviz import (", *(f"    {name}," for name in [*names, *sorted(loads)]), ")"]
    if in_parts:
        said = ["from kdeviz.data import Corrections"] if _read_as(analysis.train) else []
        return [*lines, "from kdeviz.batch import analyse_in_parts", *said]
    if not files.fixes:
        return lines
    numpy = [] if files.score_source is None else ["import numpy as np"]
    return [*numpy, *lines, "from kdeviz.preflight import apply, preflight"]


def _of_all_rows(analysis: Analysis) -> bool:
    """Whether the axes are those of more rows than the model holds: then all of them are read in parts."""
    return analysis.classifier.axes_rows is not None


def _reading(analysis: Analysis, files: Files) -> list[str]:
    second = []
    if files.score_source is not None:
        second.append(_load("score", analysis.inspected, files.score_source, files.score_metadata))
    if _of_all_rows(analysis):
        return second
    return [
        _load("data", analysis.train, files.source, files.metadata),
        *second,
        *_fix(files),
        f"train, {'_' if second else 'score'} = data.train_and_test()",
    ]


def _fitting(analysis: Analysis, files: Files) -> list[str]:
    device = f'device="{analysis.classifier.device}"'
    if not _of_all_rows(analysis):
        return [f"analysis = analyse(train, score, settings, {device})"]
    columns = ", ".join(f"{name}={_quoted(value)}" for name, value in _read_as(analysis.train).items())
    said = [f"said=Corrections({columns})"] if columns else []
    score = "None" if files.score_source is None else "score"
    arguments = [f"[{_quoted(files.source)}]", score, "settings", device, *said, "axes_of_all=True"]
    return [_call("fitted", "analyse_in_parts", arguments), "analysis = fitted.analysis"]


def _fix(files: Files) -> list[str]:
    """The fixes of the first file; columns that they drop there are dropped from the second file as well."""
    if not files.fixes:
        return []
    second = [
        "    if fix.columns is not None:",
        "        others = np.delete(np.arange(fix.shape[1]), fix.columns)",
        "        score = score.take_columns(others)",
    ]
    return [
        "fixes = [",
        *(f"    {_quoted(name)}," for name in files.fixes),
        "]",
        "for name in fixes:",
        "    fix = preflight(data).fix(name)",
        "    data = apply(fix, data)",
        *([] if files.score_source is None else second),
    ]


def _rule(decision: Decision, relabelled: bool) -> list[str]:
    rule = decision.rule_here
    if relabelled and rule.needs_labels:
        rule = decision.fixed_rule
    line = f"rule = ThresholdRule({_quoted(rule.kind)}, {rule.value!r})"
    asked = decision.rule
    if asked is None or rule is asked or decision.stored:
        return [line]
    return [f"# What {asked.kind} found by labels that are not in the file, {asked.value!r} asked for:", line]


def _load(target: str, data: EmbeddingSet, source: str, metadata: str | None = None) -> str:
    if (example := sample_name(source)) is not None:
        first = source == sample_source("digits")
        return _call(target, "load_sample", [] if first else [_quoted(example)])
    options = _read_as(data) | ({} if metadata is None else {"metadata": metadata})
    given = [f"{name}={_quoted(value)}" for name, value in options.items()]
    return _call(target, "load_embeddings", [_quoted(source), *given])


def _call(target: str, function: str, arguments: Sequence[str]) -> str:
    """A call, on as many lines as it needs."""
    whole = ", ".join(arguments)
    line = f"{target} = {function}({whole})"
    if len(line) <= _LINE_LENGTH or not arguments:
        return line
    if len(whole) + 4 <= _LINE_LENGTH:
        return f"{target} = {function}(\n    {whole}\n)"
    return "\n".join([f"{target} = {function}(", *(f"    {argument}," for argument in arguments), ")"])


def _quoted(value: object) -> str:
    """`repr`, with double quotes where that takes no backslashes."""
    text = repr(value)
    return f'"{text[1:-1]}"' if isinstance(value, str) and '"' not in value else text


def shell_recipe(decision: Decision, files: Files, relabelled: bool = False) -> str:
    """Two `kdeviz` commands that write the same model and the same scores; see `python_recipe`."""
    source, score_source, metadata, fixes, score_metadata = files
    analysis, rule, curve = decision.analysis, decision.rule_here, decision.curve
    settings = analysis.settings
    # `kdeviz fit` sees neither the second file, which some rules look at, nor other labels than the file's.
    if score_source is not None or (relabelled and rule.needs_labels):
        rule = decision.fixed_rule
    about = {**_column(analysis.train, source), "--metadata": _path(metadata)}
    first = second = {**about, "--fix": fixes}
    if score_source is not None:
        second = {
            **_column(analysis.inspected, score_source),
            "--metadata": _path(score_metadata),
            "--all-rows": True,
        }
        if fixes:
            second |= {
                "--fix": fixes,
                "--fitted": _path(source),
                "--fitted-column": about["--embedding-column"],
                "--fitted-metadata": _path(metadata),
            }
    model = {
        "--components": settings.n_pca_components,
        "--scaling": settings.feature_scaling_method.value,
        "--max-training-points": settings.max_training_points,
        "--bandwidth": settings.bandwidth,
        "--seed": settings.seed,
        "--standardise": settings.standardise or None,
        "--axes": "all" if _of_all_rows(analysis) else None,
        "--threshold-rule": rule.kind,
        "--threshold-value": rule.value,
        "--midpoint": curve.midpoint,
        "--steepness": curve.steepness,
    }
    device = {"--device": analysis.classifier.device}
    output = "-o scores" if _of_all_rows(analysis) and score_source is None else "-o scores.parquet"
    fit = _command("kdeviz fit", source, "-o model.safetensors", {**first, **model, **device})
    score = _command("kdeviz score model.safetensors", score_source or source, output, {**second, **device})
    return f"# kdeviz {__version__}\n{fit}\n{score}\n"


def _column(data: EmbeddingSet, source: str) -> dict[str, object]:
    if sample_name(source) is not None:
        return {"--embedding-column": None}
    said: dict[str, object] = {"embedding_column": None, **_read_as(data)}
    return {f"--{name.replace('_', '-')}": value for name, value in said.items()}


def _read_as(data: EmbeddingSet) -> dict[str, Any]:
    """Which column is the embedding, and how else the reading of a file was corrected."""
    said = {} if data.reading is None else data.reading.corrections.given
    read = {"embedding_column": data.embedding_column, **said}
    return {name: value for name, value in read.items() if value is not None}


def _path(path: str | None) -> str | None:
    """A path that no command takes for an option."""
    return f"./{path}" if path and path.startswith("-") else path


def _command(command: str, source: str, output: str, options: Mapping[str, object]) -> str:
    given = [
        f" \\\n    {name}" + ("" if value is True else f"={shlex.quote(str(value))}")
        for name, values in options.items()
        for value in (values if isinstance(values, tuple) else (values,))
        if value is not None
    ]
    return f"{command} {shlex.quote(_path(source) or source)} {output}" + "".join(given)
