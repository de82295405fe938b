"""Files that are not read, told by extension, and files that are something else than their names say."""

from __future__ import annotations

import re

from kdeviz.data.formats import TEXT_READERS
from kdeviz.data.readers.source import Source
from kdeviz.errors import DataError

_BECAUSE = {
    "pkl pickle joblib dill cloudpickle": (
        "a pickle can run code when it is opened; open it where you trust it, and save parquet or .npz"
    ),
    "dat mmap memmap raw bin": (
        "raw numbers, or a model's weights, do not tell their shape; save an array with "
        "np.save('x.npy', np.memmap(file, dtype, 'r', shape=(rows, dimensions)))"
    ),
    "ckpt onnx pt2 gguf ggml pb tflite keras mlmodel": (
        "a model's weights are no embeddings; run the model on your samples and save its output"
    ),
    "faiss index ann hnsw usearch": (
        "an index for search; take the vectors out, for example np.save('x.npy', "
        "index.reconstruct_n(0, index.ntotal))"
    ),
    "mat": "a MATLAB file; save np.savez('x.npz', **scipy.io.loadmat(file))",
    "h5ad loom zarr nc": "save its matrix with np.savez('x.npz', features=matrix, id=names)",
    "db sqlite sqlite3 duckdb mdb lmdb lance orc avro rds rdata sav dta": (
        "open it with its own tool, and save parquet"
    ),
    "tfrecord tfrecords msgpack pbz2 proto": "save its vectors as parquet or .npz",
    "xls xlsb ods numbers": "save the sheet as .xlsx or .csv",
    "zip tar tgz 7z rar": "unpack it, and give the file or the folder in it",
    "png jpg jpeg gif webp bmp tif tiff mp4 wav pdf": (
        "kdeviz reads the embeddings that a model gives for pictures, not pictures; compute those first"
    ),
}
_KINDS = {
    b"PAR1": ("a parquet file", ".parquet", ".pq"),
    b"ARROW1": ("an Arrow file", ".arrow", ".feather", ".ipc"),
    b"\x93NUMPY": ("an array of numpy", ".npy"),
    b"\x89HDF\r\n\x1a\n": ("an HDF5 file", ".h5", ".hdf5"),
    b"PK\x03\x04": ("a zip archive", ".npz", ".xlsx", ".pt", ".pth"),
}
_COMPRESSED = {b"\x1f\x8b": "gunzip", b"BZh": "bunzip2", b"\xfd7zXZ\0": "unxz", b"\x28\xb5\x2f\xfd": "unzstd"}
_LFS = b"version https://git-lfs"
_PAGE = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype html|html|\?xml|head|table)\b", re.IGNORECASE)
_TEXT = re.compile(rb"[\x09\x0a\x0d\x20-\x7e]{16,}")
_HEAD = 512


def why_not(suffix: str) -> str:
    """What to do with a file of that extension (lower case, with its dot); nothing when it is unknown."""
    return next((remedy for names, remedy in _BECAUSE.items() if suffix[1:] in names.split()), "")


def refuse_disguised(source: Source, kind: str) -> None:
    """Refuse what cannot be of its kind, the extension it is read by, in words that say what it is.

    Raises:
        DataError: it is of another kind, a pointer of Git LFS, or a web page.
    """
    with source.open() as stream:
        head = stream.read(_HEAD)
    if head.startswith(_LFS):
        raise DataError(
            f"{source.name}: a pointer of Git LFS, not the file itself; fetch that with git lfs pull"
        )
    if _PAGE.match(head):
        raise DataError(
            f"{source.name}: a web page (HTML or XML), not data; perhaps a download asked for a login"
        )
    for magic, kinds in _KINDS.items():
        if head.startswith(magic) and kind not in kinds:
            raise DataError(f"{source.name}: this is {kinds[0]}: name it {' or '.join(kinds[1:])}")
    if kind[1:] not in TEXT_READERS:
        _refuse_text_and_packed(source, kind, head)


def _refuse_text_and_packed(source: Source, kind: str, head: bytes) -> None:
    """Where bytes are expected that no text and no compressed file begins with."""
    for magic, tool in _COMPRESSED.items():
        if head.startswith(magic):
            raise DataError(f"{source.name}: only texts are read compressed; unpack it first ({tool})")
    if _TEXT.match(head):
        raise DataError(
            f"{source.name}: the content is text, not a readable {kind} file; if it is a table, name it .csv"
        )
