"""Whatever leaves kdeviz: tables, models, recipes, kept runs, MLflow.

The names are listed in `__init__.pyi`. Each is imported when it is first asked for.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
