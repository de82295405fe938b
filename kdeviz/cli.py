"""kdeviz on the command line, one function per command.

torch, pandas and the readers are imported inside the commands, so that help comes at once.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kdeviz import __version__
from kdeviz.errors import DataError, KdevizError, OptionError
from kdeviz.settings import FeatureScalingMethod, Settings
from kdeviz.wording import duration, number, percent, size

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kdeviz.analysis import Analysis
    from kdeviz.calibration import ThresholdRule
    from kdeviz.classifier import KDEClassifier
    from kdeviz.data import EmbeddingSet

__all__ = ["main"]

SAMPLE = "sample"
BAD_INPUT = 2
_DEFAULTS = Settings()
_SCORE_FORMATS = (".parquet", ".csv")

cli = typer.Typer(
    help="See, tune and ship a PCA + Gaussian-KDE anomaly classifier for embeddings.",
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="Embeddings: .npy .npz .csv .tsv .parquet .feather .arrow .pt .pth .safetensors; "
        "or the word sample, for the shipped set of digits (when no file has that name).",
    ),
]
Model = Annotated[Path, typer.Argument(metavar="MODEL", help="A model file that kdeviz wrote.")]
EmbeddingColumn = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Which column or array holds the embeddings, where it is not plain."),
]
Metadata = Annotated[
    str | None, typer.Option(metavar="FILE", help="A second table about the rows, joined by id or row order.")
]
Device = Annotated[
    str,
    typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:1, mps, …; auto takes a GPU if there is one."),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the output file.")]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave the process: 0 done, 2 bad input (one line on stderr), 130 interrupted."""
    logging.getLogger("kdeviz").addHandler(logging.NullHandler())  # warnings are printed from the analysis
    try:
        code = typer.main.get_command(cli).main(arguments, "kdeviz", standalone_mode=False)
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        _say("error", error.format_message() + (f" (see {context.command_path} --help)" if context else ""))
        sys.exit(BAD_INPUT)
    except KdevizError as error:
        _say("error", str(error))
        sys.exit(BAD_INPUT)
    sys.exit(code)


@cli.callback(invoke_without_command=True)
def _kdeviz(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    if version:
        typer.echo(f"kdeviz {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@cli.command("app")
def open_app(
    file: Annotated[
        str | None, typer.Argument(metavar="FILE", help="Embeddings to open; the sample set without it.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Port; the first free one from 8501 on without it."),
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS", help="Address to listen on. There is no login: keep it on this machine."
        ),
    ] = "127.0.0.1",
    device: Device = "auto",
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open a browser page, where there is a screen.")
    ] = True,
) -> None:
    """Open the app in a browser; Ctrl-C stops it."""
    from kdeviz.resources import resource

    opened = [] if file is None or _is_sample(file) else [str(_existing(file))]
    _check_address(host, port)
    if device != "auto":
        from kdeviz.devices import resolve_device

        resolve_device(device)
    if host not in ("127.0.0.1", "localhost", "::1"):
        _say(
            "warning", f"listening on {host}: whoever reaches this machine can use the app, there is no login"
        )
    # Nothing in the present folder may shadow a package, hence -P.
    command = [sys.executable, "-P", "-m", "streamlit", "run", str(resource("app.py"))]
    command += [f"--server.address={host}", f"--server.headless={not (browser and _has_screen())}".lower()]
    command += ["--server.showEmailPrompt=false", *([f"--server.port={port}"] if port else [])]
    _replace_process([*command, "--", *opened, f"--device={device}"])


@cli.command()
def fit(
    data: Data,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The model file to write.")],
    components: Annotated[
        str,
        typer.Option(
            metavar="K", help="Principal components to keep: a number, or the share of the variance."
        ),
    ] = str(_DEFAULTS.n_pca_components),
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
            "score), top_k, log_density, probability; with labels best_f1 or fpr.",
        ),
    ] = "quantile",
    threshold_value: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="What the rule takes: a share (quantile, fpr; 0.01 without it), a count (top_k), "
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
    force: Force = False,
) -> None:
    """Fit a model on DATA and write it, with its threshold, to a file.

    Where DATA has a split, the rows of split train are fitted and the others scored; otherwise all rows are
    both, each left out of its own score.
    """
    _check_output(output, force, data, metadata)
    settings = Settings(_number(components), scaling, max_training_points, _number(bandwidth), seed)
    with _progress() as tell:
        from kdeviz.analysis import analyse
        from kdeviz.calibration import ProbabilityCurve
        from kdeviz.export.model import fitted_model

        rule = _threshold_rule(threshold_rule, threshold_value)
        given = {"midpoint": midpoint, "steepness": steepness}
        curve = ProbabilityCurve(**{name: value for name, value in given.items() if value is not None})
        train, others = _read(data, embedding_column, metadata).train_and_test()
        analysis = analyse(train, others, settings, device, tell)
        threshold = rule.threshold(analysis.train_scores, analysis.scores, analysis.inspected.labels, curve)
        with _writing(output):
            fitted_model(analysis, threshold, curve).save(output)
    for warning in analysis.warnings:
        _say("warning", warning)
    _print_facts(_fit_facts(analysis, threshold, output))


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
        "variance kept": percent(_variance_kept(kept)),
        "threshold": f"{threshold!r} nats",
        "training alarms": f"{alarms} ({percent(numbers.expected_alarm_rate)})",
        "flagged": f"{numbers.flagged} of {numbers.inspected} inspected rows",
        **found,
        "time": f"{duration(numbers.seconds)} on {analysis.provenance['device']}",
        "model": str(output),
    }


