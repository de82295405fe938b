import shutil
from typing import NamedTuple

import numpy as np
import pytest
import typer
from cli_steps import refused

from kdeviz import cli
from kdeviz.analysis.analyse import analyse
from kdeviz.comparison.compare import compare
from kdeviz.comparison.disagreements import settings_table
from kdeviz.comparison.scored import scored_decision
from kdeviz.comparison.words import separation_words, verdict_words
from kdeviz.data.samples import load_sample
from kdeviz.decision.decision import decide
from kdeviz.decision.rules import ThresholdRule
from kdeviz.decision.table import LABEL_WORDS
from kdeviz.model.classifier import KDEClassifier
from kdeviz.model.curve import ProbabilityCurve
from kdeviz.output.runs.store import RunStore
from kdeviz.settings import Settings
from kdeviz.wording import number

CURVE, RULE = ProbabilityCurve(), ThresholdRule("quantile", 0.05)


class Kept(NamedTuple):
    store: RunStore
    ids: tuple[str, str]
    scored: tuple
    models: tuple


@pytest.fixture(scope="module")
def master(tmp_path_factory):
    """Two runs of the sample set, and the same two as model files."""
    folder, ids, scored, models = tmp_path_factory.mktemp("kept"), [], [], []
    store = RunStore(folder / "runs")
    for settings in (Settings(), Settings(24, "norm")):
        analysis = analyse(*load_sample().train_and_test(), settings, device="cpu")
        decision = decide(analysis, RULE, CURVE)
        ids.append(store.keep(decision).id)
        scored.append(scored_decision(decision))
        models.append(folder / f"{settings.n_pca_components}.safetensors")
        decision.fitted_model.save(models[-1])
    return Kept(store, tuple(ids), tuple(scored), tuple(models))


@pytest.fixture
def kept(master, tmp_path):
    """A copy that a test may damage."""
    shutil.copytree(master.store.folder, tmp_path / "runs")
    return master._replace(store=RunStore(tmp_path / "runs"))


def test_every_command_and_option_is_documented():
    commands = typer.main.get_command(cli.cli).commands
    assert set(commands["runs"].commands) == {"list", "show", "rm"}
    for command in (commands["runs"], commands["compare"], *commands["runs"].commands.values()):
        assert command.help
        assert all(parameter.help for parameter in command.params)


# kdeviz runs


def test_runs_without_a_command_explains_itself(run):
    outcome = run("runs")
    assert "list" in outcome.out + outcome.err
    assert outcome.code in (0, 2)


def test_list(run, kept):
    outcome = run("runs", "list", "--runs", kept.store.folder)
    assert (outcome.code, outcome.err) == (0, "")
    title, newest, oldest = outcome.out.splitlines()
    assert title.split() == ["id", "name", "kept", "flagged", "AUROC"]
    for line, id_ in ((newest, kept.ids[1]), (oldest, kept.ids[0])):
        metrics = kept.store.open(id_).record.metrics
        name, _, flagged, auroc = outcome.table[id_]
        assert line.startswith(id_)
        assert name == kept.store.open(id_).name
        assert (flagged, auroc) == (f"{metrics['flagged']} of 756", number(metrics["auroc"]))


def test_list_of_nothing(run, tmp_path):
    outcome = run("runs", "list", "--runs", tmp_path / "none")
    assert (outcome.code, outcome.out) == (0, "")
    assert outcome.err == f"note: there are no runs in {tmp_path / 'none'}\n"


def test_list_takes_the_users_folder(run, kept, monkeypatch, tmp_path):
    monkeypatch.setattr("kdeviz.output.runs.store.default_folder", lambda: kept.store.folder)
    assert kept.ids[0] in run("runs", "list").out


def test_a_damaged_run_hides_no_other(run, kept):
    (kept.store.folder / kept.ids[0] / "run.json").write_text("{")
    outcome = run("runs", "list", "--runs", kept.store.folder)
    assert outcome.code == 0
    assert outcome.table[kept.ids[0]] == ["damaged"]
    assert kept.ids[1] in outcome.table
    assert outcome.err.startswith("warning: ")
    assert kept.ids[0] in outcome.err
    assert kept.ids[0] in refused(run("runs", "show", kept.ids[0], "--runs", kept.store.folder))


def test_show(run, kept):
    outcome = run("runs", "show", kept.ids[0], "--runs", kept.store.folder)
    record = kept.store.open(kept.ids[0]).record
    assert outcome.code == 0
    assert outcome.fact("threshold") == f"{record.threshold!r} nats"
    assert outcome.fact("threshold rule") == "quantile 0.05"
    assert outcome.fact("kept") == kept.store.open(kept.ids[0]).kept_words
    assert outcome.fact("n pca components") == "16"
    for name, value in record.metrics.items():
        assert outcome.fact(name.replace("_", " ")) == repr(value)


def test_rm(run, kept):
    first, second = kept.ids
    outcome = run("runs", "rm", first, second, "--runs", kept.store.folder)
    assert (outcome.code, outcome.out) == (0, "")
    assert outcome.err == f"note: deleted {first}\nnote: deleted {second}\n"
    assert kept.store.runs() == ()
    assert "there is no run" in refused(run("runs", "rm", first, "--runs", kept.store.folder))


@pytest.mark.parametrize("id_", ["..", "../runs", "."])
def test_rm_stays_in_its_folder(run, kept, id_):
    assert "there is no run" in refused(run("runs", "rm", id_, "--runs", kept.store.folder))
    assert len(kept.store.runs()) == 2


# kdeviz compare


