"""One module per kind of file; `kdeviz.data.load` makes an EmbeddingSet of it. No file is trusted."""
