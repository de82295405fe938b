"""One module per kind of file; `load` turns what they find into an EmbeddingSet. No file is trusted."""