@cli.command()
def score(
    model: Model,
    data: Data,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The table to write, .parquet or .csv.")
    ],
    all_rows: Annotated[
        bool, typer.Option("--all-rows", help="Score the rows of split train as well.")
    ] = False,
    device: Device = "auto",
    embedding_column: EmbeddingColumn = None,
    metadata: Metadata = None,
    force: Force = False,
) -> None:
    """Score the rows of DATA with a model: rank, log density, probability, flagged or not.

    Where DATA has a split, the rows of split train are left out, as in the app, unless --all-rows is given.
    Rows that the model was fitted on are scored without their own kernel (leave-one-out). They are recognised
    when the whole of DATA, or of its split train, is what the model was fitted on.
    """
    if output.suffix.lower() not in _SCORE_FORMATS:
        raise OptionError(f"{output}: scores are written as {' or '.join(_SCORE_FORMATS)}: name it so")
    _check_output(output, force, data, metadata, str(model))
    with _progress() as tell:
        from kdeviz.atomic import write_whole
        from kdeviz.classifier import KDEClassifier
        from kdeviz.export.scores import model_scores, to_csv, to_parquet

        classifier = KDEClassifier.load(model, device)
        rows = _rows_to_score(_read(data, embedding_column, metadata), all_rows)
        scores = _scores(classifier, rows, tell)
        threshold = _threshold_of(classifier)
        table = model_scores(classifier, rows, scores, threshold)
        content = to_csv(table) if output.suffix.lower() == ".csv" else to_parquet(table)
        with _writing(output):
            write_whole(output, lambda path: _fill(path, content))
    _print_facts(
        {
            "rows scored": str(len(rows)),
            "flagged": str(int((scores < threshold).sum())),
            "threshold": f"{threshold!r} nats",
            "scores": str(output),
        }
    )


def _rows_to_score(data: EmbeddingSet, all_rows: bool) -> EmbeddingSet:
    _, others = data.train_and_test()
    if all_rows or others is None:
        return data
    _say("note", f"{len(data) - len(others)} rows of split train are left out: --all-rows scores them too")
    return others


def _scores(
    classifier: KDEClassifier, rows: EmbeddingSet, tell: Callable[[str, float], None]
) -> NDArray[np.floating[Any]]:
    from kdeviz.export.scores import log_densities, rows_fitted_on

    fitted_on = rows_fitted_on(classifier, rows)
    if len(fitted_on):
        rest = "each is left out of its own score"
        _say("note", f"the model was fitted on {len(fitted_on)} of these rows: {rest}")

    def on_block(done: int, total: int) -> None:
        tell("Scoring", done / total)

    try:
        return log_densities(classifier, rows, fitted_on, on_block)
    except RuntimeError as error:
        if "out of memory" not in str(error):
            raise
    _say("warning", f"{classifier.device} ran out of memory: computed on the CPU")
    return log_densities(classifier.cpu(), rows, fitted_on, on_block)


def _threshold_of(classifier: KDEClassifier) -> float:
    from kdeviz.calibration import ThresholdRule

    if classifier.threshold is not None:
        return classifier.threshold
    left_out = classifier.leave_one_out_scores().cpu().numpy()
    rule = ThresholdRule()
    share = f"{100 * rule.value:g} %"
    _say("warning", f"the model has no threshold: took the default, with at most {share} of its rows below")
    return rule.threshold(left_out, left_out)


