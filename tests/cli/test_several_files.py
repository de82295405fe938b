"""Several files as DATA, and a second file to score beside the one to fit on."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kdeviz import load_embeddings

N, D = 60, 5
X = np.random.default_rng(0).normal(size=(N, D)).round(4)
FRAME = pd.DataFrame(X, columns=[f"f{i}" for i in range(D)]).assign(id=[f"a{i:02}" for i in range(N)])


@pytest.fixture
def parts(tmp_path):
    paths = [tmp_path / f"part-{i}.csv" for i in range(3)]
    for i, path in enumerate(paths):
        FRAME[20 * i : 20 * (i + 1)].to_csv(path, index=False)
    return paths


def test_files_that_a_shell_expanded_are_one_set(run, parts, tmp_path):
    checked = run("check", *parts, "--components", 2)
    assert checked.code == 0 and "3 files were read as one set, in name order" in checked.err
    assert f"{N}" in checked.out.split("training rows")[1].split("\n")[0]
    model, scores = tmp_path / "m.safetensors", tmp_path / "s.csv"
    assert run("fit", *reversed(parts), "-o", model, "--components", 2).code == 0
    assert run("score", model, *parts, "-o", scores).code == 0
    assert sorted(pd.read_csv(scores)["id"]) == FRAME["id"].tolist()


def test_kinds_of_text_and_parts_without_rows_are_no_obstacle(run, tmp_path):
    """Text in a parquet file is of another type than in a .csv, and Spark writes parts without rows."""
    rows = np.random.default_rng(0).normal(size=(40, 3))
    frame = pd.DataFrame(rows, columns=["f0", "f1", "f2"]).assign(id=[f"row {i}" for i in range(40)])
    frame[:20].to_csv("a.csv", index=False)
    table = pa.Table.from_pandas(frame[20:], preserve_index=False)
    pq.write_table(table.set_column(3, "id", table["id"].cast(pa.large_string())), "b.parquet")
    (tmp_path / "c.csv").write_text("f0,f1,f2,id\n")
    (tmp_path / "d.csv").write_text("")
    found = load_embeddings(["a.csv", "b.parquet", "c.csv", "d.csv"])
    assert found.ids.tolist() == frame["id"].tolist()
    np.testing.assert_allclose(found.features, rows, rtol=1e-6)


def test_an_output_that_is_one_of_several_inputs_is_refused(run, parts):
    refused = run("fit", *parts, "-o", parts[1], "--force")
    assert refused.code == 2 and "is also an input" in refused.err


def test_fit_scores_a_second_file_with_labels_of_its_own(run, tmp_path):
    train, other, labels = (tmp_path / name for name in ("train.csv", "other.csv", "labels.npy"))
    FRAME[:40].to_csv(train, index=False)
    FRAME[40:][["id", *(f"f{i}" for i in reversed(range(D)))]].to_csv(other, index=False)
    np.save(labels, [0] * 16 + [1] * 4)
    done = run(
        *("fit", train, "-o", tmp_path / "m.safetensors", "--components", 2),
        *("--score", other, "--score-metadata", labels),
    )
    assert done.code == 0, done.err
    assert "of 20 inspected rows" in done.out and "AUROC" in done.out


def test_what_was_said_of_the_first_file_need_not_hold_for_the_second(run, tmp_path):
    train, other = tmp_path / "train.csv", tmp_path / "other.csv"
    FRAME[:40].assign(name="x").to_csv(train, index=False)
    FRAME[40:].to_csv(other, index=False)
    done = run(
        *("fit", train, "-o", tmp_path / "m.safetensors", "--components", 2),
        *("--score", other, "--leave-out", "name"),
    )
    assert done.code == 0 and "not read as you said of the first file" in done.err


def test_labels_of_a_file_to_score_need_that_file(run, tmp_path):
    FRAME.to_csv(tmp_path / "train.csv", index=False)
    refused = run(
        "fit", tmp_path / "train.csv", "-o", tmp_path / "m.safetensors", "--score-metadata", "labels.csv"
    )
    assert refused.code == 2 and "name that with --score" in refused.err
