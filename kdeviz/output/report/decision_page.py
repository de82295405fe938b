"""What a report tells of one decision."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from kdeviz.analysis import OnProgress, Watch, drift
from kdeviz.charts import kept_words, scree_numbers
from kdeviz.data import ANOMALOUS, NORMAL, UNKNOWN
from kdeviz.decision import Decision, Estimate
from kdeviz.output.recipe import Files, python_recipe, shell_recipe
from kdeviz.output.report.content import Block, Cell, Code, Column, Page, Section, Table, Text, facts
from kdeviz.output.report.numbers import decision_numbers
from kdeviz.output.report.pictures import decision_charts, stability_charts, sweep_charts
from kdeviz.output.report.samples import MOST_SAMPLES, gallery, samples_table, top_rows
from kdeviz.output.scores import Marks
from kdeviz.output.story import finding, headline, lead, story
from kdeviz.preflight import Preflight
from kdeviz.scaling import SCALINGS
from kdeviz.settings import bandwidth_in_words, components_in_words
from kdeviz.sweep import BOOTSTRAP, Choice, Stability, Sweep
from kdeviz.wording import capital, count, duration, number, percent, plain_number

_RARE = (0.05, 0.01, 0.001)


class Extras(NamedTuple):
    """What a report can tell beside the decision, as far as it is there."""

    name: str = ""
    """Of the run, or of the model's file."""
    files: Files | None = None
    """Where the rows come from: then the lines are told that give the same decision again."""
    relabelled: bool = False
    """Whether the labels are not those of the files."""
    command: str = ""
    """The line of shell that writes this report."""
    checks: Preflight | None = None
    """Of the file that was fitted on."""
    stability: Stability | None = None
    sweep: tuple[Sweep, Choice] | None = None
    marks: Marks | None = None
    text_column: str | None = None
    """Which text is shown of each sample; see `EmbeddingSet.texts`."""