@cli.command()
def info(model: Model) -> None:
    """Say what is in a model file."""
    from kdeviz.classifier import KDEClassifier
    from kdeviz.kde import bandwidth_factor
    from kdeviz.model_file import read_model_file

    classifier = KDEClassifier.load(model, "cpu")
    _, stored = read_model_file(model)
    settings, curve, k = classifier.settings, classifier.curve, classifier.n_components_
    n = len(classifier.training_rows)
    threshold = classifier.threshold
    _print_facts(
        {
            "file": f"{model} ({size(model.stat().st_size)}, format {stored['format_version']})",
            "written by": f"kdeviz {stored.get('kdeviz_version')}, torch {stored.get('torch_version')}",
            "dimensions": str(stored["dimensions"]),
            "training points": f"{n} (at most {settings.max_training_points}, seed {settings.seed})",
            "components": f"{k} ({settings.n_pca_components} asked for)",
            "variance kept": percent(_variance_kept(classifier)),
            "scaling": settings.feature_scaling_method.value,
            "bandwidth": f"{settings.bandwidth}, factor {bandwidth_factor(settings.bandwidth, n, k)!r}",
            "threshold": "none" if threshold is None else f"{threshold!r} nats",
            "curve": f"midpoint {curve.midpoint!r} nats, steepness {curve.steepness!r} per nat",
            "data digest": classifier.data_digest,
        }
    )


def _variance_kept(classifier: KDEClassifier) -> float:
    return float(classifier.pca_model.explained_variance_ratio.sum())


def _is_sample(data: str) -> bool:
    return data == SAMPLE and not Path(data).exists()


def _existing(path: str) -> Path:
    if not Path(path).is_file():
        raise DataError(f"{path}: there is no such file")
    return Path(path).resolve()


def _read(data: str, embedding_column: str | None, metadata: str | None) -> EmbeddingSet:
    from kdeviz.data import load_embeddings
    from kdeviz.samples import load_sample

    if not _is_sample(data):
        rows = load_embeddings(data, embedding_column=embedding_column, metadata=metadata)
    elif embedding_column is None and metadata is None:
        rows = load_sample()
    else:
        raise OptionError("the sample set takes no --embedding-column and no --metadata: leave them out")
    for note in rows.notes:
        _say("note", note)
    return rows


def _number(text: str) -> Any:
    """An int or a float where the text is one; `Settings` judges what is left."""
    try:
        value = float(text)
    except ValueError:
        return text
    return int(text) if text.strip("+-").isdecimal() else value


def _threshold_rule(kind: str, value: float | None) -> ThresholdRule:
    from kdeviz.calibration import THRESHOLD_RULES, ThresholdRule

    if value is not None:
        return ThresholdRule(kind, value)
    if kind in ("top_k", "log_density", "probability"):
        raise OptionError(f"--threshold-rule {kind} needs --threshold-value: {THRESHOLD_RULES[kind]}")
    return ThresholdRule(kind)


def _check_output(output: Path, force: bool, *inputs: str | None) -> None:
    """Refuse an output that cannot or should not be written, before any work is done."""
    try:
        if output.exists():
            if not output.is_file():
                raise OptionError(f"{output} is not a file: choose another name")
            if any(path and Path(path).exists() and output.samefile(path) for path in inputs):
                raise OptionError(f"{output} is also an input: choose another name")
            if not force:
                raise OptionError(
                    f"{output} exists already: choose another name, or overwrite it with --force"
                )
        with tempfile.TemporaryFile(dir=output.parent):
            pass
    except OSError as error:
        raise OptionError(f"{output} cannot be written ({error.strerror}): choose another folder") from None


@contextmanager
def _writing(output: Path) -> Iterator[None]:
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, SafetensorError) as error:
        raise OptionError(f"{output} could not be written ({error}): nothing was changed") from None


def _fill(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _check_address(host: str, port: int | None) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, port or 0), family=family):
            pass
    except OSError as error:
        place = host if port is None else f"{host} port {port}"
        raise OptionError(f"cannot listen on {place} ({error.strerror}): choose another") from None


def _has_screen() -> bool:
    return not sys.platform.startswith("linux") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))


def _replace_process(command: list[str]) -> None:
    """Become `command`, so that signals reach it and nothing is left behind when it ends."""
    if sys.platform == "win32":  # exec would detach it from the console there
        raise typer.Exit(subprocess.call(command))
    os.execv(command[0], command)


@contextmanager
def _progress() -> Iterator[Callable[[str, float], None]]:
    """A bar on stderr, when a person looks at it; it takes (stage, fraction done)."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Reading", total=None)
        yield lambda stage, fraction: bar.update(task, description=stage, completed=fraction, total=1)


def _print_facts(facts: dict[str, str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    table = Table.grid(padding=(0, 2))
    for name, value in facts.items():
        table.add_row(Text(name, style="bold"), Text(_one_line(value), overflow="fold"))
    # A pipe has no width to fit into.
    console.print(table, width=None if console.is_terminal else 10_000)


def _say(kind: str, message: str) -> None:
    typer.echo(f"{kind}: {_one_line(message)}", err=True)


def _one_line(text: str) -> str:
    """Without line breaks and control characters, which a file's name or content could bring."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))


if __name__ == "__main__":
    main()
