"""Kept runs and sweeps in an MLflow tracking server: an extra, `pip install kdeviz[mlflow]`."""

from __future__ import annotations

import math
import os
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from http.client import HTTPException
from importlib import import_module
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from kdeviz.errors import OptionError
from kdeviz.output.runs.run import RECORD, Run
from kdeviz.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

REPORT = "report.html"
"""The name of a run's report."""
_EXPERIMENT = "kdeviz"
_PATIENCE = 10.0  # seconds
_SETTINGS = tuple(field.name for field in fields(Settings))


def check_installed() -> Any:
    """See that there is an mlflow, and give it.

    Raises:
        OptionError: there is none.
    """
    # Nothing is sent to anybody but the server that was asked for, and stdout belongs to kdeviz.
    for quiet in ("MLFLOW_DISABLE_TELEMETRY", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"):
        os.environ.setdefault(quiet, "true")
    try:
        return import_module("mlflow")
    except ImportError:
        raise OptionError("mlflow is not installed: pip install 'kdeviz[mlflow]'") from None


def check_server(uri: str) -> None:
    """See whether `log_run` and `log_sweep` have a server to log to, before any work is done.

    Raises:
        OptionError: mlflow is not installed, or the server cannot be reached.
    """
    check_installed()
    _check_reachable(uri)


def log_run(
    uri: str, run: Run, report: Callable[[], str] | None = None, experiment: str = _EXPERIMENT
) -> str:
    """Log a kept run: settings, metrics, every file of it, and a report if there is one.

    Args:
        uri: of the tracking server, such as http://localhost:5000.
        run: the kept run.
        report: makes the page that is logged beside it as `REPORT`; called once there is a server.
        experiment: made if there is none of that name.

    Returns:
        The id that MLflow gave it.

    Raises:
        OptionError: mlflow is not installed, or the server cannot be reached or refuses.
        DataError: a file of the run is damaged.
    """
    run.check()
    record = run.record
    parameters = {
        **record.settings.to_dict(),
        "threshold_rule": f"{record.rule.kind} {record.rule.value!r}",
        "threshold": repr(record.threshold),
        "curve_midpoint": record.curve.midpoint,
        "curve_steepness": record.curve.steepness,
        "fixes": ", ".join(record.fixes),
    }
    tags = {
        "kdeviz.run": run.id,
        "kdeviz.version": str(record.provenance.get("kdeviz_version")),
        "kdeviz.train_digest": str(record.provenance.get("train_digest")),
        "kdeviz.inspected_digest": record.inspected_digest,
        "kdeviz.warnings": "\n".join(record.warnings),
    }
    timings = {f"{name}_seconds": seconds for name, seconds in record.timings.items()}
    paths = [run.folder / name for name in (*record.files, RECORD)]
    with _connected(uri, experiment) as server, server.run(run.name, tags) as run_id:
        server.log(run_id, parameters, {**record.metrics, **timings})
        for path in paths:
            server.client.log_artifact(run_id, str(path))
        if report is not None:
            server.client.log_text(run_id, report(), REPORT)
    return run_id


def log_sweep(uri: str, table: pd.DataFrame, experiment: str = _EXPERIMENT) -> str:
    """Log a sweep: one run that holds the table, and below it one run per row.

    Args:
        uri: as for `log_run`.
        table: as `kdeviz.sweep.sweep_table` gives it, or as it is read from a file: columns with the names of
            settings become parameters, other numbers metrics, and texts tags.
        experiment: made if there is none of that name.

    Returns:
        The id that MLflow gave the run of the whole sweep.

    Raises:
        OptionError: mlflow is not installed, or the server cannot be reached or refuses.
    """
    name = f"sweep of {len(table)} settings"
    with _connected(uri, experiment) as server, server.run(name, {"kdeviz.sweep": "true"}) as sweep_id:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "sweep.parquet"
            table.to_parquet(path, index=False)
            server.client.log_artifact(sweep_id, str(path))
        for row in table.to_dict("records"):
            parameters = {name: row[name] for name in _SETTINGS if name in row}
            others = {str(name): value for name, value in row.items() if name not in _SETTINGS}
            texts = {name: value for name, value in others.items() if isinstance(value, str) and value}
            tags = {"mlflow.parentRunId": sweep_id, **{f"kdeviz.{name}": texts[name] for name in texts}}
            with server.run(", ".join(map(str, parameters.values())), tags) as run_id:
                server.log(run_id, parameters, others)
    return sweep_id


class _Server:
    """The few calls of MLflow's client that are needed; it changes no global state of mlflow's."""

    def __init__(self, client: Any, entities: Any, experiment: str) -> None:
        self.client = client
        self._entities = entities
        known = client.get_experiment_by_name(experiment)
        self._experiment = known.experiment_id if known else client.create_experiment(experiment)

    @contextmanager
    def run(self, name: str, tags: Mapping[str, str]) -> Iterator[str]:
        """A run that ends as finished, or as failed."""
        run_id: str = self.client.create_run(self._experiment, tags=dict(tags), run_name=name).info.run_id
        status = "FAILED"
        try:
            yield run_id
            status = "FINISHED"
        finally:
            self.client.set_terminated(run_id, status)

    def log(self, run_id: str, parameters: Mapping[str, Any], metrics: Mapping[str, Any]) -> None:
        """Parameters as text; of the metrics, those that are finite numbers."""
        numbers = {name: float(value) for name, value in metrics.items() if isinstance(value, Real)}
        finite = {name: value for name, value in numbers.items() if math.isfinite(value)}
        self.client.log_batch(
            run_id,
            metrics=[self._entities.Metric(name, value, 0, 0) for name, value in finite.items()],
            params=[self._entities.Param(name, str(value)) for name, value in parameters.items()],
        )


@contextmanager
def _connected(uri: str, experiment: str) -> Iterator[_Server]:
    mlflow = check_installed()
    _check_reachable(uri)
    try:
        yield _Server(mlflow.MlflowClient(tracking_uri=uri), mlflow.entities, experiment)
    except mlflow.exceptions.MlflowException as error:
        raise OptionError(f"MLflow refused ({error}): check the address and the server") from None


def _check_reachable(uri: str) -> None:
    """mlflow itself would try for minutes."""
    if not uri.startswith(("http://", "https://")):
        return
    address = ""
    try:
        parts = urlsplit(uri)
        # Without a password, which urllib does not take and no message should show.
        address = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        urllib.request.urlopen(address, timeout=_PATIENCE).close()
    except urllib.error.HTTPError:
        pass  # somebody answers
    except (OSError, ValueError, HTTPException) as error:
        raise OptionError(
            f"{address or 'the address'}: no MLflow server can be reached ({error}): check that it runs"
        ) from None
