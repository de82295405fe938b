"""Opening: which reader a file needs, and whether it is one file, several, or a folder of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from kdeviz.data.readers import foreign
from kdeviz.data.readers.content import Content, NoRowsError
from kdeviz.data.readers.delimited import read_delimited
from kdeviz.data.readers.disguise import refuse_disguised
from kdeviz.data.readers.feather import read_feather
from kdeviz.data.readers.folder import Member, is_glob, members_of_folder, members_of_glob, members_of_paths
from kdeviz.data.readers.hdf5 import read_hdf5
from kdeviz.data.readers.numpy_files import read_npy, read_npz
from kdeviz.data.readers.parquet import read_parquet
from kdeviz.data.readers.records import read_json, read_json_lines
from kdeviz.data.readers.several import Part, one_after_the_other
from kdeviz.data.readers.sheets import read_sheet
from kdeviz.data.readers.source import Readable, Source
from kdeviz.data.readers.tensors import read_safetensors, read_torch
from kdeviz.data.readers.text import COMPRESSIONS
from kdeviz.data.reading import Corrections
from kdeviz.errors import DataError

Reader = Callable[[Source], Content]
Several = Sequence[str | Path]

_TEXTS: Mapping[str, Reader] = MappingProxyType(
    {
        ".csv": read_delimited,
        ".tsv": read_delimited,
        ".txt": read_delimited,
        ".vec": read_delimited,
        ".jsonl": read_json_lines,
        ".ndjson": read_json_lines,
        ".json": read_json,
    }
)
READERS: Mapping[str, Reader] = MappingProxyType(
    {
        ".npy": read_npy,
        ".npz": read_npz,
        **_TEXTS,
        ".xlsx": read_sheet,
        ".parquet": read_parquet,
        ".pq": read_parquet,
        ".feather": read_feather,
        ".arrow": read_feather,
        ".ipc": read_feather,
        ".pt": read_torch,
        ".pth": read_torch,
        ".safetensors": read_safetensors,
        ".h5": read_hdf5,
        ".hdf5": read_hdf5,
    }
)


def opened(
    data: Readable | Several,
    filename: str | None,
    max_bytes: int,
    wanted: Corrections,
) -> tuple[Source, Content]:
    """What there is to read, before anything is chosen.

    Args:
        data: a file, the bytes of one, a folder, a glob, or several paths.
        filename: gives the format when there is no path.
        max_bytes: the most that all arrays may take.
        wanted: what was asked for instead of a guess.

    Raises:
        DataError: nothing is there, or it is of no kind that is read.
    """
    members = _members(data)
    if members is None:
        source = Source.of(data, filename, max_bytes, wanted)  # type: ignore[arg-type]
        return source, _read(source)
    whole = Source(members[0].path, _name(data, members), max_bytes, wanted)
    parts = list(_parts(members, whole))
    if not parts:
        raise DataError(f"{whole.name}: there are no rows in any of its {len(members)} files")
    if len(parts) == 1 and not parts[0].columns:
        return whole, parts[0].content
    return whole, one_after_the_other(parts, whole)


def _members(data: Readable | Several) -> list[Member] | None:
    """Several files; None for a single one."""
    if isinstance(data, list | tuple):
        if not data:
            raise DataError("there are no files: the list is empty")
        return members_of_paths(map(Path, data))
    if not isinstance(data, str | Path):
        return None
    if Path(data).is_dir():
        return members_of_folder(Path(data).resolve(), _suffix)
    return members_of_glob(str(data)) if is_glob(str(data)) else None


def _parts(members: Sequence[Member], whole: Source) -> Iterator[Part]:
    """Every file that has rows: Spark and Dask write some without."""
    for member in members:
        source = Source.of(member.path, None, whole.max_bytes, whole.wanted)
        with suppress(NoRowsError):
            yield Part(member.name, _read(source), member.columns)


def _name(data: object, members: Sequence[Member]) -> str:
    if isinstance(data, str | Path):
        return Path(data).resolve().name
    return members[0].name if len(members) == 1 else f"{members[0].name} and {len(members) - 1} more"


def _suffix(name: str) -> str | None:
    """What kind of file a name says it is; a text may be compressed, as in features.csv.gz."""
    suffix, inner = Path(name).suffix.lower(), Path(name).with_suffix("").suffix.lower()
    if suffix in COMPRESSIONS and inner in _TEXTS:
        return inner
    return suffix if suffix in READERS else None


def _read(source: Source) -> Content:
    name, kind = source.name, _suffix(source.name)
    if kind is not None:
        refuse_disguised(source, kind, kind in _TEXTS)
        return READERS[kind](source)
    suffix, inner = Path(name).suffix.lower(), Path(name).with_suffix("").suffix.lower()
    if suffix in COMPRESSIONS and inner in READERS:
        raise DataError(f"{name}: only texts are read compressed; unpack it first, as {inner}")
    if remedy := foreign.why_not(suffix):
        raise DataError(f"{name}: {suffix} files are not read: {remedy}")
    raise DataError(
        f"{name}: the extension is {suffix!r}, need one of {', '.join(READERS)}; text may also be compressed "
        f"({', '.join(f'.csv{compression}' for compression in COMPRESSIONS)})"
    )
