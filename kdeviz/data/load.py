"""load_embeddings: one file, and perhaps a second with metadata, become an EmbeddingSet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from kdeviz.data.embedding_set import MAX_BYTES, EmbeddingSet
from kdeviz.data.readers.content import Candidate, Content
from kdeviz.data.readers.delimited import read_delimited
from kdeviz.data.readers.describe import About, describe
from kdeviz.data.readers.feather import read_feather
from kdeviz.data.readers.join import join
from kdeviz.data.readers.numpy_files import read_npy, read_npz
from kdeviz.data.readers.parquet import read_parquet
from kdeviz.data.readers.source import Readable, Source
from kdeviz.data.readers.tensors import read_safetensors, read_torch
from kdeviz.data.reading import Corrections, Reading
from kdeviz.errors import DataError

TABLES: Mapping[str, Callable[[Source], Content]] = MappingProxyType(
    {
        ".csv": read_delimited,
        ".tsv": read_delimited,
        ".parquet": read_parquet,
        ".feather": read_feather,
        ".arrow": read_feather,
    }
)
READERS: Mapping[str, Callable[[Source], Content]] = MappingProxyType(
    {
        ".npy": read_npy,
        ".npz": read_npz,
        **TABLES,
        ".pt": read_torch,
        ".pth": read_torch,
        ".safetensors": read_safetensors,
    }
)


def load_embeddings(
    path_or_bytes: Readable,
    *,
    filename: str | None = None,
    embedding_column: str | Sequence[str] | None = None,
    id_column: str | None = None,
    label_column: str | None = None,
    split_column: str | None = None,
    picture_column: str | None = None,
    normal: str | Sequence[str] = (),
    leave_out: str | Sequence[str] = (),
    decimal: str | None = None,
    metadata: str | Path | tuple[bytes, str] | None = None,
    max_bytes: int = MAX_BYTES,
) -> EmbeddingSet:
    """Read embeddings from .npy, .npz, .csv, .tsv, .parquet, .feather, .arrow, .pt, .pth or .safetensors.

    Columns or arrays named id, label, split or thumbnail (and their usual synonyms) are recognised, the rest
    is metadata; `EmbeddingSet.reading` says what each became, and the arguments correct it. Nothing in a file
    is executed, and no address in it is fetched.

    Args:
        path_or_bytes: a path, bytes, or a binary stream such as an upload.
        filename: gives the format when there is no path.
        embedding_column: a name from `EmbeddingSet.embedding_choices`, the prefix of a numbered family of
            columns ("f" for f0 to f511), or several names of numeric columns. None guesses.
        id_column, label_column, split_column, picture_column: the column in that role; "" for none of them,
            None to guess.
        normal: the values of the label column that mean normal; all others then mean anomalous.
        leave_out: columns that are no dimensions of the embedding.
        decimal: the decimal mark of a text table, "," or ".", where it is not plain.
        metadata: a second table (a path, or its bytes and filename), joined by id when both files have ids,
            otherwise by row order. Its columns count before those of the same role in the first file.
        max_bytes: refuse a file whose arrays would take more memory, before they are inflated.

    Raises:
        DataError: the file is missing, unreadable, too large, unsafe, or holds no usable embedding.

    Returns:
        The set, in the precision of the file; a .npy given by path is mapped, not read.
    """
    wanted = Corrections(
        embedding_column
        if embedding_column is None or isinstance(embedding_column, str)
        else tuple(embedding_column),
        id_column,
        label_column,
        split_column,
        picture_column,
        _several(normal),
        _several(leave_out),
        decimal,
    )
    source = Source.of(path_or_bytes, filename, max_bytes)
    content = _open(source, READERS)
    candidate = _choose(content, wanted, source.name)
    features = content.features(candidate)
    if 0 in features.shape:
        raise DataError(
            f"{source.name}: no values, shape {features.shape}; need at least one row and one dimension"
        )
    table = content.columns(candidate, len(features))
    here = set(table.column_names)
    left_out = [name for name in content.names if name not in candidate.columns and not _is_in(name, here)]
    notes = [*_guess(content, wanted), *content.notes]
    if metadata is not None:
        second = _second(metadata, max_bytes)
        other = _open(second, TABLES)
        table, remarks = join(table, other.columns(None, len(features)), second)
        notes += [*other.notes, *remarks]
    about = describe(table, source, wanted)
    names = candidate.columns if len(candidate.columns) == features.shape[1] != 1 else None
    return EmbeddingSet(
        features=features,
        ids=about.ids,
        labels=about.labels,
        split=about.split,
        metadata=about.metadata,
        thumbnails=about.thumbnails,
        name=Path(source.name).stem,
        embedding_column=candidate.name or None,
        embedding_choices=tuple(other.name for other in content.candidates if other.name),
        notes=(*notes, *about.notes),
        feature_names=names,
        reading=_reading(candidate, features.shape[1], about, left_out, wanted),
    )


def _several(values: str | Sequence[str]) -> tuple[str, ...]:
    return (values,) if isinstance(values, str) else tuple(map(str, values))


def _is_in(name: str, columns: set[str]) -> bool:
    """Whether a column is there, or a field of it, such as image.bytes."""
    return name in columns or any(column.startswith(f"{name}.") for column in columns)


def _second(metadata: str | Path | tuple[bytes, str], max_bytes: int) -> Source:
    data, filename = metadata if isinstance(metadata, tuple) else (metadata, None)
    return Source.of(data, filename, max_bytes)


def _open(source: Source, readers: Mapping[str, Callable[[Source], Content]]) -> Content:
    if source.suffix not in readers:
        raise DataError(
            f"{source.name}: the extension is {source.suffix!r}, need one of {', '.join(readers)}"
        )
    return readers[source.suffix](source)


def _choose(content: Content, wanted: Corrections, name: str) -> Candidate:
    if not content.candidates:
        raise DataError(f"{name}: {content.why_not()}")
    asked = wanted.embedding_column
    if asked is None:
        return content.candidates[0]
    plain = str(asked).replace(" ... ", " … ")  # nobody's keyboard has an ellipsis
    for candidate in content.candidates:
        if candidate.name and plain in (candidate.name, candidate.prefix or candidate.name):
            return candidate
    names = ", ".join(repr(candidate.name) for candidate in content.candidates if candidate.name)
    remedy = f"choose one of {names}" if names else "it holds a single array, leave embedding_column out"
    raise DataError(f"{name}: there is no embedding {asked!r}; {remedy}")


def _guess(content: Content, wanted: Corrections) -> list[str]:
    if wanted.embedding_column is not None or len(content.candidates) < 2:
        return []
    first, *others = [candidate.name for candidate in content.candidates]
    return [f"The embedding was guessed to be {first}; it could also be {', '.join(others[:5])}."]


def _reading(
    candidate: Candidate, dimensions: int, about: About, left_out: list[str], wanted: Corrections
) -> Reading:
    metadata = () if about.metadata is None else tuple(map(str, about.metadata.columns))
    return replace(
        about.reading,
        embedding=candidate.name or None,
        dimensions=dimensions,
        features=candidate.columns,
        metadata=metadata,
        left_out=tuple(left_out),
        corrections=wanted,
    )
