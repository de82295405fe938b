"""Whatever leaves kdeviz: tables, models, recipes, kept runs, MLflow."""

from kdeviz.output.mlflow import check_installed, check_server, log_run, log_sweep
from kdeviz.output.model import MODEL_FORMATS, ModelFormat, model_bytes, model_format
from kdeviz.output.recipe import Files, python_recipe, shell_recipe
from kdeviz.output.runs.record import checked_name
from kdeviz.output.runs.run import Run, read_run
from kdeviz.output.runs.store import DamagedRun, RunStore, proposed_name
from kdeviz.output.scores import score_bytes
from kdeviz.output.sweeps import sweep_bytes
from kdeviz.output.tables import TABLE_WRITERS, Table, TableWriter

__all__ = [
    "MODEL_FORMATS",
    "TABLE_WRITERS",
    "DamagedRun",
    "Files",
    "ModelFormat",
    "Run",
    "RunStore",
    "Table",
    "TableWriter",
    "check_installed",
    "check_server",
    "checked_name",
    "log_run",
    "log_sweep",
    "model_bytes",
    "model_format",
    "proposed_name",
    "python_recipe",
    "read_run",
    "score_bytes",
    "shell_recipe",
    "sweep_bytes",
]
