"""Files that are not read, and what to do with each."""

from __future__ import annotations

_BECAUSE = {
    ("pkl", "pickle", "joblib", "dill", "cloudpickle"): (
        "a pickle can run code when it is opened; open it where you trust it, and save parquet or .npz"
    ),
    ("dat", "mmap", "memmap", "raw", "bin"): (
        "raw numbers, or a model's weights, do not tell their shape; save an array with "
        "np.save('x.npy', np.memmap(file, dtype, 'r', shape=(rows, dimensions)))"
    ),
    ("ckpt", "onnx", "pt2", "gguf", "ggml", "pb", "tflite", "keras", "mlmodel"): (
        "a model's weights are no embeddings; run the model on your samples and save its output"
    ),
    ("faiss", "index", "ann", "hnsw", "usearch"): (
        "an index for search; take the vectors out, for example np.save('x.npy', "
        "index.reconstruct_n(0, index.ntotal))"
    ),
    ("mat",): "a MATLAB file; save np.savez('x.npz', **scipy.io.loadmat(file))",
    ("h5ad", "loom", "zarr", "nc"): "save its matrix with np.savez('x.npz', features=matrix, id=names)",
    (
        "db",
        "sqlite",
        "sqlite3",
        "duckdb",
        "mdb",
        "lmdb",
        "lance",
        "orc",
        "avro",
        "rds",
        "rdata",
        "sav",
        "dta",
    ): ("open it with its own tool, and save parquet"),
    ("tfrecord", "tfrecords", "msgpack", "pbz2", "proto"): "save its vectors as parquet or .npz",
    ("xls", "xlsb", "ods", "numbers"): "save the sheet as .xlsx or .csv",
    ("zip", "tar", "tgz", "7z", "rar"): "unpack it, and give the file or the folder in it",
    ("png", "jpg", "jpeg", "gif", "webp", "bmp", "tif", "tiff", "mp4", "wav", "pdf"): (
        "kdeviz reads the embeddings that a model gives for pictures, not pictures; compute those first"
    ),
}


def why_not(suffix: str) -> str:
    """What to do with a file of that extension, or nothing when it is unknown.

    Args:
        suffix: in lower case, with its dot.
    """
    return next((remedy for names, remedy in _BECAUSE.items() if suffix[1:] in names), "")
