"""The charts: first their numbers, then their pictures.

`projection(decision)` and its like give a plotly figure; `projection_numbers(decision)` and its like what is
drawn, as a NamedTuple of arrays. The names are listed in `__init__.pyi`. Each is imported when it is first
asked for.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
