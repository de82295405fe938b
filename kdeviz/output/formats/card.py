"""The model card: what a person should know of an exported model, in Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterator

from kdeviz import __version__
from kdeviz.decision import Decision
from kdeviz.model import bandwidth_factor
from kdeviz.output.formats.model_format import ModelFormat
from kdeviz.output.formats.verification import Verification
from kdeviz.settings import name_of
from kdeviz.wording import count, number, percent

_INTENDED = (
    "Finds unusual rows among embeddings of the same feature extractor as the training rows. A row is "
    "flagged when its log density is below the threshold. The model knows only what the training rows looked "
    "like: rows from another extractor, or new kinds of normal rows, are flagged or missed without notice, "
    "so count the flagged from time to time, and fit again when their share moves. It should not be the only "
    "ground for a decision about a person."
)


def model_card(decision: Decision, kind: ModelFormat, verification: Verification, file: str) -> str:
    """The card of an export under this file name."""
    sections = {
        "Intended use": [_INTENDED],
        "Model": _lines(_model(decision)),
        "Threshold and calibration": _lines(_threshold(decision)),
        "Metrics": _metrics(decision),
        "Warnings": [f"- {_cell(text)}" for text in _remarks(decision, kind)] or ["None."],
        "Verification": [verification.sentence],
        "How to load": [f"```python\n{kind.loading(decision, file)}\n```"],
    }
    body = "".join(f"\n## {title}\n\n{chr(10).join(lines)}\n" for title, lines in sections.items())
    return f"# {file}\n\nA model of kdeviz {__version__}, written as {kind.title}.\n{body}"


def _lines(facts: dict[str, str]) -> list[str]:
    return ["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in facts.items())]


def _model(decision: Decision) -> dict[str, str]:
    model = decision.analysis.classifier
    settings, n, k = model.settings, len(model.training_rows), model.n_components_
    rows, names = model.axes_rows, model.feature_names
    variance = float(model.pca_model.explained_variance_ratio.sum())
    return {
        "settings": f"{name_of(settings)}, seed {settings.seed}",
        "features": count(len(model.pca_model.mean)),
        "their names": "none" if names is None else _cell(", ".join(names)),
        "training rows": count(n),
        **({} if rows is None else {"principal axes": f"of all {count(rows)} rows to fit on"}),
        "components": f"{k}, {percent(variance)} of the variance",
        "bandwidth factor": repr(bandwidth_factor(settings.bandwidth, n, k)),
        "digest of the training data": f"`{model.data_digest}`",
        "kdeviz, torch": f"{__version__}, {decision.analysis.provenance.get('torch_version', 'unknown')}",
    }


def _threshold(decision: Decision) -> dict[str, str]:
    alarms, curve, rule = decision.expected_alarms, decision.curve, decision.rule
    known = f"{count(alarms.rows)} held-out scores" if decision.analysis.calibrated else "none: no p-values"
    expected = (
        f"{percent(alarms.rate)} of new normal rows "
        f"(95 % interval {percent(alarms.low)} to {percent(alarms.high)})"
        if decision.analysis.calibrated
        else "unknown"
    )
    remark = {"of the expected false alarms": decision.alarms_remark} if decision.alarms_remark else {}
    return {
        "threshold": f"{decision.threshold!r} nats",
        "chosen by": "the model file" if rule is None else f"the rule {rule.in_words}",
        "expected false alarms": expected,
        **remark,
        "calibration": known,
        "probability": f"1 / (1 + exp({curve.steepness!r} (log density - {curve.midpoint!r})))",
    }


def _metrics(decision: Decision) -> list[str]:
    found = decision.metrics
    if found is None:
        return ["Unknown: no rows with labels of both kinds were at hand."]
    rows = [
        f"| {name.replace('_', ' ')} | {number(value.value)} | {number(value.interval.low)} to "
        f"{number(value.interval.high)} |"
        for name, value in found._asdict().items()
        if value is not None
    ]
    labelled = int((decision.labels != -1).sum()) if decision.labels is not None else 0
    return [
        f"On {count(labelled)} labelled rows; {count(decision.n_flagged)} of all "
        f"{count(len(decision.flagged))} are flagged.\n",
        "| metric | value | 95 % interval |",
        "| --- | --- | --- |",
        *rows,
    ]


def _remarks(decision: Decision, kind: ModelFormat) -> Iterator[str]:
    if kind.warning:
        yield kind.warning
    yield from decision.analysis.warnings
    yield from filter(None, (decision.remark, decision.saved_remark))
    if decision.threshold == -math.inf:
        yield "the threshold is minus infinity: nothing is ever flagged"
    if not decision.analysis.calibrated:
        yield "there are no held-out scores, so no false alarms can be expected and there are no p-values"


def _cell(text: str) -> str:
    """What a user's file said, harmless in Markdown and in a table."""
    plain = " ".join(text.split())
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>()#|!" else c for c in plain)
