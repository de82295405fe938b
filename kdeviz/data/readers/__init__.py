"""One module per kind of file; `kdeviz.data.load` turns what they find into an EmbeddingSet. No file is trusted."""
