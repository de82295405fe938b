"""`kdeviz report`."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

import kdeviz.output
from kdeviz.cli.corrections import correctable, options_of, words_of
from kdeviz.cli.inputs import fixed, fixed_like, read, read_beside, recipe_files
from kdeviz.cli.options import Device, Fixes, Force, Metadata, RunsFolder
from kdeviz.cli.output import check_output, print_facts, progress, say, write
from kdeviz.cli.sides import run_of, scored_file, scored_side
from kdeviz.data import Corrections
from kdeviz.errors import OptionError
from kdeviz.wording import count, size

if TYPE_CHECKING:
    from kdeviz.analysis import OnProgress
    from kdeviz.data import EmbeddingSet

_SUFFIXES = (".html", ".htm")

_About = Annotated[
    str,
    typer.Argument(
        metavar="MODEL-OR-RUN",
        help="A model file, or a kept run (its name, id or folder; a beginning will do).",
    ),
]
_Data = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[DATA]...",
        help="Embeddings to tell of, as for kdeviz score; with the rows that the model was fitted on, or "
        "those named with --fitted, the report also says why. With --compare first the other run.",
    ),
]
_Output = Annotated[
    Path, typer.Option("-o", "--output", metavar="FILE", help="The page to write, such as report.html.")
]
_Compare = Annotated[
    bool,
    typer.Option(
        "--compare",
        help="Tell of two runs: what changed, which samples only one of them flags, and whether that is more "
        "than chance.",
    ),
]
_Fitted = Annotated[
    str | None, typer.Option(metavar="FILE", help="What the model was fitted on, where that is not in DATA.")
]
_FittedMetadata = Annotated[str | None, typer.Option(metavar="FILE", help="The --metadata of --fitted.")]
_Repeats = Annotated[
    int,
    typer.Option(
        "--repeats",
        min=0,
        metavar="N",
        help="Fit N times again in every way, and tell whether the same samples come back; 2 or more.",
    ),
]


@correctable
def report(
    about: _About,
    data: _Data = None,
    output: _Output = Path("report.html"),
    compare: _Compare = False,
    fitted: _Fitted = None,
    fitted_metadata: _FittedMetadata = None,
    repeats: _Repeats = 0,
    runs: RunsFolder = None,
    device: Device = "auto",
    metadata: Metadata = None,
    fix: Fixes = None,
    force: Force = False,
    *,
    said: Corrections,
) -> None:
    """Write a page for people who have no kdeviz: one HTML file that opens without a server or a network.

    It says in plain words what was found and how sure that is, with interactive charts, the most anomalous
    samples and why, the checks of the data, and the commands that give the same again. The numbers are those
    of the app and of kdeviz score.

    Where DATA has a split, the rows of split train are those that were fitted on, and the others are told of.
    """
    given = data or []
    if output.suffix.lower() not in _SUFFIXES:
        raise OptionError(f"{output}: a report is written as {' or '.join(_SUFFIXES)}: name it so")
    check_output(output, force, about, *given, metadata, fitted, fitted_metadata)
    of_fitted = {"--fitted": fitted, "--fitted-metadata": fitted_metadata}
    of_data = {"--metadata": metadata, "--fix": fix}
    _check_used(given, compare, repeats, of_fitted, {**of_data, **options_of(said)})
    options = {**of_fitted, **of_data, "--runs": runs, **options_of(said)}
    command = _command([about, *given], output, options, compare, repeats)
    with progress() as tell:
        if compare:
            rows = _read(given[1:], None, said, metadata, None, fix or ()) if given[1:] else None
            content, facts = _compared(about, given[0], rows, runs, device, command)
        else:
            run = run_of(about, runs)
            fixes = tuple(fix or (() if run is None else run.record.fixes))
            rows = _read(given, fitted, said, metadata, fitted_metadata, fixes)
            if fitted is None:
                files = recipe_files(given, metadata, fixes)
            else:
                files = recipe_files([fitted], fitted_metadata, fixes, given, metadata)
            content, facts = _told(about, run, rows, files, device, command, repeats, tell)
        write(output, content)
    print_facts({**facts, "report": f"{output} ({size(len(content))})"})


def _check_used(
    given: list[str], compare: bool, repeats: int, of_fitted: dict[str, Any], of_data: dict[str, Any]
) -> None:
    """Refuse what is missing, and what would not be used."""
    if of_fitted["--fitted-metadata"] is not None and of_fitted["--fitted"] is None:
        raise OptionError("--fitted-metadata is about what was fitted on: name that with --fitted")
    if not compare and not given:
        raise OptionError("name the DATA to tell of, after the model or the run")
    if compare and (not given or repeats):
        raise OptionError("--compare takes two runs or model files, and no --repeats: name the second")
    if repeats == 1:
        raise OptionError("--repeats 1: nothing can be compared with one more fit; give 2 or more")
    if compare and (unused := _given(of_fitted)):
        raise OptionError(f"--compare takes no {unused}: what was fitted on is looked for in DATA")
    if compare and len(given) == 1 and (unused := _given(of_data)):
        raise OptionError(f"without DATA nothing is read: name it after the two, or leave out {unused}")


def _given(options: dict[str, Any]) -> str:
    return " and ".join(name for name, value in options.items() if value)


class _Rows(NamedTuple):
    """What was read."""

    everything: EmbeddingSet
    """With the rows that were fitted on, if they are here."""
    train: EmbeddingSet
    inspected: EmbeddingSet
    """`train` itself where there are no others."""


def _read(
    data: list[str],
    fitted: str | None,
    said: Corrections,
    metadata: str | None,
    fitted_metadata: str | None,
    fixes: tuple[str, ...] | list[str],
) -> _Rows:
    rows = read(data, said, metadata)
    if fitted is None:
        rows = fixed(rows, fixes)
        train, others = rows.train_and_test()
        return _Rows(rows, train, train if others is None else others)
    before = read_beside(fitted, said, fitted_metadata)
    inspected = fixed_like(rows, before, fixes)
    everything = fixed(before, fixes)
    return _Rows(everything, everything.train_and_test()[0], inspected)


def _told(
    about: str,
    run: kdeviz.output.Run | None,
    rows: _Rows,
    files: kdeviz.output.Files | None,
    device: str,
    command: str,
    repeats: int,
    tell: OnProgress,
) -> tuple[bytes, dict[str, str]]:
    """The page about one decision, and what to say of it."""
    from kdeviz.preflight import all_checks

    decision = _decision(about, run, rows, device)
    here = len(decision.analysis.fitted_on) > 0
    if not here:
        say(
            "note",
            "the rows that the model was fitted on are not in DATA: name them with --fitted to see more",
        )
    tell("Checking the data", 0.0)
    extras = kdeviz.output.Extras(
        name=about if run is None else run.name,
        files=files if here else None,
        relabelled=run is not None and decision.labels is not rows.inspected.labels,
        command=command,
        checks=all_checks(rows.everything, decision.analysis.classifier) if here else None,
        stability=_repeated(decision, repeats, device, tell) if repeats else None,
    )
    facts = {
        "samples": str(len(decision.flagged)),
        "flagged": str(decision.n_flagged),
        "threshold": f"{decision.threshold!r} nats",
    }
    return kdeviz.output.report(decision, extras, tell).encode(), facts


def _decision(about: str, run: kdeviz.output.Run | None, rows: _Rows, device: str) -> kdeviz.Decision:
    """As it was kept, where the data are those of the run; else of these rows as the model scores them."""
    from kdeviz.comparison import decision_with_data, scored_decision

    inspected, train = rows.inspected, rows.train
    if run is None:
        scored = scored_file(Path(about), inspected, device)
        return decision_with_data(scored, train, inspected) or scored.decision
    kept = run.scored(device)
    labels = kept.decision.labels
    if kept.inspected_digest == inspected.digest and len(kept.scores) == len(inspected):
        # Marks may have been taken for labels.
        if labels is not None and (inspected.labels is None or (labels != inspected.labels).any()):
            labelled = replace(inspected, labels=labels)
            train, inspected = labelled if train is inspected else train, labelled
        found = decision_with_data(kept, train, inspected)
        if found is not None:
            return found
    say("note", f"DATA are not what {run.name} was kept with: scored now, with its threshold")
    now = scored_file(run.path("model.safetensors"), inspected, device).decision
    before = kept.decision
    decision = kdeviz.Decision(now.analysis, before.rule, before.curve, before.threshold, stored=True)
    return decision_with_data(scored_decision(decision), train, inspected) or decision


def _repeated(
    decision: kdeviz.Decision, repeats: int, device: str, tell: OnProgress
) -> kdeviz.sweep.Stability:
    analysis = decision.analysis
    if not len(analysis.fitted_on):
        raise OptionError("--repeats takes the rows that the model was fitted on: name them with --fitted")
    top = min(20, max(len(analysis.scores) // 10, 1))
    train, scored = analysis.train, analysis.scored
    return kdeviz.sweep.stability(train, scored, analysis.settings, top, repeats, None, device, tell)


def _compared(
    first: str, second: str, rows: _Rows | None, runs: Path | None, device: str, command: str
) -> tuple[bytes, dict[str, str]]:
    """The page about two, and what to say of it."""
    from kdeviz.comparison import compare, decision_with_data

    inspected = None if rows is None else rows.inspected
    one, other = (scored_side(side, inspected, runs, device) for side in (first, second))
    comparison = compare(one, other)
    for note in comparison.notes:
        say("note", note)
    found = [decision_with_data(side, rows.train, rows.inspected) for side in (one, other)] if rows else []
    content = kdeviz.output.comparison_report(comparison, kdeviz.output.Explained(*found), command).encode()
    only_first, only_second = map(len, comparison.disagreements)
    flipped = f"{count(only_first)} only by the first, {count(only_second)} only by the second"
    return content, {"common samples": str(len(comparison.ids)), "flagged": flipped}


def _command(names: list[str], output: Path, options: dict[str, Any], compare: bool, repeats: int) -> str:
    """The line that writes this report."""
    parts = ["kdeviz", "report", *(["--compare"] if compare else []), *names, "-o", str(output)]
    parts += words_of(options)
    return shlex.join([*parts, *(["--repeats", str(repeats)] if repeats else [])])
