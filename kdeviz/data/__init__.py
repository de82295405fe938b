"""Embeddings and what is known about each row: files in, an EmbeddingSet out.

The names are listed in `__init__.pyi`. Each is imported when it is first asked for: `kdeviz --help` need
not wait for torch, nor `import kdeviz` for the readers.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
