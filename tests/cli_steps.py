"""What tests of the command line share; the fixture `run` is in conftest.py."""

import os
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
"""For a real process that runs this checkout from another folder."""


class Outcome(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def table(self):
        """Lines by their first cell."""
        lines = (line.split("  ") for line in self.out.splitlines() if line)
        return {first.strip(): [cell.strip() for cell in rest if cell] for first, *rest in lines}

    def fact(self, name):
        (value,) = self.table[name]
        return value


def refused(outcome):
    """The one line that says why."""
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.startswith("error: ")
    assert outcome.err.count("\n") == 1
    return outcome.err


def folder():
    """What is in the present one."""
    return sorted(path.name for path in Path.cwd().iterdir())