def decision_page(
    decision: Decision,
    extras: Extras,
    on_progress: OnProgress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Page:
    """The whole page; see `report`."""
    watch = Watch(on_progress, cancelled)
    rows = top_rows(decision)
    with watch.stage("Explaining the most anomalous samples") as on_block:
        table = samples_table(decision, rows, extras.text_column, extras.marks, on_block)
    with watch.stage("Drawing the charts"):
        charts = decision_charts(decision, extras.text_column)
    shown = gallery(decision, rows, extras.text_column)
    return Page(
        about=_about(decision, extras),
        finding=finding(decision),
        lead=lead(decision),
        figures=headline(decision),
        opening=(shown, story(decision, extras.stability)),
        sections=(
            Section("data", "Data and checks", tuple(_data(decision, extras))),
            Section("settings", "Settings", (_settings(decision),)),
            Section("charts", "Charts", (charts,)),
            Section("numbers", "Threshold, p-values and metrics", tuple(_numbers(decision))),
            Section("samples", "The most anomalous samples", (_listed(decision, len(rows)), table)),
            Section("trust", "Drift, stability and sweep", tuple(_trust(decision, extras))),
            Section("provenance", "Provenance", tuple(_provenance(decision))),
            Section("again", "How to get the same again", tuple(_again(decision, extras))),
        ),
        numbers=decision_numbers(decision, decision.analysis.inspected.digest),
    )


def _about(decision: Decision, extras: Extras) -> str:
    analysis = decision.analysis
    made = str(analysis.provenance.get("created", ""))[:10]
    return " · ".join(filter(None, (analysis.inspected.name, extras.name, made)))


# --- data, checks, settings


def _data(decision: Decision, extras: Extras) -> Iterator[Block]:
    analysis = decision.analysis
    train, inspected, model = analysis.train, analysis.inspected, analysis.classifier
    learned = count(len(model.training_rows))
    if len(train):
        learned += f" of {count(len(train))} samples of {train.name}"
    these = ""
    if analysis.inspects_training:
        some = len(analysis.fitted_on) < len(inspected)
        which = f"{count(len(analysis.fitted_on))} of them" if some else "those that"
        these = f", {which} were learned from"
    rows = {
        "Data": inspected.name,
        "Learned from": learned,
        "Looked at": f"{count(len(inspected))} samples{these}",
        "Features": count(len(model.pca_model.mean)),
        "Labels": _labels(decision),
    }
    yield facts(rows)
    for sentence in train.changes:
        yield Text(f"Before the fit: {sentence}")
    for warning in analysis.warnings:
        yield Text(f"{capital(warning)}.".replace("..", "."), "warning")
    read = train if train.reading is not None else inspected
    if read.reading is not None:
        understood = {capital(name): value for name, value in read.reading.facts().items()}
        yield facts(understood, "How the file was read")
    for note in dict.fromkeys((*train.notes, *inspected.notes)):
        yield Text(note, "note")
    yield from _checks(extras.checks)


def _labels(decision: Decision) -> str:
    labels = decision.labels
    if labels is None:
        return "none"
    words = ((NORMAL, "normal"), (ANOMALOUS, "anomalous"), (UNKNOWN, "not labelled"))
    return ", ".join(f"{count(int((labels == kind).sum()))} {word}" for kind, word in words)


def _checks(checks: Preflight | None) -> Iterator[Block]:
    if checks is None:
        yield Text("The file that the model was fitted on was not checked.", "note")
        return
    fine = [capital(finding.kind) for finding in checks.findings if finding.severity == "ok"]
    rows = tuple(
        (
            Cell(capital(finding.severity), strong=True),
            Cell(capital(finding.kind)),
            Cell(f"{finding.sentence} {finding.which and capital(finding.which) + '.'}".strip()),
        )
        for finding in checks.problems
    )
    if rows:
        columns = Column("Outcome"), Column("Check"), Column("What was found", wide=True)
        yield Table("checks", f"Checks of {checks.facts.name}", columns, rows, head=1)
    found = f"{count(len(fine))} of {count(len(checks.findings))} checks found nothing"
    yield Text(f"{found}: {', '.join(fine).lower()}.")


def _settings(decision: Decision) -> Block:
    settings, model, rule = decision.analysis.settings, decision.analysis.classifier, decision.rule
    scaling, curve = SCALINGS[settings.feature_scaling_method.value], decision.curve
    chosen = "that of the saved model" if rule is None else f"{rule.rule.title}: {rule.in_words}"
    return facts(
        {
            "Components (PCA)": f"{components_in_words(settings.n_pca_components)} asked for; "
            f"{kept_words(scree_numbers(decision)).lower()}",
            "Scaling": f"{scaling.name}, which {scaling.effect}",
            "Features standardised": "yes" if settings.standardise else "no",
            "Training cap": f"{count(settings.max_training_points)} samples; "
            f"{count(len(model.training_rows))} were used",
            "Bandwidth (smoothness)": bandwidth_in_words(settings.bandwidth),
            "Seed": str(settings.seed),
            "Threshold rule": chosen,
            "Probability curve": f"midpoint {plain_number(curve.midpoint)} nats, steepness "
            f"{plain_number(curve.steepness)} per nat{', the default, uncalibrated' * curve.is_default}",
        }
    )


# --- numbers


def _numbers(decision: Decision) -> Iterator[Block]:
    expected, calibrated = decision.expected_alarms, decision.analysis.calibrated
    alarms = "not known"
    if calibrated and expected.rows:
        alarms = f"{percent(expected.rate)} of normal samples (95 % interval {percent(expected.low)} to "
        alarms += (
            f"{percent(expected.high)}): {count(expected.alarms)} of {count(expected.rows)} training samples"
        )
    rows: dict[str, str | Cell] = {
        "Threshold": Cell(f"{number(decision.threshold, 4)} nats of log density", decision.threshold),
        "Flagged": Cell(f"{count(decision.n_flagged)} of {count(len(decision.flagged))}", decision.n_flagged),
        "Expected false alarms": Cell(alarms, expected.rate if calibrated else None),
    }
    yield facts(rows)
    for remark in filter(None, (decision.remark, decision.saved_remark, decision.alarms_remark)):
        yield Text(f"{capital(remark)}.", "note")
    yield from _p_values(decision)
    yield from _metrics(decision)


def _p_values(decision: Decision) -> Iterator[Block]:
    p_values = decision.p_values
    if p_values is None:
        yield Text("The model keeps no scores of unseen normal samples, so there are no p-values.", "note")
        return
    lowest = 1 / (len(decision.analysis.calibration) + 1)
    rows = []
    for share in _RARE:
        if share >= lowest:
            so_low, usual = int((p_values <= share).sum()), share * len(p_values)
            rarity = Cell(f"1 in {count(round(1 / share))}", share)
            rows.append((rarity, Cell(count(so_low), so_low), Cell(number(usual), usual)))
    columns = (
        Column("As rare among normal samples as"),
        Column("Samples", numeric=True),
        Column("If all were normal", numeric=True),
    )
    yield Table("p-values", "p-values: how rarely a normal sample scores so low", columns, tuple(rows))


def _metrics(decision: Decision) -> Iterator[Block]:
    metrics, counts = decision.metrics, decision.confusion
    if metrics is None or counts is None:
        yield Text("Without labels of both kinds there are no mistakes to count.", "note")
        return
    words = {
        "auroc": ("Separation (AUROC)", "an anomalous sample scores lower than a normal one so often"),
        "average_precision": ("Average precision", "the mean precision from the most suspicious one on"),
        "precision": ("Precision", "of the flagged samples with a label, the share that is anomalous"),
        "recall": ("Recall", "of the anomalous samples, the share that is flagged"),
        "f1": ("F1", "the harmonic mean of precision and recall"),
    }
    rows = tuple(
        (Cell(title), *_estimated(estimate), Cell(meaning))
        for name, (title, meaning) in words.items()
        if (estimate := getattr(metrics, name)) is not None
    )
    columns = (
        Column("Metric"),
        Column("Value", numeric=True),
        Column("95 % interval"),
        Column("Meaning", wide=True),
    )
    yield Table("metrics", "Metrics on the labelled samples", columns, rows)
    caught, false, missed, passed = counts
    heads = Column("Label"), Column("Flagged", numeric=True), Column("Not flagged", numeric=True)
    cells = (("anomalous", caught, missed), ("normal", false, passed))
    table = tuple(
        (Cell(name), Cell(count(one), one), Cell(count(other), other)) for name, one, other in cells
    )
    yield Table("confusion", "Labels and verdicts", heads, table)


def _estimated(estimate: Estimate) -> tuple[Cell, Cell]:
    low, high = estimate.interval
    interval = "not known" if low != low else f"{number(low)} to {number(high)}"
    return Cell(number(estimate.value), estimate.value), Cell(interval)


def _listed(decision: Decision, listed: int) -> Text:
    flagged = decision.n_flagged
    if not flagged:
        return Text(f"Nothing is flagged; these are the {count(listed)} of lowest score.")
    if listed < flagged:
        return Text(f"The {count(MOST_SAMPLES)} most anomalous of the {count(flagged)} flagged samples.")
    return Text("Every flagged sample, the most anomalous first.")


# --- trust, provenance, reproduction


def _trust(decision: Decision, extras: Extras) -> Iterator[Block]:
    unlike = drift(decision.analysis)
    if unlike is None:
        yield Text("Drift: not looked at, which takes 50 samples or more that the model was not fitted on.")
    else:
        chance = f"p = {number(unlike.p_value)}" if unlike.p_value >= 1e-4 else "p below 0.0001"
        tested = f" (one-sided test of {count(unlike.rows)} samples, {chance})"
        yield Text(f"Drift: {unlike.in_words[:-1]}{tested}.", "warning" if unlike.found else "plain")
    if extras.stability is None:
        yield Text("Stability: the fit was not repeated.")
    else:
        yield from _stability(extras.stability, decision)
    if extras.sweep is None:
        yield Text("Sweep: other settings are not part of this report.")
        return
    sweep, choice = extras.sweep
    yield Text(f"Sweep over {count(len(sweep.rows))} settings: {choice.sentence}")
    yield sweep_charts(sweep, choice)


def _stability(stability: Stability, decision: Decision) -> Iterator[Block]:
    if stability.unseen:
        yield Text(f"Stability: nothing can be seen: {stability.unseen}.", "note")
        return
    for repeats in stability.repeats:
        if repeats.source == BOOTSTRAP:
            low, high = map(percent, repeats.found.interval)
            yield Text(
                f"Stability: on average {percent(repeats.found.value)} ({low} to {high}) of the "
                f"{count(len(stability.top))} most anomalous samples come back when the training samples are "
                f"drawn anew; by chance alone {percent(stability.chance)} would."
            )
    for note in stability.notes:
        yield Text(f"{capital(note)}.", "note")
    yield stability_charts(stability, decision)


def _provenance(decision: Decision) -> Iterator[Block]:
    analysis = decision.analysis
    known = {name: value for name, value in analysis.provenance.items() if value not in (None, "", [])}
    names = {
        "train_name": "Fitted on",
        "train_digest": "Digest of the training samples",
        "score_name": "Scored",
        "score_digest": "Digest of the scored samples",
        "seed": "Seed",
        "device": "Device",
        "kdeviz_version": "kdeviz",
        "torch_version": "torch",
        "created": "Computed at",
    }
    rows = {title: str(known[name]) for name, title in names.items() if name in known}
    rows.setdefault("Digest of the scored samples", analysis.inspected.digest)
    yield facts(rows)
    times = {
        capital(stage.replace("_", " ")): Cell(duration(seconds), seconds)
        for stage, seconds in analysis.timings.items()
    }
    if times:
        yield facts(times, "Time it took")


def _again(decision: Decision, extras: Extras) -> Iterator[Block]:
    if extras.command:
        yield Code("This report", extras.command)
    if extras.files is None:
        return
    yield Code("In a shell", shell_recipe(decision, extras.files, extras.relabelled))
    yield Code("In Python", python_recipe(decision, extras.files, extras.relabelled))
