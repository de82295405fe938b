"""Models in other formats, as commands write them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kdeviz.cli.output import check_output, progress, say
from kdeviz.errors import OptionError
from kdeviz.wording import number

if TYPE_CHECKING:
    from kdeviz.decision import Decision
    from kdeviz.output import ModelFormat


def check_destination(output: Path, kind: ModelFormat, force: bool, *inputs: str | None) -> None:
    """Refuse what cannot or should not be written, or needs what is not there, before any work is done."""
    from kdeviz.output import beside, check_name

    kind.check_installed()
    check_name(output, kind)
    for path in beside(output, kind):
        check_output(path, force, *inputs)


def write_model(decision: Decision, kind: ModelFormat, output: Path) -> dict[str, str]:
    """Write, load back, compare; what a person should know of it is returned, line by line."""
    from kdeviz.output import export

    try:
        with progress() as tell:
            done = export(decision, kind, output, tell)
    except OSError as error:
        raise OptionError(f"{output} could not be written ({error}): nothing was changed") from None
    if kind.warning:
        say("warning", kind.warning)
    found = done.verification
    return {
        kind.name: ", ".join(map(str, done.paths)),
        "loaded back by": f"{found.runtime} {found.version}",
        "rows compared": f"{found.rows} ({found.what_rows}), down to {number(found.lowest_log_density)} nats",
        "largest difference": f"{found.max_log_density_difference:.2g} nats",
        "other verdicts": str(found.verdict_flips),
        **({} if found.samples is None else {"samples flagged": found.samples.sentence}),
    }
