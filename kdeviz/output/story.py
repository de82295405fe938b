"""A decision in plain words, for people who never heard of a density: five steps, each of two sentences."""

from __future__ import annotations

from typing import NamedTuple

from kdeviz.analysis import drift
from kdeviz.decision import Decision, Estimate
from kdeviz.explain import Direction, Explanation, beside_normal, times_as_far, usual_range
from kdeviz.sweep import AGREES, Stability
from kdeviz.wording import about, capital, count, number, one_line, percent, score_this_low

_RARE = 0.01
_PER = 1000
_FARTHER, _LONGEST_NAME = 1.2, 40


class Step(NamedTuple):
    """One step of the story: plain text, without markup and without anything that a file says."""

    title: str
    sentences: tuple[str, str]


class Story(NamedTuple):
    """From what normal looks like to how sure that is."""

    normal: Step
    unusual: Step
    line: Step
    found: Step
    sure: Step


class Figure(NamedTuple):
    """One of the few numbers that people remember."""

    name: str
    value: str
    meaning: str
    """A sentence."""


def story(decision: Decision, stability: Stability | None = None) -> Story:
    """The five steps, filled with the numbers of this decision, and of its stability if that is known."""
    return Story(
        Step("What normal looks like", _normal(decision)),
        Step("How unusual each sample is", _unusual(decision)),
        Step("Where we draw the line", _line(decision)),
        Step("What we found", _found(decision)),
        Step("How sure we are", _sure(decision, stability)),
    )


def headline(decision: Decision) -> tuple[Figure, ...]:
    """Four figures at most; separation only where there are labels of both kinds."""
    flagged, expected, auroc = decision.n_flagged, decision.expected_alarms, decision.auroc
    share = f"{count(flagged)} of {count(len(decision.flagged))}"
    figures = [Figure("Flagged", share, "Samples that are more unusual than the line allows.")]
    if decision.analysis.calibrated:
        figures.append(Figure("Expected false alarms", percent(expected.rate), f"{_alarms(decision)}."))
    if auroc is not None:
        often = "How often it tells an anomalous sample from a normal one: 1 is always, 0.5 is guessing."
        figures.append(Figure("Separation (AUROC)", number(auroc), often))
    learned = len(decision.analysis.classifier.training_rows)
    known = f"{capital(_normal_ones(decision))}, from which the model knows what is usual."
    return (*figures, Figure("Learned from", count(learned), known))


def finding(decision: Decision) -> str:
    """What was found, as a title."""
    flagged, total = decision.n_flagged, count(len(decision.flagged))
    if not flagged:
        return f"None of the {total} samples looks out of place"
    return f"{count(flagged)} of the {total} samples {'looks' if flagged == 1 else 'look'} out of place"


def why(decision: Decision, row: int, explanation: Explanation | None = None) -> tuple[str, ...]:
    """Why one inspected sample is as unusual as it is: plain text, which may hold names of features.

    `explanation` is what `beside_normal` says of this row, if it is there already.

    Raises:
        OptionError: there is no such row.
    """
    analysis = decision.analysis
    if explanation is None:
        explanation = beside_normal(decision, row)
    told = []
    if decision.p_values is not None:
        told.append(f"{score_this_low(float(decision.p_values[row]))}.")
    if analysis.inspected.feature_names is not None:
        told += _unlike(decision, explanation.direction)
    times = times_as_far(analysis, explanation)
    if len(told) < 2 and times >= _FARTHER:
        told.append(
            f"Even the normal sample most like it is {number(times, 2)} times as far away as normal samples "
            "are from each other."
        )
    return tuple(told)


def _unlike(decision: Decision, direction: Direction) -> list[str]:
    """The measurement whose change would help most, beside what is usual; nothing if that is not seen."""
    if not len(direction.features):
        return []
    analysis, feature = decision.analysis, int(direction.features[0])
    low, high = (float(ends[feature]) for ends in usual_range(analysis))
    now, then = float(direction.present[0]), float(direction.present[0] + direction.change[0])
    name = one_line(analysis.inspected.feature_name(feature), _LONGEST_NAME)
    if not low <= now <= high and low < high:
        usual = f"{number(low)} to {number(high)}"
        return [f"Its {name} is {number(now)}; of normal samples 9 in 10 have {usual}."]
    if number(now) == number(then):
        return []
    return [f"It would be more usual with {name} near {number(then)} instead of {number(now)}."]


def lead(decision: Decision) -> str:
    """What was done, in two sentences to follow `finding`."""
    learned = count(len(decision.analysis.classifier.training_rows))
    return (
        f"The model was shown {learned} {_normal_ones(decision)}, and flags what is unlike them. The line is "
        f"drawn {_aim(decision)}."
    )


def _normal(decision: Decision) -> tuple[str, str]:
    model = decision.analysis.classifier
    learned, features = len(model.training_rows), len(model.pca_model.mean)
    return (
        f"The model has seen {count(learned)} {_normal_ones(decision)}, each described by "
        f"{count(features)} number{'s' * (features != 1)}.",
        "Samples that are alike lie close together, and where many of them lie, a sample is normal.",
    )


