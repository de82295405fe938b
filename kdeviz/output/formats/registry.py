"""The model formats by name. A new one is its module and a line here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from kdeviz.errors import OptionError

if TYPE_CHECKING:
    from kdeviz.output.formats.model_format import ModelFormat

MODEL_FORMATS: dict[str, str | ModelFormat] = {
    "native": "kdeviz.output.formats.native:Native",
    "onnx": "kdeviz.output.formats.onnx_file:Onnx",
    "openvino": "kdeviz.output.formats.openvino_file:OpenVino",
    "anomalib": "kdeviz.output.formats.anomalib_file:Anomalib",
    "skops": "kdeviz.output.formats.skops_file:Skops",
    "mlflow": "kdeviz.output.formats.mlflow_folder:MlflowModel",
    "torch-export": "kdeviz.output.formats.torch_program:TorchProgram",
    "numpy": "kdeviz.output.formats.numpy_script:NumpyScript",
}
"""Every format of models by its name, in the order in which people are offered them: the format, or where its
class is, which is imported when it is asked for."""
_NATIVE = "native"


def model_format(name: str) -> ModelFormat:
    """The format of this name.

    Raises:
        OptionError: there is none.
    """
    found = MODEL_FORMATS.get(name)
    if found is None:
        raise OptionError(f"no model is written as {name!r}: choose {', '.join(MODEL_FORMATS)}")
    if not isinstance(found, str):
        return found
    module, _, kind = found.partition(":")
    made: ModelFormat = getattr(import_module(module), kind)()
    return made


def format_of_suffix(suffix: str) -> ModelFormat:
    """The first format of files with this suffix, in either case; kdeviz's own without one.

    Raises:
        OptionError: no model is written with this suffix.
    """
    if not suffix:
        return model_format(_NATIVE)
    known: list[str] = []
    for kind in map(model_format, MODEL_FORMATS):  # each is imported when it is its turn
        if kind.suffix == suffix.lower():
            return kind
        known += [kind.suffix] * (kind.suffix != "")
    raise OptionError(f"no model is written as {suffix!r}: choose {', '.join(known[:-1])} or {known[-1]}")
