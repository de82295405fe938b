"""Which files a folder, a glob or a list stands for, in which order, and what their paths say of the rows."""

from __future__ import annotations

import glob
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath, PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote

from kdeviz.data.formats import format_of
from kdeviz.data.readers.labels import are_labels
from kdeviz.data.readers.name_order import in_name_order
from kdeviz.data.readers.splits import split_in, without_split
from kdeviz.data.remote import RemoteFile, remote_files, shown
from kdeviz.errors import DataError

_MISSING = "__HIVE_DEFAULT_PARTITION__"
_OTHER_TABLES = {
    "_delta_log": "a Delta table, of which some files are no longer valid; write it out with Spark",
    ".hoodie": "a Hudi table, of which some files are no longer valid; write it out with Spark",
    "metadata/version-hint.text": "an Iceberg table, of which some files are no longer valid; write it out",
    "_versions": "a Lance dataset; write it out with lance.dataset(folder).to_table()",
    ".zarray": "a Zarr array; save it with np.save('x.npy', zarr.open(folder)[:])",
    ".zgroup": "a Zarr group; save its arrays with np.savez",
    "zarr.json": "a Zarr array; save it with np.save('x.npy', zarr.open(folder)[:])",
}
_BESIDE = frozenset((".json", ".txt", ".md"))  # notes about the data where there are other files


class Member(NamedTuple):
    """One of several files.

    Attributes:
        path: where it is.
        name: its path below the folder.
        columns: what its path says about all of its rows.
    """

    path: Path | RemoteFile
    name: str
    columns: dict[str, str | None]


def is_glob(text: str) -> bool:
    """Whether a path has wildcards, and is not the name of something that exists."""
    return glob.has_magic(text) and not Path(text).exists()


def members_of_glob(pattern: str) -> list[Member]:
    """The files that match.

    Raises:
        DataError: none does.
    """
    root = Path(pattern).anchor
    found = [*Path(root or ".").glob(str(Path(pattern).relative_to(root)))]
    if not found:
        raise DataError(f"{pattern}: no file matches")
    return members_of_paths([path for path in found if path.is_file()] or found)


def members_of_paths(paths: Iterable[Path | RemoteFile]) -> list[Member]:
    """These files, in name order."""
    by_name = {str(path): path for path in paths}
    return _with_columns([(by_name[name], by_name[name].name) for name in in_name_order(by_name)])


def members_of_folder(folder: Path) -> list[Member]:
    """The data files of a folder and of the folders in it.

    Raises:
        DataError: there are none, they are of several kinds, or the folder is a table of another tool.
    """
    for mark, what in _OTHER_TABLES.items():
        if (folder / mark).exists():
            raise DataError(f"{folder.name}: {what}")
    if (folder / "dataset_dict.json").is_file():
        return _hugging_face_splits(folder)
    if (folder / "state.json").is_file():
        return _with_columns([(path, path.name) for path in _hugging_face_files(folder)])
    names = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return _with_columns([(folder / name, name) for name in _data_files(names, folder)])


def members_of_address(address: str) -> list[Member]:
    """The same on another machine, where the address may also be that of a file, or a pattern.

    Raises:
        DataError: as for a folder; or nothing is there, or it cannot be read.
        OptionError: a package that this kind of address needs is not installed.
    """
    found = {name: file for file, name in remote_files(address)}
    folder = PurePosixPath(shown(address))
    for mark, what in _OTHER_TABLES.items():
        if any(name.is_relative_to(mark) for name in found):
            raise DataError(f"{folder.name}: {what}")
    if len(found) == 1:
        return [Member(file, file.name, {}) for file in found.values()]
    files = {name.as_posix(): file for name, file in found.items()}
    return _with_columns([(files[name], name) for name in _data_files([*found], folder)])


def _data_files(names: Sequence[PurePath], folder: PurePath) -> list[str]:
    """Those of the files in a folder that hold its data, in name order."""
    plain = [name for name in names if not any(step.startswith((".", "_")) for step in name.parts)]
    found = {name.as_posix(): f".{kind}" for name in plain if (kind := format_of(name.name)) is not None}
    kinds = _main_kinds(found, folder, plain)
    return in_name_order(name for name, kind in found.items() if kind in kinds)


def _main_kinds(found: dict[str, str], folder: PurePath, names: Sequence[PurePath]) -> set[str]:
    """The one kind of file that is read."""
    counts = Counter(found.values())
    main = {kind: count for kind, count in counts.items() if kind not in _BESIDE} or counts
    if not main:
        others = Counter(name.suffix.lower() or name.name for name in names).most_common(3)
        held = ", ".join(f"{count} {kind}" for kind, count in others) or "no files"
        raise DataError(f"{folder.name}: the folder holds no file that can be read ({held})")
    if len(main) > 1:
        held = ", ".join(f"{count} {kind}" for kind, count in main.items())
        raise DataError(
            f"{folder.name}: the folder holds files of several kinds ({held}); give those of one "
            f"kind, for example {folder.name}/*{max(main, key=lambda kind: main[kind])}"
        )
    return set(main)


def _hugging_face_splits(folder: Path) -> list[Member]:
    names = _listed(folder / "dataset_dict.json", "splits")
    return [
        Member(path, f"{split}/{path.name}", {"split": split})
        for split in map(str, names)
        for path in _hugging_face_files(folder / Path(split).name)
    ]


def _hugging_face_files(folder: Path) -> list[Path]:
    """What `save_to_disk` listed: other .arrow files there are caches."""
    names = [entry.get("filename", "") for entry in _listed(folder / "state.json", "_data_files")]
    return [folder / Path(name).name for name in in_name_order(names)]


def _listed(path: Path, key: str) -> list[dict[str, str]]:
    try:
        return list(json.loads(path.read_text())[key])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(
            f"{path.parent.name}: {path.name} does not list the data; save the dataset again"
        ) from error


def _with_columns(files: Sequence[tuple[Path | RemoteFile, str]]) -> list[Member]:
    """Partitions (label=good/part-0.parquet), and the split and label that folders or names tell apart."""
    names = [Path(name).with_suffix("") for _, name in files]
    splits = [next(filter(None, map(split_in, name.parts)), None) for name in names]
    told = {"split": splits} if None not in splits and len(set(splits)) > 1 else {}
    last = [without_split(name.parent.name if len(name.parts) > 1 else name.name) for name in names]
    if len(set(last)) > 1 and are_labels(last):
        told["label"] = [*last]
    return [
        Member(path, name, {key: values[i] for key, values in told.items()} | _partitions(name))
        for i, (path, name) in enumerate(files)
    ]


def _partitions(name: str) -> dict[str, str | None]:
    pairs = [step.partition("=") for step in Path(name).parts[:-1] if "=" in step]
    return {unquote(key): None if value == _MISSING else unquote(value) for key, _, value in pairs}
