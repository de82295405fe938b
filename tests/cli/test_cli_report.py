"""`kdeviz report`: of a model file, of a run, of two runs; its numbers are those of the other commands."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cli_steps import folder, refused
from report_steps import numbers_of, parsed, plain, table_of


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    split = np.where(np.arange(240) < 160, "train", "test")
    rows = rng.normal(size=(240, 4)) * np.where(np.arange(240) < 200, 1, 3)[:, None]
    return pd.DataFrame(rows, columns=list("abcd")).assign(
        id=[f"s{i}" for i in range(240)],
        split=split,
        label=np.where(np.arange(240) < 200, "normal", "anomalous"),
    )


@pytest.fixture
def data(table, run):
    """In an empty folder."""
    table.to_csv("data.csv", index=False)
    return "data.csv"


def read(path="report.html"):
    return parsed(Path(path).read_text("utf-8"))


def test_of_a_model_file_with_its_data(run, data):
    fitted = run("fit", data, "-o", "m.safetensors", "--components", 2, "--threshold-value", 0.05)
    scored = run("score", "m.safetensors", data, "-o", "scores.parquet")
    told = run("report", "m.safetensors", data, "-o", "report.html")
    assert told.code == 0, told.err
    assert "not in DATA" not in told.err
    for name in ("flagged", "threshold"):
        assert told.fact(name) == scored.fact(name)
    page = read()
    numbers, _ = numbers_of(page)
    table = pd.read_parquet("scores.parquet")
    assert f"{numbers['threshold']!r} nats" == fitted.fact("threshold") == scored.fact("threshold")
    assert numbers["flagged"] == int(scored.fact("flagged")) == int(table["flagged"].sum())
    assert numbers["training_rows"] == 160 and f"{numbers['auroc']:.3f}" == fitted.fact("AUROC")
    _, rows = table_of(page, "samples")
    flagged = table[table["flagged"]].sort_values("rank")
    assert [row[1] for row in rows] == flagged["id"].tolist()
    exact = [float(cell.attributes["value"]) for cell in page.one("table", id="samples").all("data")]
    per_row = len(exact) // len(rows)
    assert exact[1::per_row] == flagged["log_density"].tolist()
    assert exact[2::per_row] == flagged["p_value"].tolist()
    command, shell, _ = (code.raw for code in page.all("code"))
    assert command == "kdeviz report m.safetensors data.csv -o report.html"
    assert "kdeviz fit data.csv" in shell
    Path("report.html").unlink()
    assert run(*command.split()[1:]).code == 0


def test_of_a_kept_run(run, data):
    run("fit", data, "--keep", "--name", "mine", "--runs", "runs", "--threshold-rule", "fdr")
    (record,) = (json.loads(path.read_text()) for path in Path("runs").glob("*/run.json"))
    assert run("report", "mine", data, "--runs", "runs").code == 0
    numbers, _ = numbers_of(read())
    assert numbers["threshold"] == record["threshold"]
    for told, kept in (("flagged", "flagged"), ("inspected", "inspected"), ("auroc", "auroc")):
        assert numbers[told] == record["metrics"][kept]
    assert numbers["expected_alarms"]["rate"] == record["metrics"]["expected_alarm_rate"]
    assert "mine" in read().one("p", class_="about").text
    assert "on average at most" in read().one("section", id="numbers").text, "the rule that the run has"


def test_other_data_than_the_run_was_kept_with(run, data, table):
    run("fit", data, "--keep", "--name", "mine", "--runs", "runs", "--components", 2)
    table[table["split"] == "test"].iloc[:30].drop(columns="split").to_csv("new.csv", index=False)
    told = run("report", "mine", "new.csv", "--runs", "runs", "-o", "new.html")
    assert told.code == 0
    assert "note: DATA are not what mine was kept with: scored now, with its threshold\n" in told.err
    assert "note: the rows that the model was fitted on are not in DATA" in told.err
    assert numbers_of(read("new.html"))[0]["inspected"] == 30
    again = run(
        "report", "mine", "new.csv", "--fitted", data, "--runs", "runs", "-o", "more.html", "--repeats", 2
    )
    assert again.code == 0
    assert "are not in DATA" not in again.err
    page = read("more.html")
    few, more = numbers_of(read("new.html"))[0], numbers_of(page)[0]
    assert {**few, "settings": 0} == {**more, "settings": 0}
    assert "chart-strip" in numbers_of(page)[1]
    shell = next(code.raw for code in page.all("code") if "kdeviz fit" in code.raw)
    assert "kdeviz score model.safetensors new.csv" in shell and "kdeviz fit data.csv" in shell


def test_of_a_model_without_held_out_scores(run, tmp_path):
    rows = np.random.default_rng(1).normal(size=(26, 10))
    np.save("few.npy", rows[:6])
    np.save("new.npy", rows[6:])
    options = ("--components", 5, "--device", "cpu")
    fitted = run("fit", "few.npy", "-o", "m.safetensors", *options)
    assert fitted.fact("expected false alarms") == "not known, without held-out scores"
    assert run("report", "m.safetensors", "few.npy", "-o", "few.html").code == 0
    assert run("report", "m.safetensors", "new.npy", "--fitted", "few.npy").code == 0
    shell = next(code.raw for code in read().all("code") if "kdeviz fit" in code.raw)
    assert "--threshold-rule=quantile" in shell and "inf" not in shell
    kept = run("fit", "few.npy", "--score", "new.npy", "--keep", "--name", "tiny", "--runs", "runs", *options)
    assert kept.code == 0
    assert run("report", "tiny", "new.npy", "--runs", "runs", "-o", "kept.html").code == 0


def test_a_run_keeps_its_rule_on_other_data_and_what_is_to_be_said_of_it(run, data, table):
    run("fit", data, "--keep", "--name", "mine", "--runs", "runs", "--threshold-rule", "fdr")
    table[table["split"] == "test"].iloc[:60].drop(columns="split").to_csv("new.csv", index=False)
    assert run("report", "mine", "new.csv", "--runs", "runs").code == 0
    numbers, _ = numbers_of(read())
    (record,) = (json.loads(path.read_text()) for path in Path("runs").glob("*/run.json"))
    assert numbers["threshold"] == record["threshold"]
    assert "saved threshold of the fdr rule is fixed" in read().text


def test_what_was_fitted_on_need_not_have_the_columns_of_data(run, table):
    table.iloc[:160][list("abcd")].to_csv("train.csv", index=False)
    table.iloc[160:].drop(columns="split").rename(columns={"label": "quality"}).to_csv("new.csv", index=False)
    run("fit", "train.csv", "-o", "m.safetensors", "--components", 2)
    told = run("report", "m.safetensors", "new.csv", "--fitted", "train.csv", "--label-column", "quality")
    assert told.code == 0, told.err
    assert "not in DATA" not in told.err
    assert numbers_of(read())[0]["auroc"] > 0.5


def test_of_two_runs(run, data):
    for name, components in (("one", 4), ("two", 1)):
        run("fit", data, "--keep", "--name", name, "--runs", "runs", "--components", components)
    compared = run("compare", "one", "two", "--runs", "runs")
    told = run("report", "--compare", "one", "two", "--runs", "runs", "-o", "c.html")
    assert told.code == 0, told.err
    assert told.fact("flagged") == compared.fact("flagged")
    page, (numbers, _) = read("c.html"), numbers_of(read("c.html"))
    assert repr(numbers["mcnemar_p"]) == compared.fact("p-value of McNemar's test")
    assert repr(numbers["auroc_difference"]) == compared.fact("AUROC difference")
    assert plain(compared.fact("separation")) in page.one("section", id="chance").text
    assert table_of(page, "only-first")[0][-1] != "Why the first flags it"
    assert run("report", "--compare", "one", "two", data, "--runs", "runs", "-o", "why.html").code == 0
    assert table_of(read("why.html"), "only-first")[0][-1] == "Why the first flags it"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("m.safetensors",), "name the DATA to tell of"),
        (("m.safetensors", "data.csv", "-o", "report.pdf"), "a report is written as .html or .htm"),
        (("m.safetensors", "data.csv", "-o", "data.html"), "exists already"),
        (("nothing", "data.csv"), "there is no run"),
        (("--compare", "m.safetensors"), "--compare takes two"),
        (("--compare", "m.safetensors", "m.safetensors", "--repeats", 3), "--compare takes two"),
        (("--compare", "m.safetensors", "m.safetensors"), "name the DATA to score as well"),
        (("m.safetensors", "data.csv", "--fitted-metadata", "x.csv"), "name that with --fitted"),
        (("m.safetensors", "new.csv", "--repeats", 2), "name them with --fitted"),
        (("m.safetensors", "data.csv", "--repeats", 1), "--repeats 1: nothing can be compared"),
        (
            ("--compare", "m.safetensors", "m.safetensors", "data.csv", "--fitted", "nothere.csv"),
            "--compare takes no --fitted: what was fitted on is looked for in DATA",
        ),
        (
            ("--compare", "one", "two", "--metadata", "x.csv", "--fix", "dead", "--label-column", "label"),
            "name it after the two, or leave out --metadata and --fix and --label-column",
        ),
    ],
)
def test_what_cannot_be_told(run, data, table, arguments, reason):
    run("fit", data, "-o", "m.safetensors", "--components", 2)
    table.iloc[170:190].drop(columns="split").to_csv("new.csv", index=False)
    Path("data.html").write_text("mine")
    before = folder()
    outcome = run("report", *arguments)
    assert outcome.code == 2
    assert reason in outcome.err.splitlines()[-1]
    assert folder() == before
    if "new.csv" not in arguments:
        refused(outcome)
