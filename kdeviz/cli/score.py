"""`kdeviz score`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import kdeviz.output
from kdeviz.cli.corrections import correctable
from kdeviz.cli.inputs import fixed, fixed_like, read
from kdeviz.cli.options import Address, Data, Device, Engine, Fixes, Force, Metadata, Model, Workers
from kdeviz.cli.output import check_output, check_table_name, print_facts, progress, say, tell_of_all, write
from kdeviz.cli.score_many import is_folder, score_many
from kdeviz.data import Corrections
from kdeviz.errors import OptionError

if TYPE_CHECKING:
    from kdeviz.analysis import Analysis, OnProgress
    from kdeviz.data import EmbeddingSet

_Output = Annotated[
    str,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help="The table to write, such as scores.parquet or scores.csv; or a folder, into which every file "
        "of DATA is scored by itself, also on another machine (s3://bucket/folder).",
    ),
]
_AllRows = Annotated[bool, typer.Option("--all-rows", help="Score the rows of split train as well.")]
_Fitted = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="What the model was fitted on, where that is not DATA: --fix looks there, and the columns "
        "that it drops there are dropped from DATA. Rows of DATA are never dropped then.",
    ),
]
_FittedColumn = Annotated[
    str | None, typer.Option(metavar="NAME", help="The --embedding-column of --fitted.")
]
_FittedMetadata = Annotated[str | None, typer.Option(metavar="FILE", help="The --metadata of --fitted.")]


@correctable
def score(
    model: Model,
    data: Data,
    out: _Output,
    all_rows: _AllRows = False,
    device: Device = "auto",
    metadata: Metadata = None,
    fix: Fixes = None,
    fitted: _Fitted = None,
    fitted_column: _FittedColumn = None,
    fitted_metadata: _FittedMetadata = None,
    force: Force = False,
    engine: Engine = "none",
    workers: Workers = None,
    address: Address = None,
    *,
    said: Corrections,
) -> None:
    """Score the rows of DATA with a model: rank, log density, probability, p-value, flagged or not.

    Where DATA has a split, the rows of split train are left out, as in the app, unless --all-rows is given.
    Rows that the model was fitted on are known by their content, wherever they stand, and have the scores of
    models that have not seen them. A p-value is the share of new normal rows that score so low. Columns are
    matched by name, where the model and DATA have names.

    With a folder as output, files of any number and size are read in parts: each gets one parquet file of
    scores, without ranks and other columns, and every row is scored; a file whose rows as a whole look
    unlike the training rows is told. Files that are finished are skipped, so a run that was ended goes on
    where it was; --force scores them again. DATA and the folder may be on other machines then
    (s3://bucket/folder). Status 1 says that some file could not be scored.
    """
    if is_folder(out):
        if metadata or fix or fitted or all_rows:
            raise OptionError("--metadata, --fix, --fitted and --all-rows are for one table: name it with -o")
        score_many(model, data, out, device, said, force, engine, workers, address)
        return
    if engine != "none" or workers or address:
        raise OptionError("--engine, --workers and --address are for many files: name a folder with -o")
    output = Path(out)
    check_table_name(output, "scores")
    if not (fix and fitted) and any((fitted, fitted_column, fitted_metadata)):
        raise OptionError("--fitted is where --fix looks: give both, or leave out what begins with --fitted")
    check_output(output, force, *data, metadata, str(model), fitted, fitted_metadata)
    with progress() as tell:
        from kdeviz.decision import stored_decision

        classifier = kdeviz.KDEClassifier.load(model, device)
        given = read(data, said, metadata)
        if fix and fitted:
            given = fixed_like(
                given, read(fitted, replace(said, embedding_column=fitted_column), fitted_metadata), fix
            )
        else:
            given = fixed(given, fix or ())
        rows = _rows_to_score(given, all_rows)
        decision = stored_decision(_analysis(classifier, rows, tell))
        _tell_what_is_special(decision)
        write(output, kdeviz.output.score_bytes(decision, output.suffix))
    facts = {
        "rows scored": str(len(rows)),
        "flagged": str(decision.n_flagged),
        "threshold": f"{decision.threshold!r} nats",
        "scores": str(output),
    }
    print_facts(facts)


def _rows_to_score(data: EmbeddingSet, all_rows: bool) -> EmbeddingSet:
    _, others = data.train_and_test()
    if all_rows or others is None:
        return data
    say("note", f"{len(data) - len(others)} rows of split train are left out: --all-rows scores them too")
    return others


def _analysis(classifier: kdeviz.KDEClassifier, rows: EmbeddingSet, tell: OnProgress) -> Analysis:
    from kdeviz.analysis import analysis_of_model
    from kdeviz.model import is_out_of_memory

    def on_block(done: int, total: int) -> None:
        tell("Scoring", done / total)

    try:
        return analysis_of_model(classifier, rows, on_block)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
    say("warning", f"{classifier.device} ran out of memory: computed on the CPU")
    return analysis_of_model(classifier.cpu(), rows, on_block)


def _tell_what_is_special(decision: kdeviz.Decision) -> None:
    for note in decision.analysis.warnings:
        say("note", note)
    if decision.p_values is None:
        say("note", "the model holds no held-out scores, so there are no p-values: fit it again to have them")
    tell_of_all(decision)
    if decision.without_threshold:
        say("warning", f"the model {decision.without_threshold}")
    if decision.saved_remark:
        say("note", decision.saved_remark)