def check_numbers(outcome, found):
    """What was printed are the numbers of `compare`."""
    assert outcome.code == 0
    table = outcome.table
    assert outcome.fact("common samples") == "756"
    assert outcome.fact("rank correlation") == f"{number(found.spearman)} (Spearman)"
    assert outcome.fact("p-value of McNemar's test") == repr(found.verdicts.p_value)
    assert outcome.fact("AUROC difference") == repr(found.separation.difference)
    assert outcome.fact("verdicts") == verdict_words(found.verdicts)
    assert outcome.fact("separation") == separation_words(found.separation)
    for setting in found.settings:
        shown = table[setting.name]
        assert (shown[-1] == "differs") == setting.differs
    assert outcome.fact("flagged") == (
        f"{len(found.disagreements.only_first)} only by the first, "
        f"{len(found.disagreements.only_second)} only by the second"
    )
    for i in np.concatenate([found.disagreements.only_first, found.disagreements.only_second]):
        assert table[str(found.ids[i])] == [
            LABEL_WORDS[int(found.labels[i])],
            str(found.first_ranks[i]),
            str(found.second_ranks[i]),
            number(found.first_scores[i]),
            number(found.second_scores[i]),
        ]


def test_compare_prints_the_numbers_of_the_library(run, kept):
    outcome = run("compare", *kept.ids, "--runs", kept.store.folder, "--most", 1000, "--device", "cpu")
    assert outcome.err == ""
    check_numbers(outcome, compare(*kept.scored))


def test_settings_are_in_the_words_of_the_compare_page(run, kept):
    outcome = run("compare", *kept.ids, "--runs", kept.store.folder, "--device", "cpu")
    for row in settings_table(compare(*(kept.store.open(id_).scored() for id_ in kept.ids), resamples=2)):
        values = [" ".join(value.split()) for value in (row.first, row.second)]  # no thin spaces
        assert outcome.table[row.name] == [*values, *["differs"] * row.differs]


def test_model_files_give_the_same_numbers_as_runs(run, kept):
    outcome = run("compare", *kept.models, "sample", "--most", 1000, "--device", "cpu")
    check_numbers(outcome, compare(*kept.scored))


def test_a_run_folder_against_a_model_file(run, kept):
    folder = kept.store.folder / kept.ids[0]
    outcome = run("compare", folder, kept.models[1], "sample", "--most", 1000, "--device", "cpu")
    check_numbers(outcome, compare(*kept.scored))


def test_samples_of_split_train_are_compared_on_request(run, kept):
    outcome = run("compare", *kept.models, "sample", "--all-rows", "--device", "cpu")
    assert outcome.fact("common samples") == str(1051 + 756)
    mixed = run("compare", kept.store.folder / kept.ids[0], kept.models[1], "sample", "--all-rows")
    assert mixed.fact("common samples") == "756"
    assert "1 051 that only the second has" in mixed.err


def test_disagreements_are_limited(run, kept):
    found = compare(*kept.scored, resamples=2)
    none = run("compare", *kept.ids, "--runs", kept.store.folder, "--most", 0, "--device", "cpu")
    assert "only the first flags" not in none.out
    some = run("compare", *kept.ids, "--runs", kept.store.folder, "--most", 3, "--device", "cpu")
    assert str(found.ids[found.disagreements.only_first[2]]) in some.table
    assert str(found.ids[found.disagreements.only_first[3]]) not in some.table


def test_a_model_with_itself(run, kept):
    outcome = run("compare", kept.ids[0], kept.ids[0], "--runs", kept.store.folder, "--device", "cpu")
    assert "differs" not in outcome.out
    assert outcome.fact("verdicts") == "Both give the same verdict on all 756 labelled samples."


def test_without_labels_and_without_a_threshold(run, rows32):
    np.save("x.npy", rows32)
    for k in (2, 3):
        model = KDEClassifier(k)
        model.fit(rows32)
        model.save(f"{k}.safetensors")
    outcome = run("compare", "2.safetensors", "3.safetensors", "x.npy", "--device", "cpu")
    assert outcome.code == 0
    assert outcome.err.count("has no threshold: took the default, quantile 0.01") == 2
    assert not {"verdicts", "separation"} & set(outcome.table)


def test_refusals(run, kept):
    runs = ("--runs", kept.store.folder)
    assert "name the DATA to score as well" in refused(run("compare", *kept.models))
    assert "there is no run 'nothing'" in refused(run("compare", "nothing", kept.ids[0], *runs))
    (kept.store.folder / "empty").mkdir()
    assert "run.json is missing" in refused(run("compare", kept.store.folder / "empty", kept.ids[0], *runs))
    np.save("x.npy", np.zeros((4, 3), np.float32))
    assert "dimensions" in refused(run("compare", *kept.models, "x.npy", "--device", "cpu"))


def test_the_beginning_of_a_name_is_enough(run, kept):
    runs = "--runs", kept.store.folder
    wide, narrow = (next(r for r in kept.store.runs() if f" {k} comp" in r.name) for k in (24, 16))
    kept.store.rename(wide.id, "Wide model")
    assert run("runs", "show", "wide", *runs).fact("run") == wide.id
    assert run("compare", "hand", "WIDE M", *runs).out == run("compare", narrow.id, wide.id, *runs).out
    kept.store.rename(narrow.id, "Wider model")
    for command in (["show"], ["rm"]):
        said = refused(run("runs", *command, "wide", *runs))
        assert "'wide' may mean each of these runs" in said
        assert f"{wide.id} (Wide model)" in said and f"{narrow.id} (Wider model)" in said
    assert run("runs", "rm", "wider", "wide m", *runs).code == 0
    assert kept.store.runs() == ()


def test_nothing_is_deleted_when_one_of_the_names_means_nothing(run, kept):
    runs = "--runs", kept.store.folder
    assert "there is no run 'x'" in refused(run("runs", "rm", kept.ids[0], "x", *runs))
    assert len(kept.store.runs()) == 2
