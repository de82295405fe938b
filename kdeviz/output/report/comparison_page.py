"""What a report tells of two decisions about the same samples."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any, NamedTuple

from kdeviz.comparison import Comparison, disagreement_table, separation_words, settings_table, verdict_words
from kdeviz.decision import Decision
from kdeviz.explain import explain, reason
from kdeviz.output.report.content import Block, Cell, Code, Column, Page, Section, Table, Text, facts, listing
from kdeviz.output.report.numbers import decision_numbers
from kdeviz.output.report.pictures import comparison_charts
from kdeviz.output.report.samples import PICTURE_PIXELS
from kdeviz.output.story import Figure
from kdeviz.wording import count, number, one_line

_SIDES = ("first", "second")
_MOST_FLIPPED = 100
_CHANCE = 0.05
_LONGEST = 200


class Explained(NamedTuple):
    """Both decisions around the data that they are about, as far as those are here."""

    first: Decision | None = None
    second: Decision | None = None


def comparison_page(comparison: Comparison, explained: Explained, command: str) -> Page:
    """The whole page; see `comparison_report`."""
    only_first, only_second = map(len, comparison.disagreements)
    total = len(comparison.ids)
    flipped = only_first + only_second
    order = "not known" if comparison.spearman is None else number(comparison.spearman)
    return Page(
        about=f"{comparison.first.name} and {comparison.second.name}",
        finding=f"{count(flipped)} of {count(total)} samples change{'s' * (flipped == 1)} their verdict"
        if flipped
        else f"All {count(total)} samples keep their verdict",
        lead=chance_words(comparison),
        figures=(
            Figure("Only the first flags", count(only_first), "Samples that the second lets pass."),
            Figure("Only the second flags", count(only_second), "Samples that the first lets pass."),
            Figure("Order of the samples", order, "Rank correlation: 1 is the same order."),
        ),
        opening=tuple(_opening(comparison)),
        sections=(
            Section("changed", "What changed", (_settings(comparison),)),
            Section("charts", "Charts", (comparison_charts(comparison),)),
            Section("flipped", "Whose verdict changes", tuple(_flipped(comparison, explained))),
            Section("chance", "More than chance?", tuple(_chance(comparison))),
            Section("provenance", "Provenance", tuple(_provenance(comparison))),
            Section("again", "How to get the same again", (Code("In a shell", command),) if command else ()),
        ),
        numbers=_numbers(comparison),
    )


def chance_words(comparison: Comparison) -> str:
    """Whether one of the two is better by more than chance explains, in a sentence or two."""
    verdicts, separation = comparison.verdicts, comparison.separation
    if verdicts is None:
        return "No sample has a label, so nobody can say which of the two is right."
    better = []
    if verdicts.p_value < _CHANCE:
        second = verdicts.only_second_right > verdicts.only_first_right
        better.append(f"the {'second' if second else 'first'} is right more often")
    if separation is not None and separation.clear:
        better.append(f"the {'second' if separation.difference > 0 else 'first'} separates better")
    if not better:
        return "On the labelled samples, chance could explain the difference between the two."
    return f"On the labelled samples, {' and '.join(better)}, by more than chance explains."


def _opening(comparison: Comparison) -> Iterator[Block]:
    changed = [row.name for row in settings_table(comparison) if row.differs]
    yield Text(f"What differs: {', '.join(changed)}." if changed else "The settings are the same.")
    if comparison.separation is not None:
        yield Text(separation_words(comparison.separation))
    if comparison.verdicts is not None:
        yield Text(verdict_words(comparison.verdicts))
    for note in comparison.notes:
        yield Text(note, "note")


def _settings(comparison: Comparison) -> Table:
    names = Cell("name"), Cell(comparison.first.name), Cell(comparison.second.name), Cell("")
    known = sorted(settings_table(comparison), key=lambda row: not row.differs)
    rows = tuple(
        (Cell(row.name), Cell(row.first), Cell(row.second), Cell("differs" * row.differs, strong=row.differs))
        for row in known
    )
    columns = Column("Setting"), Column("First"), Column("Second"), Column("Differs")
    return Table("settings", "", columns, (names, *rows))


def _flipped(comparison: Comparison, explained: Explained) -> Iterator[Block]:
    for side, decision in zip(_SIDES, explained, strict=True):
        found = disagreement_table(comparison, side)
        title = f"Only the {side} flags: {count(len(found))}"
        if not len(found):
            yield Text(f"{title}.")
            continue
        if len(found) > _MOST_FLIPPED:
            title += f", of which the {count(_MOST_FLIPPED)} most anomalous for it"
        rows = found.head(_MOST_FLIPPED).to_dict("records")
        yield listing(f"only-{side}", title, [_sample(row, decision, side) for row in rows])


def _sample(row: dict[Hashable, Any], decision: Decision | None, side: str) -> dict[Column, Cell | None]:
    name = str(row["id"])
    picture = why = None
    if decision is not None:
        place = int(row[f"{side}_row"])
        picture = decision.analysis.inspected.thumbnail_uri(place, side=PICTURE_PIXELS)
        why = Cell(reason(decision, place, explain(decision.analysis, place, neighbours=1, features=1)))
    first_rank, second_rank = (int(row[f"{one}_rank"]) for one in _SIDES)
    first_nats, second_nats = (float(row[f"{one}_above_threshold"]) for one in _SIDES)
    return {
        Column("Sample"): Cell(one_line(name, _LONGEST), name, picture),
        Column("Label", choice=True): Cell(str(row["label"])) if "label" in row else None,
        Column("First rank", numeric=True): Cell(count(first_rank), first_rank),
        Column("Second rank", numeric=True): Cell(count(second_rank), second_rank),
        Column("First, nats from its threshold", numeric=True): Cell(number(first_nats), first_nats),
        Column("Second, nats from its threshold", numeric=True): Cell(number(second_nats), second_nats),
        Column(f"Why the {side} flags it", wide=True): why,
    }


def _chance(comparison: Comparison) -> Iterator[Block]:
    yield Text(chance_words(comparison))
    if comparison.verdicts is not None:
        yield Text(f"Verdicts: {verdict_words(comparison.verdicts)} (McNemar's exact test)")
    if comparison.separation is not None:
        yield Text(f"Separation: {separation_words(comparison.separation)} (paired bootstrap)")


def _provenance(comparison: Comparison) -> Iterator[Block]:
    for title, side in (("First", comparison.first), ("Second", comparison.second)):
        known = side.decision.analysis.provenance
        rows = {
            "Name": side.name,
            "Digest of the training samples": side.decision.analysis.classifier.data_digest,
            "Digest of the scored samples": side.inspected_digest,
        }
        for name, words in (("device", "Device"), ("kdeviz_version", "kdeviz"), ("created", "Computed at")):
            if known.get(name):
                rows[words] = str(known[name])
        yield facts(rows, title)


def _numbers(comparison: Comparison) -> dict[str, object]:
    only_first, only_second = map(len, comparison.disagreements)
    first, second = comparison.first, comparison.second
    verdicts, separation = comparison.verdicts, comparison.separation
    return {
        "common": len(comparison.ids),
        "only_first": only_first,
        "only_second": only_second,
        "spearman": comparison.spearman,
        "mcnemar_p": None if verdicts is None else verdicts.p_value,
        "auroc_difference": None if separation is None else separation.difference,
        "first": decision_numbers(first.decision, first.inspected_digest),
        "second": decision_numbers(second.decision, second.inspected_digest),
    }
