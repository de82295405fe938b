"""Opening: which reader a file needs, and whether it is one file, several, or a folder of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from pkgutil import resolve_name

from kdeviz.data.formats import COMPRESSIONS, FORMATS, READERS, TEXT_READERS, format_of
from kdeviz.data.readers import foreign
from kdeviz.data.readers.content import Content, NoRowsError
from kdeviz.data.readers.disguise import refuse_disguised
from kdeviz.data.readers.folder import Member, is_glob, members_of_folder, members_of_glob, members_of_paths
from kdeviz.data.readers.several import Part, one_after_the_other
from kdeviz.data.readers.source import Readable, Source
from kdeviz.data.reading import Corrections
from kdeviz.errors import DataError

Reader = Callable[[Source], Content]
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
    """`format_of` with its dot."""
    kind = format_of(name)
    return None if kind is None else f".{kind}"


def _suffixes(name: str) -> tuple[str, str]:
    """The last one, and the one before it."""
    return Path(name).suffix.lower(), Path(name).with_suffix("").suffix.lower()


def _read(source: Source) -> Content:
    name, kind = source.name, _suffix(source.name)
    if kind is not None:
        refuse_disguised(source, kind, kind[1:] in TEXT_READERS)
        read: Reader = resolve_name(READERS[kind[1:]])
        return read(source)
    suffix, inner = _suffixes(name)
    if suffix in COMPRESSIONS and inner[1:] in READERS:
        raise DataError(f"{name}: only texts are read compressed; unpack it first, as {inner}")
    if remedy := foreign.why_not(suffix):
        raise DataError(f"{name}: {suffix} files are not read: {remedy}")
    raise DataError(
        f"{name}: the extension is {suffix!r}, need one of {', '.join(f'.{kind}' for kind in FORMATS)}; "
        f"text may also be compressed ({', '.join(f'.csv{compression}' for compression in COMPRESSIONS)})"
    )
