"""anomalib's own classifier, from the installed package, without the hundred packages beside it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any

from kdeviz.errors import OptionError

INSTALL = "pip install --no-deps anomalib==2.7.0"
_COMPONENTS = "anomalib.models.components"
_PACKAGES = ("anomalib", "anomalib.models", _COMPONENTS, f"{_COMPONENTS}.base")
_LOCK = Lock()


@cache
def reference_module() -> ModuleType:
    """The module of its `KDEClassifier` and `FeatureScalingMethod`.

    Its four modules are executed; the packages above them, which import lightning, timm and more, are not.

    Raises:
        OptionError: anomalib is not installed.
    """
    folder = components_folder()
    with _LOCK, _stand_ins() as packages:
        base = packages[f"{_COMPONENTS}.base"]
        base.DynamicBufferMixin = _executed(folder, "base.dynamic_buffer").DynamicBufferMixin
        components = packages[_COMPONENTS]
        components.PCA = _executed(folder, "dimensionality_reduction.pca").PCA
        components.GaussianKDE = _executed(folder, "stats.kde").GaussianKDE
        return _executed(folder, "classification.kde_classifier")


def components_folder() -> Path:
    """Where its components are."""
    spec = find_spec("anomalib")
    if spec is None or not spec.submodule_search_locations:
        raise OptionError(f"anomalib not installed: {INSTALL}")
    return Path(next(iter(spec.submodule_search_locations))) / "models" / "components"


@contextmanager
def _stand_ins() -> Iterator[dict[str, Any]]:
    """Empty modules in the place of the packages, until the end."""
    before = {name: sys.modules.get(name) for name in _PACKAGES}
    empty = {name: ModuleType(name) for name in _PACKAGES}
    sys.modules.update(empty)
    try:
        yield empty
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def _executed(folder: Path, name: str) -> ModuleType:
    path = folder.joinpath(*name.split(".")).with_suffix(".py")
    spec = spec_from_file_location(f"{_COMPONENTS}.{name}", path)
    if spec is None or spec.loader is None:
        raise OptionError(f"{path}: not the anomalib that kdeviz knows: {INSTALL}")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
