"""load: one file, and perhaps a second with metadata, become an EmbeddingSet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.data.readers.arrays import read_npy, read_npz
from kdeviz.data.readers.content import Choice, Content
from kdeviz.data.readers.delimited import read_delimited
from kdeviz.data.readers.describe import describe
from kdeviz.data.readers.feather import read_feather
from kdeviz.data.readers.join import join
from kdeviz.data.readers.parquet import read_parquet
from kdeviz.data.readers.source import Readable, Source
from kdeviz.data.readers.tensors import read_safetensors, read_torch
from kdeviz.errors import DataError

_TABLES: Mapping[str, Callable[[Source], Content]] = MappingProxyType(
    {
        ".csv": read_delimited,
        ".tsv": read_delimited,
        ".parquet": read_parquet,
        ".feather": read_feather,
        ".arrow": read_feather,
    }
)
_READERS: Mapping[str, Callable[[Source], Content]] = MappingProxyType(
    {
        ".npy": read_npy,
        ".npz": read_npz,
        **_TABLES,
        ".pt": read_torch,
        ".pth": read_torch,
        ".safetensors": read_safetensors,
    }
)


def load(
    data: Readable,
    filename: str | None,
    embedding_column: str | None,
    metadata: str | Path | tuple[bytes, str] | None,
    max_bytes: int,
) -> EmbeddingSet:
    """See `kdeviz.data.load_embeddings`."""
    source = Source.of(data, filename, max_bytes)
    content = _open(source, _READERS)
    choice = _choose(content, embedding_column, source.name)
    features = content.features(choice)
    if 0 in features.shape:
        raise DataError(
            f"{source.name}: no values, shape {features.shape}; need at least one row and one dimension"
        )
    table = content.columns(choice, len(features))
    notes = [*_guess(content, embedding_column), *content.notes]
    if metadata is not None:
        second = _second(metadata, max_bytes)
        other = _open(second, _TABLES)
        table, found = join(table, other.columns(None, len(features)), second)
        notes += [*other.notes, *found]
    about = describe(table, source)
    return EmbeddingSet(
        features=features,
        ids=about.ids,
        labels=about.labels,
        split=about.split,
        metadata=about.metadata,
        thumbnails=about.thumbnails,
        name=Path(source.name).stem,
        embedding_column=choice.name or None,
        embedding_choices=tuple(other.name for other in content.choices if other.name),
        notes=(*notes, *about.notes),
    )


def _second(metadata: str | Path | tuple[bytes, str], max_bytes: int) -> Source:
    data, filename = metadata if isinstance(metadata, tuple) else (metadata, None)
    return Source.of(data, filename, max_bytes)


def _open(source: Source, readers: Mapping[str, Callable[[Source], Content]]) -> Content:
    if source.suffix not in readers:
        raise DataError(
            f"{source.name}: the extension is {source.suffix!r}, need one of {', '.join(readers)}"
        )
    return readers[source.suffix](source)


def _choose(content: Content, wanted: str | None, name: str) -> Choice:
    if not content.choices:
        raise DataError(f"{name}: {content.why_not()}")
    if wanted is None:
        return content.choices[0]
    plain = wanted.replace(" ... ", " … ")  # nobody's keyboard has an ellipsis
    for choice in content.choices:
        if choice.name and plain in (choice.name, choice.prefix or choice.name):
            return choice
    names = ", ".join(repr(choice.name) for choice in content.choices if choice.name)
    remedy = f"choose one of {names}" if names else "it holds a single array, leave embedding_column out"
    raise DataError(f"{name}: there is no embedding {wanted!r}; {remedy}")


def _guess(content: Content, wanted: str | None) -> list[str]:
    if wanted is not None or len(content.choices) < 2:
        return []
    first, *others = [choice.name for choice in content.choices]
    return [f"The embedding was guessed to be {first}; it could also be {', '.join(others[:5])}."]
