"""`kdeviz sweep`."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import kdeviz.output
from kdeviz.cli.corrections import correctable, options_of, words_of
from kdeviz.cli.inputs import fixed, read
from kdeviz.cli.options import Data, Device, Fixes, Force, Metadata, TrackingServer
from kdeviz.cli.output import (
    check_output,
    check_table_name,
    print_facts,
    print_lines,
    print_table,
    progress,
    say,
    write,
)
from kdeviz.data import Corrections
from kdeviz.errors import DataError, OptionError
from kdeviz.scaling import SCALINGS
from kdeviz.settings import Settings
from kdeviz.wording import count, duration

if TYPE_CHECKING:
    from kdeviz.analysis import OnProgress
    from kdeviz.data import EmbeddingSet
    from kdeviz.sweep import Choice, Grid, Sweep, SweepRow

_INTERRUPTED = 130
_DEFAULTS = Settings()
_SETTINGS: dict[str, Callable[[Settings], str]] = {
    "components": lambda settings: f"{settings.n_pca_components}",
    "scaling": lambda settings: settings.feature_scaling_method.value,
    "cap": lambda settings: count(settings.max_training_points),
    "bandwidth": lambda settings: f"{settings.bandwidth}",
    "seed": lambda settings: f"{settings.seed}",
    "standardised": lambda settings: "yes" if settings.standardise else "no",
}
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

_Output = Annotated[
    Path | None,
    typer.Option(
        "-o", "--output", metavar="FILE", help="A table to write, such as sweep.parquet or sweep.csv."
    ),
]
_Components = Annotated[
    str | None,
    typer.Option(
        metavar="LIST",
        help="Such as 2,4,8 or 2:32:2 (both ends), or shares of the variance. Without it counts up to what "
        "keeps 99 % of the variance, at most 128.",
    ),
]
_Scalings = Annotated[str, typer.Option(metavar="LIST", help=f"One or several of {','.join(SCALINGS)}.")]
_Caps = Annotated[str, typer.Option(metavar="LIST", help="Fit on at most so many rows, such as 1000,40000.")]
_Bandwidths = Annotated[
    str, typer.Option(metavar="LIST", help="scott, silverman, or factors that multiply Scott's.")
]
_Seeds = Annotated[str, typer.Option(metavar="LIST", help="Seeds of the random picks, such as 0,1 or 0:4.")]
_Standardise = Annotated[
    str,
    typer.Option(metavar="LIST", help="Divide each feature by its standard deviation: no, yes, or no,yes."),
]
_Sort = Annotated[
    str | None,
    typer.Option(
        metavar="METRIC",
        help="Sort by, and choose the best by: auroc (area under the receiver operating "
        "characteristic: the chance that an anomalous row scores lower than a normal one), "
        "average_precision, recall (at 1 % false alarms), log_density (mean held-out, in the units of "
        "the features; it compares only settings with equal components and equal scaling). Only sort by: "
        "alarm_share, explained_variance, fit_seconds, score_seconds, model_bytes. Without it auroc where "
        "there are labels, else log_density.",
    ),
]


@correctable
def sweep(
    data: Data,
    output: _Output = None,
    components: _Components = None,
    scaling: _Scalings = _DEFAULTS.feature_scaling_method.value,
    cap: _Caps = str(_DEFAULTS.max_training_points),
    bandwidth: _Bandwidths = str(_DEFAULTS.bandwidth),
    seeds: _Seeds = str(_DEFAULTS.seed),
    standardise: _Standardise = "no",
    sort: _Sort = None,
    mlflow: TrackingServer = None,
    device: Device = "auto",
    metadata: Metadata = None,
    fix: Fixes = None,
    force: Force = False,
    *,
    said: Corrections,
) -> None:
    """Fit DATA with every combination of settings, and compare them.

    Marks the best setting, and the simplest one within the best one's 95 % interval. "alarms" is the share of
    training rows flagged by models fitted without them, at a threshold meant to flag 1 %. Ctrl-C, or SIGTERM,
    ends a sweep and keeps what is finished, in the table and in the file.
    """
    if output is not None:
        check_table_name(output, "sweeps")
        check_output(output, force, *data, metadata)
    with progress() as tell:
        metrics = kdeviz.sweep.METRICS
        if sort is not None and sort not in metrics:
            raise OptionError(f"--sort {sort} is not known: choose {', '.join(metrics)}")
        grid = kdeviz.sweep.Grid.parse(
            components=components,
            scalings=scaling,
            caps=cap,
            bandwidths=bandwidth,
            seeds=seeds,
            standardise=standardise,
        )
        if mlflow is not None:
            kdeviz.output.check_server(mlflow)
        train, others = fixed(read(data, said, metadata), fix or ()).train_and_test()
        if components is None:
            grid = _following(grid, train, device)
        finished = _swept(train, others, grid, device, tell)
    if finished.cancelled:
        say("warning", f"interrupted: {len(finished.rows)} of {finished.asked} settings are done")
    if finished.rows:
        choice = _report(finished, sort)
        if choice is not None and not finished.cancelled:
            asked = {"--metadata": metadata, **options_of(said), "--sort": sort, "--fix": fix}
            _tell_of_edges(finished, grid, choice, train, [*data, *words_of(asked)])
        if output is not None:
            write(output, kdeviz.output.sweep_bytes(finished, grid, train, choice, output.suffix))
            print_facts({"sweep": str(output)})
        if mlflow is not None:
            table = kdeviz.sweep.sweep_table(finished)
            print_facts({"MLflow run": kdeviz.output.log_sweep(mlflow, table)})
    if finished.cancelled:
        raise typer.Exit(_INTERRUPTED)


def _following(grid: Grid, train: EmbeddingSet, device: str) -> Grid:
    """The grid with as many components as the data call for."""
    from kdeviz.model import resolve_device

    (n, d), chosen = train.to_fit.features.shape, resolve_device(device)
    components = kdeviz.sweep.proposed_components(kdeviz.sweep.variances_of(train, grid.settings[0]), n, d)
    grid = replace(grid, components=components)
    seconds = duration(kdeviz.sweep.sweep_seconds(grid, n, d, chosen))
    say("note", f"components {', '.join(map(str, components))}: {len(grid)} settings, about {seconds}")
    return grid


def _tell_of_edges(
    finished: Sweep, grid: Grid, choice: Choice, train: EmbeddingSet, given: list[str]
) -> None:
    """That the best lies at the edge of the grid, and the line that goes on."""
    beyond = kdeviz.sweep.edges(finished, choice, *train.to_fit.features.shape)
    if beyond:
        line = shlex.join(["kdeviz", "sweep", *given, *_grid_options(kdeviz.sweep.extended(grid, beyond))])
        seen, more = kdeviz.sweep.edge_words(beyond), kdeviz.sweep.next_words(beyond)
        say("note", f"{seen} To go on with {more}: {line}")


def _grid_options(grid: Grid) -> list[str]:
    units = [word for word, which in kdeviz.sweep.YES_OR_NO.items() if which in grid.standardise]
    values: dict[str, Iterable[object]] = {
        "components": grid.components,
        "scaling": grid.scalings,
        "cap": grid.caps,
        "bandwidth": grid.bandwidths,
        "seeds": grid.seeds,
        "standardise": units,
    }
    return [f"--{name}={','.join(map(str, each))}" for name, each in values.items()]


def _swept(
    train: EmbeddingSet, others: EmbeddingSet | None, grid: Grid, device: str, tell: OnProgress
) -> Sweep:
    """The sweep, or what was finished of it when Ctrl-C was pressed."""
    rows: list[SweepRow] = []
    rule = kdeviz.ThresholdRule()
    try:
        return kdeviz.sweep.sweep(train, others, grid, rule, device, rows.append, tell)
    except KeyboardInterrupt:
        labelled = any(row.auroc is not None for row in rows)
        return kdeviz.sweep.Sweep(tuple(rows), len(grid), rule, labelled)


def _report(finished: Sweep, sort: str | None) -> Choice | None:
    """The table, and why a row was chosen."""
    failures = [row.error for row in finished.rows if row.error is not None]
    if failures and len(failures) == len(finished.rows):
        raise DataError(f"no setting could be fitted: {failures[0]}")
    metric = sort or ("auroc" if finished.labelled else "log_density")
    choice = kdeviz.sweep.best(finished, metric) if metric in kdeviz.sweep.CHOICES else None
    _print_rows(finished, metric, choice)
    if choice is not None:
        print_lines([("", choice.sentence)])
    for warning in dict.fromkeys(warning for row in finished.rows for warning in (*row.warnings, row.error)):
        if warning is not None:
            say("warning", warning)
    return choice


def _print_rows(finished: Sweep, metric: str, choice: Choice | None) -> None:
    """A table, the better rows first; settings that are the same in every row are said once, below it.

    Only the metric that rows are sorted by shows its interval; it comes first, since a narrow terminal leaves
    out the last columns.
    """
    rows = kdeviz.sweep.sorted_rows(finished, metric, choice)
    settings = {name: [write(row.settings) for row in rows] for name, write in _SETTINGS.items()}
    same = {name: cells[0] for name, cells in settings.items() if len(set(cells)) == 1}
    same.pop("components", None)
    if same.get("standardised") == "no":
        del same["standardised"], settings["standardised"]
    columns = {"": ["" if choice is None else choice.title(row) for row in rows]}
    columns |= {name: cells for name, cells in settings.items() if name not in same}
    shown = [name for name in _COLUMNS if finished.labelled or name not in kdeviz.sweep.OF_LABELS]
    for name in sorted(shown, key=lambda name: name != metric):
        columns[_COLUMNS[name]] = [_written(row, name, name == metric) for row in rows]
    left_out = print_table(columns)
    if left_out:
        say("note", f"the terminal is too narrow for {', '.join(left_out)}: widen it, or write all with -o")
    if same:
        print_lines([("", f"In every row: {', '.join(f'{name} {value}' for name, value in same.items())}")])


def _written(row: SweepRow, metric: str, with_interval: bool) -> str:
    estimate, write = kdeviz.sweep.estimate_of(row, metric), kdeviz.sweep.METRICS[metric].written
    if estimate is None:
        return "–"
    low, high = estimate.interval
    span = f" ({write(low)} to {write(high)})" if with_interval and not math.isnan(low) else ""
    return write(estimate.value) + span
