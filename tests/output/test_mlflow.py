import importlib.util
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from report_steps import numbers_of, parsed

from kdeviz.analysis.analyse import analyse
from kdeviz.decision.decision import Decision
from kdeviz.decision.rules import ThresholdRule
from kdeviz.errors import DataError, OptionError
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.output import mlflow as tracking
from kdeviz.output.runs.store import RunStore
from kdeviz.settings import Settings

needs_mlflow = pytest.mark.skipif(
    importlib.util.find_spec("mlflow") is None, reason="mlflow is not installed: pip install 'kdeviz[mlflow]'"
)
LIMIT = 90.0  # seconds until a server has started


@pytest.fixture
def kept(tmp_path):
    rows = np.random.default_rng(0).normal(size=(80, 4))
    analysis = analyse(rows, settings=Settings(2), device="cpu")
    return RunStore(tmp_path / "runs").keep(
        Decision(analysis, ThresholdRule(), ProbabilityCurve(), -5.0), name="mine"
    )


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "n_pca_components": [2, 4],
            "feature_scaling_method": ["norm", "scale"],
            "bandwidth": ["scott", "0.5"],
            "components": [2, 3],
            "auroc": [0.75, np.nan],
            "warnings": ["", "kept 3 components"],
        }
    )


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture(scope="module")
def uri(tmp_path_factory):
    """A real tracking server with SQLite."""
    folder, port = tmp_path_factory.mktemp("mlflow"), free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    # Its eight processes for jobs are not asked for anything here.
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    environment = {**os.environ, **quiet}
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=environment)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(int(LIMIT / 0.2)):
            assert server.poll() is None, (folder / "log").read_text()
            try:
                urllib.request.urlopen(f"{address}/health", timeout=5).close()
                break
            except OSError:
                time.sleep(0.2)
        yield address
    finally:
        # It has nothing to lose, and takes ten seconds to end by itself.
        for process in (*psutil.Process(server.pid).children(recursive=True), server):
            process.kill()
        server.wait()


@pytest.fixture
def client(uri):
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri)


@needs_mlflow
def test_a_kept_run_in_a_real_server(uri, client, kept, tmp_path, capsys):
    (kept.folder / "foreign.txt").write_text("")
    run_id = tracking.log_run(uri, kept, lambda: "<p>“the report”</p>")
    assert capsys.readouterr().out == ""
    found = client.get_run(run_id)
    assert (found.info.status, found.info.run_name) == ("FINISHED", "mine")
    assert client.get_experiment(found.info.experiment_id).name == "kdeviz"
    parameters = found.data.params
    assert (parameters["n_pca_components"], parameters["bandwidth"]) == ("2", "scott")
    assert (parameters["threshold"], parameters["threshold_rule"]) == ("-5.0", "quantile 0.01")
    known = {name: value for name, value in kept.record.metrics.items() if value is not None}
    timings = {f"{name}_seconds": seconds for name, seconds in kept.record.timings.items()}
    assert found.data.metrics == {**known, **timings}
    assert found.data.tags["kdeviz.run"] == kept.id
    assert sorted(file.path for file in client.list_artifacts(run_id)) == [
        "model.safetensors", "report.html", "run.json", "scores.parquet", "train_scores.safetensors",
    ]  # fmt: skip
    stored = client.download_artifacts(run_id, "model.safetensors", str(tmp_path))
    assert (tmp_path / "model.safetensors").samefile(stored)
    report = Path(client.download_artifacts(run_id, tracking.REPORT, str(tmp_path)))
    assert report.read_text("utf-8") == "<p>“the report”</p>"
    assert (tmp_path / "model.safetensors").read_bytes() == (kept.folder / "model.safetensors").read_bytes()


