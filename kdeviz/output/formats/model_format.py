"""ModelFormat: what every kind of model file can do."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kdeviz.decision import Decision
from kdeviz.errors import OptionError
from kdeviz.output.formats.affine import unknown_scaling


class Scored(NamedTuple):
    """What the target runtime says of M rows; None for what it does not say."""

    runtime: str
    version: str
    log_density: NDArray[Any]
    """(M,) in nats."""
    probability: NDArray[Any] | None = None
    p_value: NDArray[Any] | None = None
    flagged: NDArray[np.bool_] | None = None
    holds: tuple[float, float] = (-math.inf, math.inf)
    """Between which log densities the runtime's numbers can hold the density."""


class ModelFormat(ABC):
    """One kind of model file. A new one is a subclass in a module, and a line in `MODEL_FORMATS`."""

    name: ClassVar[str]
    """As in `kdeviz export --to`."""
    title: ClassVar[str]
    """For people who choose among formats."""
    suffix: ClassVar[str]
    """Of its files; empty for a folder."""
    companions: ClassVar[tuple[str, ...]] = ()
    """Suffixes of what belongs to it beside it."""
    words: ClassVar[str]
    """What a person should know about it, in Markdown."""
    warning: ClassVar[str] = ""
    """What a person should know before anybody opens such a file."""
    limits: ClassVar[str] = ""
    """Why its runtime may give other scores, a sentence with a remedy, where that is known."""
    takes_float32: ClassVar[bool] = False
    """Whether it is given features in float32, whatever they were before."""
    for_kdeviz: ClassVar[bool] = False
    """Whether `kdeviz score` reads it, which recognises the rows that the model was fitted on."""
    of_arrays: ClassVar[bool] = False
    """Whether the arrays of `Affine` are all that it holds of a model: they know some scalings only."""
    needs: ClassVar[tuple[str, ...]] = ()
    """The modules that its runtime takes."""
    install: ClassVar[str] = ""
    """The line that installs them."""

    def refusal(self, decision: Decision) -> str:
        """Why a decision cannot be written so, a sentence with a remedy; empty if it can."""
        return unknown_scaling(decision.analysis.classifier) if self.of_arrays else ""

    @abstractmethod
    def loading(self, decision: Decision, file: str) -> str:
        """Lines of Python that load a file of this name and score `rows`."""

    @abstractmethod
    def write(self, decision: Decision, path: Path) -> None:
        """Write the file or folder, and what belongs to it beside it under the same stem."""

    @abstractmethod
    def check(self, decision: Decision, path: Path, rows: NDArray[np.float32]) -> Scored:
        """Load what was written for this decision with the runtime that it is for, and score (M, D) rows."""

    def check_installed(self) -> None:
        """See that its runtime is there.

        Raises:
            OptionError: it is not; the message has the line that installs it.
        """
        missing = [name for name in self.needs if not _is_there(name)]
        if missing:
            raise OptionError(f"{' and '.join(missing)} not installed: {self.install}")


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ValueError:  # a stand-in that a test put there
        return bool(import_module(name))
