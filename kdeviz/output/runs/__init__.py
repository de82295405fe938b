"""Kept runs: an analysis as a folder that survives a restart and can be copied, compared and deleted."""

from kdeviz.output.runs.record import checked_name
from kdeviz.output.runs.run import Run, read_run
from kdeviz.output.runs.store import DamagedRun, RunStore, default_folder, proposed_name

__all__ = ["DamagedRun", "Run", "RunStore", "checked_name", "default_folder", "proposed_name", "read_run"]
