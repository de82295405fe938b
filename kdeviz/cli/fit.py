"""`kdeviz fit`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

import kdeviz.output
from kdeviz.cli.corrections import correctable
from kdeviz.cli.export import check_destination, write_model
from kdeviz.cli.fit_in_parts import InParts
from kdeviz.cli.inputs import fixed, fixed_like, read, read_beside, reading_facts, recipe_files
from kdeviz.cli.options import (
    COMPONENTS,
    Address,
    Components,
    Data,
    Device,
    Engine,
    Fixes,
    Force,
    Metadata,
    RunsFolder,
    Standardise,
    TrackingServer,
    Workers,
    rule_names,
)
from kdeviz.cli.output import axes_facts, check_output, print_facts, progress, say, tell_of_all, write
from kdeviz.data import Corrections
from kdeviz.errors import OptionError
from kdeviz.scaling import SCALINGS, scalings_in_words
from kdeviz.settings import Settings, number_or_text
from kdeviz.wording import duration, number, percent

_DEFAULTS = Settings()

_Output = Annotated[
    Path | None,
    typer.Option(
        "-o", "--output", metavar="FILE", help="The model file to write; may be left out with --keep."
    ),
]
_Keep = Annotated[
    bool,
    typer.Option(
        "--keep",
        help="Keep the model, scores and settings as a run, for kdeviz runs, kdeviz compare and the app.",
    ),
]
_Name = Annotated[
    str | None, typer.Option(metavar="TEXT", help="Name of the kept run; made from the settings without it.")
]
_Score = Annotated[
    str | None,
    typer.Option(
        "--score",
        metavar="FILE",
        help="Score the rows of this file; without it, those of DATA that are not fitted.",
    ),
]
_ScoreMetadata = Annotated[
    str | None, typer.Option(metavar="FILE", help="The --metadata of the file to score, such as its labels.")
]
_Scaling = Annotated[
    str, typer.Option(metavar="|".join(SCALINGS), help=f"What counts of a sample: {scalings_in_words()}.")
]
_MaxTrainingPoints = Annotated[int, typer.Option(help="Fit on at most this many rows, picked at random.")]
_Bandwidth = Annotated[
    str, typer.Option(metavar="RULE", help="scott, silverman, or a factor that multiplies Scott's.")
]
_Seed = Annotated[int, typer.Option(help="Decides which rows are picked where there are more than that.")]
_ThresholdRule = Annotated[
    str,
    typer.Option(
        metavar="RULE",
        help=f"How the threshold is chosen: {', '.join(rule_names())}; quantile looks at the training rows, "
        "each scored by a model that has not seen it.",
    ),
]
_ThresholdValue = Annotated[
    float | None,
    typer.Option(
        metavar="X",
        help="What the rule takes, such as a share of normal samples (quantile; 0.01 without it), a count or "
        "a log density in nats (one nat lower is a density 2.72 times smaller); a rule that needs one says "
        "what.",
    ),
]
_InParts = Annotated[
    bool | None,
    typer.Option(
        "--in-parts/--at-once",
        help="Read DATA in parts, of which only the rows to fit on stay in memory, or all of it at once; "
        "told by the size of the files and the free memory without either.",
    ),
]
_Axes = Annotated[
    str,
    typer.Option(
        metavar="sample|all",
        help="Rows that the principal axes come from: those that are fitted, or all of DATA, which is then "
        "read in parts, and once more.",
    ),
]
_Midpoint = Annotated[
    float | None, typer.Option(metavar="NATS", help="Log density that gets probability 1/2; 12 without it.")
]
_Steepness = Annotated[
    float | None,
    typer.Option(metavar="X", help="Steepness of the probability curve, per nat; 0.05 without it."),
]


@correctable
def fit(
    data: Data,
    output: _Output = None,
    keep: _Keep = False,
    name: _Name = None,
    runs: RunsFolder = None,
    mlflow: TrackingServer = None,
    components: Components = COMPONENTS,
    scaling: _Scaling = _DEFAULTS.feature_scaling_method.value,
    max_training_points: _MaxTrainingPoints = _DEFAULTS.max_training_points,
    bandwidth: _Bandwidth = str(_DEFAULTS.bandwidth),
    seed: _Seed = _DEFAULTS.seed,
    standardise: Standardise = False,
    threshold_rule: _ThresholdRule = "quantile",
    threshold_value: _ThresholdValue = None,
    midpoint: _Midpoint = None,
    steepness: _Steepness = None,
    device: Device = "auto",
    metadata: Metadata = None,
    score: _Score = None,
    score_metadata: _ScoreMetadata = None,
    fix: Fixes = None,
    in_parts: _InParts = None,
    axes: _Axes = "sample",
    engine: Engine = "none",
    workers: Workers = None,
    address: Address = None,
    force: Force = False,
    *,
    said: Corrections,
) -> None:
    """Fit a model on DATA; write it, with its threshold, to a file, or keep it as a run, or both.

    Where DATA has a split, the rows of split train are fitted and the others scored; otherwise all rows are
    both, each scored by a model that has not seen it. With --score the rows of that file are scored.

    Files of any size can be fitted on: read in parts they give the same model, and only the rows that it was
    fitted on, or those of --score, are scored. DATA may then be on other machines (s3://bucket/folder).
    """
    if score_metadata is not None and score is None:
        raise OptionError("--score-metadata is about the file to score: name that with --score")
    _check_destinations(output, keep, {"--name": name, "--runs": runs, "--mlflow": mlflow})
    if output is not None:
        _check_model_file(output, force, *data, metadata, score, score_metadata)
    method: Any = scaling  # Settings makes an enum of a string
    settings = Settings(
        number_or_text(components), method, max_training_points, number_or_text(bandwidth), seed, standardise
    )
    with progress() as tell:
        rule, curve = _threshold_rule(threshold_rule, threshold_value), _curve(midpoint, steepness)
        store = _checked_store(runs, name, mlflow) if keep else None
        parts = InParts(in_parts, data, {"--keep": keep, "--fix": fix, "--metadata": metadata}, rule, score)
        parts.take_axes(axes, engine, workers, address)
        if parts.chosen:
            others = None if score is None else read_beside(score, said, score_metadata)
            analysis = parts.analyse(others, settings, device, said, tell)
        else:
            given = read(data, said, metadata)
            train, others = fixed(given, fix or ()).train_and_test()
            if score is not None:
                others = fixed_like(read_beside(score, said, score_metadata), given, fix or ())
            analysis = kdeviz.analyse(train, others, settings, device, tell)
        decision = kdeviz.decide(analysis, rule, curve)
        facts = {**reading_facts(analysis.train), **_fit_facts(decision)}
        if output is not None:
            facts |= _write(output, decision)
        if store is not None:
            run = store.keep(decision, name=name, fixes=fix or ())
            facts |= {"run": run.id, "kept in": str(run.folder)}
    for warning in analysis.warnings:
        say("warning", warning)
    if analysis.groups is not None and analysis.groups.offer is not None:
        say("note", f"to follow that, fit again with {analysis.groups.offer.options}")
    tell_of_all(decision)
    for remark in filter(None, (decision.remark, decision.saved_remark)):
        say("note", remark)
    print_facts(facts)
    if mlflow is not None:
        files = recipe_files(data, metadata, fix or (), [score] if score else [], score_metadata)
        page = partial(kdeviz.output.report, decision, kdeviz.output.Extras(name=run.name, files=files))
        print_facts({"MLflow run": kdeviz.output.log_run(mlflow, run, page)})


def _check_model_file(output: Path, force: bool, *inputs: str | None) -> None:
    check_output(output, force, *inputs)
    kind = kdeviz.output.format_of_suffix(output.suffix)
    if kind.name != "native":
        check_destination(output, kind, force, *inputs)


def _write(output: Path, decision: kdeviz.Decision) -> dict[str, str]:
    """kdeviz's own file, or what the suffix says, verified."""
    kind = kdeviz.output.format_of_suffix(output.suffix)
    if kind.name != "native":
        return write_model(decision, kind, output)
    write(output, kdeviz.output.model_bytes(decision))
    return {"model": str(output)}


def _check_destinations(output: Path | None, keep: bool, about_the_run: dict[str, object]) -> None:
    if output is None and not keep:
        raise OptionError(
            "the model would go nowhere: write it with -o FILE, or keep it as a run with --keep"
        )
    for option, value in about_the_run.items():
        if value is not None and not keep:
            raise OptionError(f"{option} is about a kept run: add --keep, or leave {option} out")


def _checked_store(runs: Path | None, name: str | None, mlflow: str | None) -> kdeviz.output.RunStore:
    """Where the run will be kept; refuses, before any work is done, what would be refused after it."""
    if name is not None:
        kdeviz.output.checked_name(name)
    store = kdeviz.output.RunStore(runs)
    store.check_writable()
    if mlflow is not None:
        kdeviz.output.check_server(mlflow)
    return store


def _fit_facts(decision: kdeviz.Decision) -> dict[str, str]:
    analysis, (alarms, rows) = decision.analysis, decision.training_alarms
    model, (given, dimensions) = analysis.classifier, analysis.provenance["train_shape"]
    known = analysis.learned_anomalous
    of = f"{rows} training rows" + (f", {known} of them labelled anomalous" if known else "")
    expected = f"{percent(alarms / max(rows, 1))} ({alarms} of {of})"
    return {
        "training rows": f"{len(model.training_rows)} of {given}",
        "dimensions": str(dimensions),
        **axes_facts(model.axes_rows),
        "components kept": str(model.n_components_),
        "variance kept": percent(float(model.pca_model.explained_variance_ratio.sum())),
        "threshold": f"{decision.threshold!r} nats",
        "expected false alarms": expected if analysis.calibrated else "not known, without held-out scores",
        "flagged": f"{decision.n_flagged} of {len(analysis.scores)} inspected rows",
        **_inspected(analysis),
        **({} if decision.auroc is None else {"AUROC": number(decision.auroc)}),
        "time": f"{duration(sum(analysis.timings.values()))} on {analysis.provenance['device']}",
    }


def _inspected(analysis: kdeviz.Analysis) -> dict[str, str]:
    """What is to be said where no rows are set apart."""
    if not (analysis.inspects_training and analysis.calibrated):
        return {}
    known, rows = len(analysis.fitted_on), len(analysis.scores)
    these = "the training rows themselves" if known == rows else f"{known} of them are training rows"
    return {"inspected rows": f"{these}, each judged by a model that has not seen it"}


def _curve(midpoint: float | None, steepness: float | None) -> kdeviz.ProbabilityCurve:
    given = {"midpoint": midpoint, "steepness": steepness}
    return kdeviz.ProbabilityCurve(**{name: value for name, value in given.items() if value is not None})


def _threshold_rule(kind: str, value: float | None) -> kdeviz.ThresholdRule:
    from kdeviz.decision import RULES

    if value is not None:
        return kdeviz.ThresholdRule(kind, value)
    if kind in RULES and RULES[kind].usual is None:
        raise OptionError(f"--threshold-rule {kind} needs --threshold-value: {RULES[kind].takes}")
    return kdeviz.ThresholdRule.usual(kind)