@needs_mlflow
def test_a_sweep_in_a_real_server(uri, client, table, tmp_path):
    sweep_id = tracking.log_sweep(uri, table, experiment="sweeps")
    whole = client.get_run(sweep_id)
    assert (whole.info.status, whole.info.run_name) == ("FINISHED", "sweep of 2 settings")
    path = client.download_artifacts(sweep_id, "sweep.parquet", str(tmp_path))
    pd.testing.assert_frame_equal(pd.read_parquet(path), table)
    rows = client.search_runs(
        [whole.info.experiment_id],
        f"tags.`mlflow.parentRunId` = '{sweep_id}'",
        order_by=["params.n_pca_components"],
    )
    assert [row.data.metrics for row in rows] == [{"components": 2, "auroc": 0.75}, {"components": 3}]
    assert [row.data.params["bandwidth"] for row in rows] == ["scott", "0.5"]
    assert "kdeviz.warnings" not in rows[0].data.tags
    assert rows[1].data.tags["kdeviz.warnings"] == "kept 3 components"


@needs_mlflow
def test_the_command_line_logs_what_it_keeps(uri, client, run, tmp_path):
    np.save("rows.npy", np.random.default_rng(0).normal(size=(80, 4)))
    options = ("--components", 2, "--keep", "--runs", "runs", "--mlflow", uri, "--device", "cpu")
    fitted = run("fit", "rows.npy", *options)
    assert fitted.code == 0
    found = client.get_run(fitted.fact("MLflow run"))
    assert found.data.tags["kdeviz.run"] == fitted.fact("run")
    assert f"{found.data.params['threshold']} nats" == fitted.fact("threshold")
    report = Path(client.download_artifacts(found.info.run_id, tracking.REPORT, str(tmp_path)))
    numbers, _ = numbers_of(parsed(report.read_text("utf-8")))
    assert f"{numbers['threshold']!r} nats" == fitted.fact("threshold")
    swept = run("sweep", "rows.npy", "--components", "2,3", "-o", "s.parquet", "--mlflow", uri)
    assert swept.code == 0
    sweep_id = swept.fact("MLflow run")
    path = client.download_artifacts(sweep_id, "sweep.parquet", str(tmp_path))
    pd.testing.assert_frame_equal(pd.read_parquet(path), pd.read_parquet("s.parquet"))


@needs_mlflow
def test_a_failure_ends_as_failed(uri, client, kept, monkeypatch):
    monkeypatch.setattr(tracking._Server, "log", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        tracking.log_run(uri, kept, experiment="failures")
    (found,) = client.search_runs([client.get_experiment_by_name("failures").experiment_id])
    assert found.info.status == "FAILED"


@needs_mlflow
def test_what_the_server_refuses(uri, kept):
    with pytest.raises(OptionError, match="MLflow refused"):
        tracking.log_run(uri, kept, experiment="")


@pytest.mark.parametrize("server", ["http://127.0.0.1:{}", "http://me:secret@127.0.0.1:{}", "http://["])
def test_no_server(server):
    start = time.monotonic()
    with pytest.raises(OptionError, match="no MLflow server can be reached") as refused:
        tracking._check_reachable(server.format(free_port()))
    assert "secret" not in str(refused.value)
    assert time.monotonic() - start < 30


@needs_mlflow
def test_an_unreachable_server_is_named_before_mlflow_tries_for_minutes(kept):
    with pytest.raises(OptionError, match="no MLflow server can be reached"):
        tracking.log_run(f"http://127.0.0.1:{free_port()}", kept)


def test_a_server_is_asked_for_before_there_is_anything_to_log(mlflow_is_there):
    tracking.check_installed()
    tracking.check_server("sqlite:///x.db")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
    with pytest.raises(OptionError, match="no MLflow server can be reached"):
        tracking.check_server(f"http://127.0.0.1:{port}")


@pytest.mark.usefixtures("no_mlflow")
def test_without_mlflow_it_says_how_to_get_it(kept, table):
    for log in (
        tracking.check_installed,
        lambda: tracking.check_server("sqlite:///x.db"),
        lambda: tracking.log_run("sqlite:///x.db", kept),
        lambda: tracking.log_sweep("sqlite:///x.db", table),
    ):
        with pytest.raises(OptionError, match=r"pip install 'kdeviz\[mlflow\]'"):
            log()


def test_a_damaged_run_is_not_logged(kept):
    path = kept.folder / "scores.parquet"
    path.write_bytes(path.read_bytes()[::-1])
    with pytest.raises(DataError, match="damaged"):
        tracking.log_run("sqlite:///x.db", kept)
