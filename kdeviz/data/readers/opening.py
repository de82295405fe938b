"""Opening: which reader a file needs, and whether it is one file, several, or a folder of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from pkgutil import resolve_name

from kdeviz.data.formats import COMPRESSIONS, FORMATS, READERS, format_of
from kdeviz.data.readers.content import Content, NoRowsError
from kdeviz.data.readers.folder import (
    Member,
    is_glob,
    members_of_address,
    members_of_folder,
    members_of_glob,
    members_of_paths,
)
from kdeviz.data.readers.refused import refuse_disguised, why_not
from kdeviz.data.readers.several import Part, one_after_the_other
from kdeviz.data.readers.source import Readable, Source
from kdeviz.data.reading import Corrections
from kdeviz.data.remote import RemoteFile, is_remote, shown
from kdeviz.errors import DataError

Several = Sequence[str | Path]


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
    _refuse_remote(data)
    members = _members(data)
    if members is None:
        source = Source.of(data, filename, max_bytes, wanted)  # type: ignore[arg-type]
        return source, _read(source)
    whole = Source(Path(str(members[0].path)), _name(data, members), max_bytes, wanted)
    parts = list(_parts(members, whole))
    if not parts:
        raise DataError(f"{whole.name}: there are no rows in any of its {len(members)} files")
    if len(parts) == 1 and not parts[0].columns:
        return whole, parts[0].content
    return whole, one_after_the_other(parts, whole)


def files_of(data: Sequence[str | Path]) -> tuple[str, list[Member]]:
    """A name for the set, and every file of it in name order: of files, folders, patterns and addresses.

    Raises:
        DataError: a folder holds no file that can be read, or files of several kinds; no file matches.
        OptionError: a package that an address needs is not installed.
    """
    found = [members_of_address(str(one)) if is_remote(one) else _members(str(one)) for one in data]
    if len(data) == 1:
        members = found[0] or [Member(Path(data[0]), Path(data[0]).name, {})]
        return _name(shown(str(data[0])), members), members
    if any(found):  # whose paths are whole ones
        several = (some or [Member(Path(one), "", {})] for some, one in zip(found, data, strict=True))
        paths = [member.path for some in several for member in some]
        members = members_of_paths(p if isinstance(p, RemoteFile) else p.resolve() for p in paths)
    else:
        members = members_of_paths(map(Path, data))
    return _name(data, members), members


def _refuse_remote(data: Readable | Several) -> None:
    for one in data if isinstance(data, list | tuple) else [data]:
        if is_remote(one):
            raise DataError(
                f"{shown(str(one))}: files on other machines are read in parts, by kdeviz fit --in-parts and "
                "kdeviz score into a folder, not at once; copy it to this machine first"
            )


def _members(data: Readable | Several) -> list[Member] | None:
    """Several files; None for a single one."""
    if isinstance(data, list | tuple):
        if not data:
            raise DataError("there are no files: the list is empty")
        return members_of_paths(map(Path, data))
    if not isinstance(data, str | Path):
        return None
    if Path(data).is_dir():
        return members_of_folder(Path(data).resolve())
    return members_of_glob(str(data)) if is_glob(str(data)) else None


def _parts(members: Sequence[Member], whole: Source) -> Iterator[Part]:
    """Every file that has rows: Spark and Dask write some without."""
    for member in members:
        assert isinstance(member.path, Path)  # addresses are only read in parts
        source = Source.of(member.path, None, whole.max_bytes, whole.wanted)
        with suppress(NoRowsError):
            yield Part(member.name, _read(source), member.columns)


def _name(data: object, members: Sequence[Member]) -> str:
    if isinstance(data, str | Path):
        return Path(data).resolve().name
    return members[0].name if len(members) == 1 else f"{members[0].name} and {len(members) - 1} more"


def _read(source: Source) -> Content:
    name, kind = source.name, format_of(source.name)
    if kind is not None:
        refuse_disguised(source, f".{kind}")
        read: Callable[[Source], Content] = resolve_name(READERS[kind])
        return read(source)
    suffix, inner = Path(name).suffix.lower(), Path(name).with_suffix("").suffix.lower()
    if suffix in COMPRESSIONS and inner[1:] in READERS:
        raise DataError(f"{name}: only texts are read compressed; unpack it first, as {inner}")
    if remedy := why_not(suffix):
        raise DataError(f"{name}: {suffix} files are not read: {remedy}")
    raise DataError(
        f"{name}: the extension is {suffix!r}, need one of {', '.join(f'.{kind}' for kind in FORMATS)}; "
        f"text may also be compressed ({', '.join(f'.csv{compression}' for compression in COMPRESSIONS)})"
    )
