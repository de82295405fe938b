"""File formats: embeddings are known by their extension, images by their first bytes."""

from __future__ import annotations

FORMATS = (
    *("npy", "npz", "csv", "tsv", "txt", "vec", "jsonl", "ndjson", "json", "xlsx"),
    *("parquet", "pq", "feather", "arrow", "ipc", "pt", "pth", "safetensors", "h5", "hdf5"),
)
"""Extensions of files that are read."""

_MAGIC = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg", b"GIF87a": "gif", b"GIF89a": "gif"}


def image_type(data: bytes) -> str | None:
    """png, jpeg, gif or webp by magic bytes; None for anything else."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return next((kind for magic, kind in _MAGIC.items() if data.startswith(magic)), None)
