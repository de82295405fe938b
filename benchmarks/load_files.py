"""Loading: files of many rows against pyarrow and numpy themselves, very wide files, and what comes after."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.tables import Table
from benchmarks.timing import Work, comparison, paired
from kdeviz.data import load_embeddings
from kdeviz.preflight import preflight

OURS = "kdeviz load_embeddings"


def run(
    binary: tuple[int, int] = (1_000_000, 128),
    text: tuple[int, int] = (100_000, 128),
    wide: tuple[int, int] = (4, 100_000),
    rounds: int = 5,
) -> Iterator[Table]:
    """Every table; each size is (rows, dimensions)."""
    with TemporaryDirectory() as folder:
        paths = written(Path(folder), binary)
        yield table_of("columns.parquet", _columns(paths["columns.parquet"]), binary, rounds)
        yield table_of("lists.parquet", _lists(paths["lists.parquet"]), binary, rounds)
        yield table_of("array.npy", _array(paths["array.npy"]), binary, rounds)
        yield afterwards(paths["array.npy"], binary, rounds)
    with TemporaryDirectory() as folder:
        yield table_of("columns.csv", _text(written(Path(folder), text)["columns.csv"]), text, rounds)
    with TemporaryDirectory() as folder:
        yield very_wide(written(Path(folder), wide), wide, rounds)


def written(folder: Path, shape: tuple[int, int]) -> dict[str, Path]:
    """The same random float32 rows in every form; text only where it is not too large."""
    rows: NDArray[np.float32] = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    columns = pa.table({f"f{i}": column for i, column in enumerate(np.ascontiguousarray(rows.T))})
    lists = pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), shape[1]).cast(pa.list_(pa.float32()))
    paths = {name: folder / name for name in ("columns.parquet", "lists.parquet", "array.npy", "columns.csv")}
    pq.write_table(columns, paths["columns.parquet"])
    pq.write_table(pa.table({"embedding": lists}), paths["lists.parquet"])
    np.save(paths["array.npy"], rows)
    if rows.size <= 20_000_000:
        pacsv.write_csv(columns, paths["columns.csv"])
    return paths


def table_of(
    name: str, contestants: Mapping[str, Callable[[], object]], shape: tuple[int, int], rounds: int
) -> Table:
    """All contestants on one file."""
    works = {title: Work(contestant) for title, contestant in contestants.items()}
    note = "Reading alone: the digest and the checks come after. The ratio is each time over the first."
    title = f"Loading {name}: {shape[0]} x {shape[1]}"
    return comparison(title, paired(works, rounds), "ms", 1e3, note=note)


def afterwards(path: Path, shape: tuple[int, int], rounds: int) -> Table:
    """What is done once with the rows that were read."""
    features = load_embeddings(path).features
    works = {
        "numpy: sum of all values": Work(lambda: np.load(path).sum()),
        "digest": Work(lambda: load_embeddings(path).digest),
        "checks": Work(lambda: preflight(load_embeddings(path), 16)),
    }
    return comparison(f"After loading: {len(features)} x {shape[1]}", paired(works, rounds), "ms", 1e3)


def very_wide(paths: Mapping[str, Path], shape: tuple[int, int], rounds: int) -> Table:
    """A few rows of very many columns."""
    works = {
        f"{OURS}, {name}": Work(lambda path=paths[name]: load_embeddings(path))  # type: ignore[misc]
        for name in ("columns.parquet", "columns.csv")
    }
    return comparison(f"Loading {shape[0]} x {shape[1]}", paired(works, rounds), "ms", 1e3)


def _columns(path: Path) -> dict[str, Callable[[], object]]:
    return {
        "pyarrow read_table": lambda: pq.read_table(path),
        "pyarrow read_table, then one array": lambda: np.stack(list(map(np.asarray, pq.read_table(path))), 1),
        OURS: lambda: load_embeddings(path),
    }


def _lists(path: Path) -> dict[str, Callable[[], object]]:
    def array() -> NDArray[Any]:
        lists = pq.read_table(path)["embedding"].combine_chunks()
        return np.asarray(lists.flatten()).reshape(len(lists), -1)

    return {
        "pyarrow read_table": lambda: pq.read_table(path),
        "pyarrow read_table, then one array": array,
        OURS: lambda: load_embeddings(path),
    }


def _array(path: Path) -> dict[str, Callable[[], object]]:
    """A .npy is mapped here, not read: every value is used, so that it comes into memory."""
    return {
        "numpy load, then the sum": lambda: np.load(path).sum(),
        f"{OURS}, then the sum": lambda: load_embeddings(path).features.sum(),
    }


def _text(path: Path) -> dict[str, Callable[[], object]]:
    return {"pyarrow read_csv": lambda: pacsv.read_csv(path), OURS: lambda: load_embeddings(path)}
