"""kdeviz: fit, see, tune and ship a PCA + Gaussian-KDE anomaly classifier for embeddings.

The names are listed in `__init__.pyi`. Each is imported when it is first asked for.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, _, _names = lazy_loader.attach_stub(__name__, __file__)
# These are asked for by name: `from kdeviz import *` loads no plotly, and no scikit-learn.
__all__ = sorted({*_names} - {"charts", "explain", "sweep", "KDEOutlierDetector"})


def __dir__() -> list[str]:
    return sorted({*globals(), *_names})
