"""File formats: embeddings are known by their extension, images by their first bytes."""

from __future__ import annotations

from pathlib import Path

_HERE = "kdeviz.data.readers"

TEXT_READERS = {
    **dict.fromkeys(("csv", "tsv", "txt", "vec"), f"{_HERE}.delimited:read_delimited"),
    **dict.fromkeys(("jsonl", "ndjson"), f"{_HERE}.records:read_json_lines"),
    "json": f"{_HERE}.records:read_json",
}
"""Of texts, which may also be compressed."""

READERS = {
    "npy": f"{_HERE}.numpy_files:read_npy",
    "npz": f"{_HERE}.numpy_files:read_npz",
    **TEXT_READERS,
    "xlsx": f"{_HERE}.sheets:read_sheet",
    **dict.fromkeys(("parquet", "pq"), f"{_HERE}.parquet:read_parquet"),
    **dict.fromkeys(("feather", "arrow", "ipc"), f"{_HERE}.feather:read_feather"),
    **dict.fromkeys(("pt", "pth"), f"{_HERE}.tensors:read_torch"),
    "safetensors": f"{_HERE}.tensors:read_safetensors",
    **dict.fromkeys(("h5", "hdf5"), f"{_HERE}.hdf5:read_hdf5"),
}
"""Extension to the function of a Source that reads such a file: named, and imported with the first one."""

FORMATS = READERS.keys()
"""Extensions of files that are read."""

COMPRESSIONS = (".gz", ".bz2", ".xz", ".zst")
"""What texts may be compressed with, by the last part of a name."""


def format_of(name: str) -> str | None:
    """The extension by which a file is read, without its dot; None for a file that is not read.

    A text may be compressed, as features.csv.gz is.
    """
    last, inner = Path(name).suffix.lower(), Path(name).with_suffix("").suffix.lower()
    if last in COMPRESSIONS and inner[1:] in TEXT_READERS:
        return inner[1:]
    return last[1:] if last[1:] in READERS else None


_MAGIC = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg", b"GIF87a": "gif", b"GIF89a": "gif"}


def image_type(data: bytes) -> str | None:
    """png, jpeg, gif or webp by magic bytes; None for anything else."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return next((kind for magic, kind in _MAGIC.items() if data.startswith(magic)), None)
