"""`kdeviz check`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

import kdeviz.data
from kdeviz.cli.corrections import correctable
from kdeviz.cli.inputs import read, reading_facts
from kdeviz.cli.options import Data, Metadata, PossibleComponents, Standardise
from kdeviz.cli.output import print_facts, print_lines, print_table, progress
from kdeviz.settings import Settings, number_or_text
from kdeviz.wording import capital, size

if TYPE_CHECKING:
    from kdeviz.preflight import Facts, Finding, Preflight

FOUND_ERROR = 1


@correctable
def check(
    data: Data,
    components: PossibleComponents = None,
    standardise: Standardise = False,
    metadata: Metadata = None,
    *,
    said: kdeviz.data.Corrections,
) -> None:
    """Check DATA before a fit: what it holds, what looks wrong, and the fixes and settings that help.

    Leaves with code 1 when there is an error, which a fit with so many components, or a score, would refuse;
    warnings and notes leave with 0.
    """
    asked = None if components is None else Settings(number_or_text(components))
    with progress():
        from kdeviz.preflight import checks_before_a_fit

        rows = read(data, said, metadata)
        settings = asked or Settings.usual(int(rows.in_training.sum()), rows.features.shape[1])
        report = checks_before_a_fit(rows, replace(settings, standardise=standardise))
    counts = kdeviz.data.label_counts(rows)
    labels = {"labels": counts} if counts else {}
    print_facts({**_facts(report.facts), **reading_facts(rows), **labels})
    typer.echo()
    print_table(kdeviz.data.preview(rows))
    typer.echo()
    print_lines(_lines(report))
    if any(finding.fixes for finding in report.findings):
        typer.echo("\nGive --fix to kdeviz fit, score or sweep: check itself changes nothing.")
    if any(finding.severity == "error" for finding in report.findings):
        raise typer.Exit(FOUND_ERROR)


def _facts(facts: Facts) -> dict[str, str]:
    rank = "none" if facts.rank is None else f"{'' if facts.rank_is_exact else 'at least '}{facts.rank}"
    return {
        "data": facts.name,
        "rows": str(facts.rows),
        "dimensions": str(facts.dimensions),
        "values": f"{facts.dtype}, {size(facts.bytes)}",
        "training rows": str(facts.training_rows),
        "other rows": str(facts.other_rows),
        "rank": rank,
    }


def _lines(report: Preflight) -> Iterator[tuple[str, str, str]]:
    """Every finding, problems first, each with its fixes below it."""
    passed = tuple(finding for finding in report.findings if finding.severity == "ok")
    for finding in (*report.problems, *passed):
        which = f" {capital(finding.which)}." if finding.which else ""
        yield finding.severity, finding.kind, finding.sentence + which
        yield from _fixes(finding)


def _fixes(finding: Finding) -> Iterator[tuple[str, str, str]]:
    for fix in finding.fixes:
        yield "", "", f'--fix "{fix.name}" ({fix.title})'
    if finding.offer is not None:
        yield "", "", f"{finding.offer.options} ({finding.offer.title})"
