"""The table "What it reads" of the README: every extension in it is written here, read, and right."""

import gzip
import io
import json
import re

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pytest
import safetensors.numpy
import torch

from kdeviz.cli.corrections import _OPTIONS
from kdeviz.data import FORMATS, load_embeddings
from kdeviz.data.formats import COMPRESSIONS
from kdeviz.data.resources import resource

README = resource("README.md").read_text()
SECTION = README.partition("## What it reads")[2].partition("\n## ")[0]
TABLE = [line.split("|")[2] for line in SECTION.splitlines() if line.startswith("| ")][2:]
N, D = 6, 3
X = np.round(np.random.default_rng(0).normal(size=(N, D)), 4)
IDS = [f"a{i}" for i in range(N)]
FRAME = pd.DataFrame(X, columns=["f0", "f1", "f2"]).assign(id=IDS)
LISTS = pd.DataFrame({"id": IDS, "embedding": X.tolist()})


def saved(write, *arguments, **options):
    stream = io.BytesIO()
    write(stream, *arguments, **options)
    return stream.getvalue()


def hdf5(stream):
    with h5py.File(stream, "w") as file:
        for id_, row in zip(IDS, X, strict=True):
            file[id_] = row


def stream_of_arrow(stream):
    table = pa.Table.from_pandas(FRAME)
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)


WORDS = "".join(f"{id_} {' '.join(map(str, row))}\n" for id_, row in zip(IDS, X, strict=True))
LINES = LISTS.to_json(orient="records", lines=True).encode()
TENSORS = {id_: torch.tensor(row) for id_, row in zip(IDS, X, strict=True)}
WRITTEN = {
    "csv": FRAME.to_csv(index=False, sep=";", decimal=",").encode(),
    "tsv": FRAME.to_csv(index=False, sep="\t").encode(),
    "txt": LISTS.to_csv(index=False).encode(),
    "vec": f"{N} {D}\n{WORDS}".encode(),
    "jsonl": LINES,
    "ndjson": LINES,
    "json": json.dumps({"ids": IDS, "embeddings": X.tolist()}).encode(),
    "xlsx": saved(FRAME.to_excel, index=False),
    "parquet": LISTS.to_parquet(),
    "pq": FRAME.to_parquet(),
    "feather": saved(lambda stream: feather.write_feather(LISTS, stream)),
    "arrow": saved(stream_of_arrow),
    "ipc": saved(stream_of_arrow),
    "npy": saved(np.save, X),
    "npz": saved(np.savez, **dict(zip(IDS, X, strict=True))),
    "pt": saved(lambda stream: torch.save({"features": torch.tensor(X), "id": IDS}, stream)),
    "pth": saved(lambda stream: torch.save(TENSORS, stream)),
    "safetensors": safetensors.numpy.save(dict(zip(IDS, X, strict=True))),
    "h5": saved(hdf5),
    "hdf5": saved(hdf5),
}


def test_the_table_lists_every_extension_and_every_compression():
    listed = [name for files in TABLE for name in re.findall(r"`\.([a-z0-9]+)`", files)]
    packed = [name for name in listed if f".{name}" in COMPRESSIONS]
    assert sorted(set(listed) - set(packed)) == sorted(FORMATS) == sorted(WRITTEN)
    assert [f".{name}" for name in packed] == list(COMPRESSIONS)


@pytest.mark.parametrize("name", WRITTEN)
def test_what_the_table_lists_is_read(name):
    data = load_embeddings(WRITTEN[name], filename=f"t.{name}")
    np.testing.assert_allclose(data.features, X, rtol=1e-6)
    assert data.ids.tolist() == (IDS if name != "npy" else list(map(str, range(N))))


def test_a_pattern_is_one_set(tmp_path):
    for i, part in enumerate((FRAME[:4], FRAME[4:])):
        part.to_parquet(tmp_path / f"part-{i}.parquet", index=False)
    data = load_embeddings(tmp_path / "part-*.parquet")
    np.testing.assert_allclose(data.features, X)
    assert data.ids.tolist() == IDS
    packed = load_embeddings(gzip.compress(WRITTEN["csv"]), filename="t.csv.gz")
    np.testing.assert_allclose(packed.features, X)


def test_the_options_that_it_names_exist():
    named = set(re.findall(r"`--([a-z-]+)", SECTION))
    assert {"normal", "leave-out", "images"} < named
    assert named <= {name.replace("_", "-") for name in _OPTIONS}
