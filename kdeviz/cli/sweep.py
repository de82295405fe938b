"""`kdeviz sweep`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kdeviz.cli.inputs import fixed, read
from kdeviz.cli.options import COMPONENTS, Data, Device, EmbeddingColumn, Fixes, Force, Metadata
from kdeviz.cli.output import check_output, print_lines, progress, say, writing
from kdeviz.errors import DataError, OptionError
from kdeviz.settings import Settings
from kdeviz.wording import count

if TYPE_CHECKING:
    from kdeviz.sweep import Choice, Sweep, SweepRow

__all__ = ["sweep"]

_FORMATS = (".parquet", ".csv")
_INTERRUPTED = 130
_DEFAULTS = Settings()
_OF_LABELS = ("auroc", "average_precision", "recall")
_COLUMNS = {
    "auroc": "AUROC",
    "average_precision": "avg. precision",
    "recall": "recall at 1 %",
    "log_density": "log density",
    "alarm_share": "alarms",
    "explained_variance": "variance",
    "fit_seconds": "fit",
    "score_seconds": "scoring",
    "model_bytes": "model",
}


def sweep(
    data: Data,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="A table to write, .parquet or .csv."),
    ] = None,
    components: Annotated[
        str,
        typer.Option(metavar="LIST", help="Such as 2,4,8 or 2:32:2 (both ends), or shares of the variance."),
    ] = COMPONENTS,
    scaling: Annotated[str, typer.Option(metavar="LIST", help="scale, norm, or scale,norm.")] = (
        _DEFAULTS.feature_scaling_method.value
    ),
    cap: Annotated[
        str, typer.Option(metavar="LIST", help="Fit on at most so many rows, such as 1000,40000.")
    ] = str(_DEFAULTS.max_training_points),
    bandwidth: Annotated[
        str, typer.Option(metavar="LIST", help="scott, silverman, or factors that multiply Scott's.")
    ] = str(_DEFAULTS.bandwidth),
    seeds: Annotated[
        str, typer.Option(metavar="LIST", help="Of the random subsets, such as 0,1 or 0:4.")
    ] = str(_DEFAULTS.seed),
    sort: Annotated[
        str | None,
        typer.Option(
            metavar="METRIC",
            help="Sort by, and choose the best by: auroc, average_precision, recall (at 1 % false "
            "positives), log_density (mean leave-one-out, in the units of the features; it compares only "
            "settings with equal components and equal scaling). Only sort by: alarm_share, "
            "explained_variance, fit_seconds, score_seconds, model_bytes. Without it auroc where there "
            "are labels, else log_density.",
        ),
    ] = None,
    device: Device = "auto",
    embedding_column: EmbeddingColumn = None,
    metadata: Metadata = None,
    fix: Fixes = None,
    force: Force = False,
) -> None:
    """Fit DATA with every combination of settings, and compare them.

    Marks the best setting, and the simplest one within the best one's 95 % interval. "alarms" is the share of
    training rows flagged by models fitted without them, at a threshold meant to flag 1 %. Ctrl-C ends a sweep
    and keeps what is finished, in the table and in the file.
    """
    if output is not None:
        if output.suffix.lower() not in _FORMATS:
            raise OptionError(
                f"{output}: sweeps are written as .parquet or .csv, choose one of these endings"
            )
        check_output(output, force, data, metadata)
    with progress() as tell:
        from kdeviz.calibration import ThresholdRule
        from kdeviz.sweep import METRICS, Grid, Sweep
        from kdeviz.sweep import sweep as run

        if sort is not None and sort not in METRICS:
            raise OptionError(f"--sort {sort} is not known: choose {', '.join(METRICS)}")
        grid = Grid.parse(
            components=components, scalings=scaling, caps=cap, bandwidths=bandwidth, seeds=seeds
        )
        train, others = fixed(read(data, embedding_column, metadata), fix or ()).train_and_test()
        rows: list[SweepRow] = []
        rule = ThresholdRule()
        try:
            found = run(train, others, grid, rule, device, rows.append, tell)
        except KeyboardInterrupt:
            labelled = any(row.auroc is not None for row in rows)
            found = Sweep(tuple(rows), len(grid), rule, labelled)
    if found.cancelled:
        say("warning", f"interrupted: {len(found.rows)} of {found.asked} settings are done")
    if found.rows:
        about = {"grid": asdict(grid), "data": train.name, "data_digest": train.to_fit.digest}
        _report(found, sort, output, about)
    if found.cancelled:
        raise typer.Exit(_INTERRUPTED)


def _report(found: Sweep, sort: str | None, output: Path | None, about: dict[str, Any]) -> None:
    """The table, why a row was chosen, and the file."""
    from kdeviz.sweep import CHOICES, best

    failures = [row.error for row in found.rows if row.error is not None]
    if failures and len(failures) == len(found.rows):
        raise DataError(f"no setting could be fitted: {failures[0]}")
    metric = sort or ("auroc" if found.labelled else "log_density")
    choice = best(found, metric) if metric in CHOICES else None
    print_lines(_lines(found, metric, choice))
    if choice is not None:
        print_lines([("", choice.sentence)])
    for warning in dict.fromkeys(warning for row in found.rows for warning in (*row.warnings, row.error)):
        if warning is not None:
            say("warning", warning)
    if output is not None:
        _write(output, found, {**about, "choice": None if choice is None else choice.sentence})
        print_lines([("sweep", str(output))])


def _lines(found: Sweep, metric: str, choice: Choice | None) -> Iterator[tuple[str, ...]]:
    """A heading, then the rows, the better first; only what they are sorted by shows its interval."""
    from kdeviz.sweep import sorted_rows

    columns = {
        name: heading for name, heading in _COLUMNS.items() if found.labelled or name not in _OF_LABELS
    }
    yield ("", "components", "scaling", "cap", "bandwidth", "seed", *columns.values())
    for row in sorted_rows(found, metric):
        asked = row.settings
        settings = (
            f"{asked.n_pca_components}",
            asked.feature_scaling_method.value,
            count(asked.max_training_points),
            f"{asked.bandwidth}",
            f"{asked.seed}",
        )
        numbers = (_written(row, name, name == metric) for name in columns)
        yield (_mark(row, choice), *settings, *numbers)


def _mark(row: SweepRow, choice: Choice | None) -> str:
    if choice is None:
        return ""
    marks = [name for name in ("best", "simplest") if getattr(choice, name).settings == row.settings]
    return ", ".join(marks)


def _written(row: SweepRow, metric: str, with_interval: bool) -> str:
    from kdeviz.sweep import METRICS, estimate_of

    found, write = estimate_of(row, metric), METRICS[metric].written
    if found is None:
        return "–"
    low, high = found.interval
    span = f" ({write(low)} to {write(high)})" if with_interval and not math.isnan(low) else ""
    return write(found.value) + span


def _write(output: Path, found: Sweep, about: dict[str, Any]) -> None:
    from kdeviz.atomic import write_whole
    from kdeviz.export.scores import ScoreTable, to_csv, to_parquet
    from kdeviz.sweep import sweep_table

    table = ScoreTable(sweep_table(found), {**about, "threshold_rule": asdict(found.rule)})
    content = to_csv(table) if output.suffix.lower() == ".csv" else to_parquet(table)
    with writing(output):
        write_whole(output, content)
