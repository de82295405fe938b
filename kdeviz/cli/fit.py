"""`kdeviz fit`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kdeviz.cli.inputs import fixed, read
from kdeviz.cli.options import (
    COMPONENTS,
    Components,
    Data,
    Device,
    EmbeddingColumn,
    Fixes,
    Force,
    Metadata,
    number_or_text,
)
from kdeviz.cli.output import check_output, print_facts, progress, say, writing
from kdeviz.errors import OptionError
from kdeviz.settings import FeatureScalingMethod, Settings
from kdeviz.wording import duration, number, percent

if TYPE_CHECKING:
    from kdeviz.analysis import Analysis
    from kdeviz.calibration import ThresholdRule

__all__ = ["fit"]

_DEFAULTS = Settings()


def fit(
    data: Data,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The model file to write.")],
    components: Components = COMPONENTS,
    scaling: Annotated[
        FeatureScalingMethod,
        typer.Option(help="scale keeps the lengths of the reduced rows, norm only their directions."),
    ] = _DEFAULTS.feature_scaling_method,
    max_training_points: Annotated[
        int, typer.Option(help="Fit on at most this many rows, a seeded random subset.")
    ] = _DEFAULTS.max_training_points,
    bandwidth: Annotated[
        str, typer.Option(metavar="RULE", help="scott, silverman, or a factor that multiplies Scott's.")
    ] = str(_DEFAULTS.bandwidth),
    seed: Annotated[int, typer.Option(help="Seed of the random subset.")] = _DEFAULTS.seed,
    threshold_rule: Annotated[
        str,
        typer.Option(
            metavar="RULE",
            help="How the threshold is chosen: quantile (of the training rows, each left out of its own "
            "score), per_1000, top_k, log_density, probability; with labels best_f1 or fpr.",
        ),
    ] = "quantile",
    threshold_value: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="What the rule takes: a share (quantile, fpr; 0.01 without it), a count (top_k, per_1000), "
            "a log density in nats, or a probability.",
        ),
    ] = None,
    midpoint: Annotated[
        float | None,
        typer.Option(metavar="NATS", help="Log density that gets probability 1/2; 12 without it."),
    ] = None,
    steepness: Annotated[
        float | None,
        typer.Option(metavar="X", help="Steepness of the probability curve, per nat; 0.05 without it."),
    ] = None,
    device: Device = "auto",
    embedding_column: EmbeddingColumn = None,
    metadata: Metadata = None,
    fix: Fixes = None,
    force: Force = False,
) -> None:
    """Fit a model on DATA and write it, with its threshold, to a file.

    Where DATA has a split, the rows of split train are fitted and the others scored; otherwise all rows are
    both, each left out of its own score.
    """
    check_output(output, force, data, metadata)
    points = max_training_points
    settings = Settings(number_or_text(components), scaling, points, number_or_text(bandwidth), seed)
    with progress() as tell:
        from kdeviz.analysis import analyse
        from kdeviz.calibration import ProbabilityCurve
        from kdeviz.export.model import fitted_model

        rule = _threshold_rule(threshold_rule, threshold_value)
        given = {"midpoint": midpoint, "steepness": steepness}
        curve = ProbabilityCurve(**{name: value for name, value in given.items() if value is not None})
        rows = fixed(read(data, embedding_column, metadata), fix or ())
        train, others = rows.train_and_test()
        analysis = analyse(train, others, settings, device, tell)
        threshold = rule.threshold(analysis.train_scores, analysis.scores, analysis.inspected.labels, curve)
        with writing(output):
            fitted_model(analysis, threshold, curve).save(output)
    for warning in analysis.warnings:
        say("warning", warning)
    print_facts(_fit_facts(analysis, threshold, output))


def _fit_facts(analysis: Analysis, threshold: float, output: Path) -> dict[str, str]:
    from kdeviz.views import summary

    numbers = summary(analysis, threshold)
    train, kept = analysis.train.features, analysis.classifier
    alarms = int((analysis.train_scores < threshold).sum())
    found = {} if numbers.auroc is None else {"AUROC": number(numbers.auroc)}
    return {
        "training rows": f"{len(kept.training_rows)} of {len(train)}",
        "dimensions": str(train.shape[1]),
        "components kept": str(kept.n_components_),
        "variance kept": percent(float(kept.pca_model.explained_variance_ratio.sum())),
        "threshold": f"{threshold!r} nats",
        "training alarms": f"{alarms} ({percent(numbers.expected_alarm_rate)})",
        "flagged": f"{numbers.flagged} of {numbers.inspected} inspected rows",
        **found,
        "time": f"{duration(numbers.seconds)} on {analysis.provenance['device']}",
        "model": str(output),
    }


def _threshold_rule(kind: str, value: float | None) -> ThresholdRule:
    from kdeviz.calibration import THRESHOLD_RULES, ThresholdRule

    if value is not None:
        return ThresholdRule(kind, value)
    if kind in ("per_1000", "top_k", "log_density", "probability"):
        raise OptionError(f"--threshold-rule {kind} needs --threshold-value: {THRESHOLD_RULES[kind]}")
    return ThresholdRule(kind)
