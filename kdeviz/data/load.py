"""load_embeddings: one file, and perhaps a second with metadata, become an EmbeddingSet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from kdeviz.data.embedding_set import MAX_BYTES, EmbeddingSet
from kdeviz.data.readers.content import Candidate, Content
from kdeviz.data.readers.describe import describe
from kdeviz.data.readers.families import ALL_NUMERIC
from kdeviz.data.readers.join import join
from kdeviz.data.readers.opening import Several, opened
from kdeviz.data.readers.roles import is_label
from kdeviz.data.readers.source import Readable, Source
from kdeviz.data.readers.splits import without_split
from kdeviz.data.readers.tables import TableContent
from kdeviz.data.reading import Corrections
from kdeviz.errors import DataError


def load_embeddings(
    path_or_bytes: Readable | Several,
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
    images: str | Path | None = None,
    metadata: str | Path | tuple[bytes, str] | None = None,
    max_bytes: int = MAX_BYTES,
) -> EmbeddingSet:
    """Read embeddings from a file, from several of one kind, or from a folder of them.

    Extensions are .npy, .npz, .csv, .tsv, .txt, .vec, .jsonl, .ndjson, .json, .xlsx, .parquet, .pq, .feather,
    .arrow, .ipc, .pt, .pth, .safetensors, .h5 and .hdf5; text may be compressed (.gz, .bz2, .xz, .zst).

    Columns or arrays named id, label, split or thumbnail (and their usual synonyms) are recognised, the rest
    is metadata; `EmbeddingSet.reading` says what each became, and the arguments correct it. Nothing in a file
    is executed, and no address in it is fetched.

    Args:
        path_or_bytes: a path, bytes, or a binary stream such as an upload; also a folder, a glob such as
            "img_emb_*.npy", or a list of paths, whose files of one kind are one set in name order.
        filename: gives the format when there is no path.
        embedding_column: a name from `EmbeddingSet.embedding_choices`, the prefix of a numbered family of
            columns ("f" for f0 to f511), or several names of numeric columns. None guesses.
        id_column: the column with the ids; "" for none, None to guess.
        label_column: the column that says normal or anomalous; "" for none, None to guess.
        split_column: the column that says train or test; "" for none, None to guess.
        picture_column: the column with pictures, or paths to them; "" for none, None to guess.
        normal: the values of the label column that mean normal; all others then mean anomalous.
        leave_out: columns that are no dimensions of the embedding.
        decimal: the decimal mark of a text table, "," or ".", where it is not plain.
        images: a folder of pictures, to which a column of paths leads; nothing outside of it is read.
        metadata: a second file about the rows (a path, or its bytes and filename), joined by id when both
            files have ids, otherwise by row order. Its columns count before those of the same role in the
            first file.
        max_bytes: refuse a file whose arrays would take more memory, before they are inflated.

    Raises:
        DataError: the file is missing, unreadable, too large, unsafe, or holds no usable embedding.

    Returns:
        The set, in the precision of the file; a .npy given by path is mapped, not read.
    """
    wanted = Corrections.from_arguments(
        embedding_column=embedding_column,
        id_column=id_column,
        label_column=label_column,
        split_column=split_column,
        picture_column=picture_column,
        normal=normal,
        leave_out=leave_out,
        decimal=decimal,
        images=images,
    )
    source, content = opened(path_or_bytes, filename, max_bytes, wanted)
    if metadata is None:
        return embedding_set(source, content)
    about_data, about_name = metadata if isinstance(metadata, tuple) else (metadata, None)
    return embedding_set(source, content, opened(about_data, about_name, max_bytes, wanted))


def embedding_set(
    source: Source, content: Content, about: tuple[Source, Content] | None = None
) -> EmbeddingSet:
    """What a file holds, read as its source says what is wanted.

    Args:
        source: the file.
        content: what was found in it.
        about: a second file with metadata.

    Raises:
        DataError: it holds no usable embedding, or the second file does not fit.
    """
    wanted = source.wanted
    _check_left_out(content, source)
    candidate = _choose(content, wanted, source.name)
    features = content.features(candidate)
    if 0 in features.shape:
        raise DataError(
            f"{source.name}: no values, shape {features.shape}; need at least one row and one dimension"
        )
    table = content.columns(candidate, len(features))
    left_out = _left_out(content, candidate, table)
    notes = [*_guess(content, candidate, wanted), *content.notes]
    if about is not None:
        second, other = about
        table, remarks = join(table, _about(other.columns(None, len(features)), second), second)
        notes += [*other.notes, *remarks]
    described = describe(table, source)
    reading = replace(
        described.reading,
        embedding=candidate.name or None,
        dimensions=features.shape[1],
        features=candidate.columns,
        left_out=left_out,
    )
    return EmbeddingSet(
        features=features,
        ids=described.ids,
        labels=described.labels,
        split=described.split,
        metadata=described.metadata,
        thumbnails=described.thumbnails,
        name=Path(source.name).stem,
        embedding_column=candidate.name or None,
        embedding_choices=tuple(other.name for other in content.candidates if other.name),
        notes=(*notes, *described.notes),
        feature_names=_feature_names(content, candidate, features.shape[1]),
        reading=reading,
    )


def columns_beside(source: Source, content: Content, rows: int) -> pa.Table:
    """Every column of so many rows that is not the embedding, as the file has it."""
    return content.columns(_choose(content, source.wanted, source.name), rows)


def _left_out(content: Content, candidate: Candidate, table: pa.Table) -> tuple[str, ...]:
    """Columns that are neither dimensions nor in the table of the others, nor the fields of one there."""
    kept = {*candidate.columns, *table.column_names}
    kept |= {name.partition(".")[0] for name in table.column_names}
    return tuple(name for name in content.names if name not in kept)


def _feature_names(content: Content, candidate: Candidate, dimensions: int) -> tuple[str, ...] | None:
    """The columns, where each is one dimension and has a name in the file."""
    made_up = isinstance(content, TableContent) and not content.named
    named = len(candidate.columns) == dimensions and candidate.columns != ("",) and not made_up
    return candidate.columns if named else None


def _about(table: pa.Table, source: Source) -> pa.Table:
    """The columns of the second file; an array without a name gets that of its file: y.npy holds y."""
    if not table.num_columns:
        raise DataError(f"{source.name}: holds nothing with one value per row; give labels, ids or a table")
    if table.column_names != [""]:
        return table
    stem = Path(source.name).stem
    return table.rename_columns(["label" if is_label(without_split(stem)) else stem])


def _check_left_out(content: Content, source: Source) -> None:
    for name in source.wanted.leave_out:
        if name not in content.names:
            columns = ", ".join(map(repr, content.names[:12]))
            raise DataError(
                f"{source.name}: there is no column {name!r} to leave out; the columns are {columns}"
            )


def _choose(content: Content, wanted: Corrections, name: str) -> Candidate:
    asked = wanted.embedding_column
    if isinstance(asked, tuple) or (asked is not None and _is_column(content, asked)):
        return _named(content, (asked,) if isinstance(asked, str) else asked, name)
    if not content.candidates:
        raise DataError(f"{name}: {content.why_not()}")
    if asked is None:
        return content.candidates[0]
    plain = asked.replace(" ... ", " … ")  # nobody's keyboard has an ellipsis
    for candidate in content.candidates:
        if candidate.name and plain in (candidate.name, candidate.prefix or candidate.name):
            return candidate
    names = ", ".join(repr(candidate.name) for candidate in content.candidates if candidate.name)
    remedy = f"choose one of {names}" if names else "it holds a single array, leave embedding_column out"
    raise DataError(f"{name}: there is no embedding {asked!r}; {remedy}")


def _is_column(content: Content, name: str) -> bool:
    """Whether a single column of a table is meant that nobody would have guessed."""
    guessed = {text for c in content.candidates for text in (c.name, c.prefix)}
    return isinstance(content, TableContent) and name in content.names and name not in guessed


def _named(content: Content, columns: tuple[str, ...], name: str) -> Candidate:
    """Columns that were asked for by their names."""
    if not isinstance(content, TableContent):
        raise DataError(f"{name}: it holds arrays, not columns; choose one of them as embedding_column")
    for column in columns:
        if column not in content.names:
            raise DataError(
                f"{name}: there is no column {column!r}; the columns are "
                f"{', '.join(map(repr, content.names[:12]))}{' ...' if len(content.names) > 12 else ''}"
            )
    short = columns[0] if len(columns) == 1 else f"{columns[0]} … {columns[-1]}"
    return Candidate(short, columns)


def _guess(content: Content, candidate: Candidate, wanted: Corrections) -> list[str]:
    """What was guessed about the embedding, and what it could be instead."""
    if wanted.embedding_column is not None:
        return []
    names = ""
    if candidate.name == ALL_NUMERIC:
        names = f" ({', '.join(candidate.columns[:12])}{', ...' if len(candidate.columns) > 12 else ''})"
    elif len(content.candidates) < 2:
        return []
    others = [other.name for other in content.candidates[1:6]]
    rest = (
        f"; it could also be {', '.join(others)}"
        if others
        else "; leave out those that do not belong (leave_out, --leave-out)"
    )
    return [f"The embedding was guessed to be {candidate.name}{names}{rest}."]