def _unusual(decision: Decision) -> tuple[str, str]:
    total = len(decision.flagged)
    scored = f"Each of the {count(total)} samples gets a score: "
    score = f"{scored}the fewer normal samples lie near it, the lower it is."
    p_values = decision.p_values
    if p_values is None:
        return (
            score,
            "How rare a score is among normal samples cannot be said: this model keeps none of them.",
        )
    if decision.analysis.inspects_training:  # of them, always one in a hundred scores as low as that
        learned, these = len(decision.analysis.fitted_on), "from these very samples; each"
        if learned < total:
            these = f"from {count(learned)} of them; each of these"
        return score, f"The model has learned {these} is scored by one that has not seen it."
    if len(decision.analysis.calibration) + 1 < 1 / _RARE:
        lower = int((decision.analysis.scores < decision.analysis.calibration[0]).sum())
        return score, f"{count(lower)} of them score lower than every normal sample the model has seen."
    low, usual = int((p_values <= _RARE).sum()), number(_RARE * total, 2)
    return (
        score,
        f"{count(low)} of them score as low as only 1 in {count(round(1 / _RARE))} normal samples does; were "
        f"all of them normal, it would be about {usual}.",
    )


def _line(decision: Decision) -> tuple[str, str]:
    rule = decision.rule
    drawn = f"Samples that score below the line are flagged; it is drawn {_aim(decision)}."
    bound = rule is not None and rule.rule.of_these_rows and decision.remark
    return drawn, f"{capital(decision.remark) if bound else _alarms(decision)}."


def _aim(decision: Decision) -> str:
    if decision.rule is None:
        return "where the saved model has it"
    aim = decision.rule.rule.aim
    return f"where it was when the model was saved, chosen {aim}" if decision.stored else aim


def _alarms(decision: Decision) -> str:
    """How many false alarms there will be, without a full stop."""
    expected = decision.expected_alarms
    if not decision.analysis.calibrated or not expected.rows:
        return (
            "How often a normal sample will be flagged is not known: this model was not tried on unseen ones"
        )
    rate, low, high = (about(_PER * share) for share in expected[:3])
    normal = "samples like those that it has seen" if decision.alarms_remark else "normal samples"
    return f"Of {count(_PER)} new {normal} about {rate} will be flagged (95 % interval {low} to {high})"


def _found(decision: Decision) -> tuple[str, str]:
    flagged = decision.n_flagged
    some = f"{count(flagged)} of the" if flagged else "None of the"
    found = f"{some} {count(len(decision.flagged))} samples {'is' if flagged < 2 else 'are'} flagged."
    counts = decision.confusion
    if counts is not None:
        caught, false, missed, passed = counts
        return found, (
            f"Of the {count(caught + missed)} known to be anomalous, {count(caught)} are flagged and "
            f"{count(missed)} missed; of the {count(false + passed)} known to be normal, {count(false)} are "
            "flagged."
        )
    if decision.p_values is None:
        return found, "They are listed from the most unusual one on."
    lowest = score_this_low(float(decision.p_values.min()))
    return found, f"The most unusual one: {lowest[0].lower()}{lowest[1:]}."


def _sure(decision: Decision, stability: Stability | None) -> tuple[str, str]:
    metrics = decision.metrics
    if metrics is not None and metrics.precision is not None and metrics.recall is not None:
        told = (
            "Shown one anomalous and one normal sample, the model tells which is which in "
            f"{_share(metrics.auroc)} of cases."
        )
        if not decision.n_flagged:
            return told, "As nothing is flagged, every anomalous sample is missed."
        flagged = metrics.precision.value
        right = (
            ""
            if flagged != flagged
            else f"Of the flagged with a label, {_share(metrics.precision)} are anomalous; "
        )
        return told, capital(f"{right}of the anomalous, {_share(metrics.recall)} are flagged.")
    unlike = drift(decision.analysis)
    known = [
        *([] if stability is None else [_stable(stability)]),
        *([] if unlike is None else [unlike.in_words]),
        "No sample has a label of either kind to check against, so mistakes cannot be counted.",
        f"{_alarms(decision)}.",
    ]
    return known[0], known[1]


def _stable(stability: Stability) -> str:
    if stability.unseen:
        return f"Whether the same samples would be found again cannot be seen: {stability.unseen}."
    again = int((stability.frequency >= AGREES).sum())
    return (
        f"With other training samples, {count(again)} of the {count(len(stability.top))} most unusual come "
        f"out again at least {count(round(100 * AGREES))} times in 100."
    )


def _share(estimate: Estimate) -> str:
    """A share with its interval, where there is one."""
    low, high = estimate.interval
    interval = f" (95 % interval {number(100 * low)} to {number(100 * high)} %)" if low == low else ""
    return f"{percent(estimate.value)}{interval}"


def _normal_ones(decision: Decision) -> str:
    """What the training samples are, and how many of them a label calls something else."""
    many, known = len(decision.analysis.classifier.training_rows), decision.analysis.learned_anomalous
    ones = "sample that counts as normal" if many == 1 else "samples that count as normal"
    if not known:
        return ones
    return f"{ones} ({count(known)} of them {'is' if known == 1 else 'are'} labelled anomalous)"
