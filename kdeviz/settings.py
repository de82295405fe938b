"""Settings: the knobs of the model, checked when they are set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import Enum
from functools import cache
from numbers import Integral, Real
from typing import Any

from kdeviz.errors import OptionError
from kdeviz.scaling import SCALINGS, Scaling
from kdeviz.wording import count, shown

BANDWIDTH_RULES = ("scott", "silverman")
# Narrower kernels would be lost in the rounding of float64 coordinates.
_BANDWIDTH_RANGE = (1e-3, 1e3)


class FeatureScalingMethod(str, Enum):
    """How the PCA scores are scaled before density estimation: the name of one of `SCALINGS`.

    NORM divides each row by its own length: only directions count.
    SCALE divides every row by the largest length seen in training: lengths count too.
    """

    NORM = "norm"
    SCALE = "scale"

    @classmethod
    def _missing_(cls, value: object) -> FeatureScalingMethod | None:
        return _member(value) if isinstance(value, str) and value in SCALINGS else None


@cache
def _member(name: str) -> FeatureScalingMethod:
    """A member for a scaling that the class above does not list; always the same for one name."""
    member = str.__new__(FeatureScalingMethod, name)
    member._name_, member._value_ = name.upper(), name
    return member


@dataclass(frozen=True)
class Settings:
    """What the analyst sets.

    Attributes:
        n_pca_components: how many principal components to keep: an int >= 1, or a float in (0, 1), the
            share of the variance to keep.
        feature_scaling_method: the name of one of `SCALINGS`: "norm" or "scale".
        max_training_points: at most this many training rows are used, a seeded random subset; >= 2.
        bandwidth: "scott", "silverman", or a factor, 0.001 to 1000, that multiplies Scott's.
        seed: of the random subset.
        standardise: divide each centred feature by its standard deviation in training, so that all count
            alike whatever their units. In float64, of the rows that the PCA is fitted on, with n - 1; a
            feature that does not vary there by more than its rounding becomes 0, and is divided by nothing.

    Raises:
        OptionError: a value is not one of these; the message says the value, the choices and the remedy.
    """

    n_pca_components: int | float = 16
    feature_scaling_method: FeatureScalingMethod = FeatureScalingMethod.SCALE
    max_training_points: int = 40000
    bandwidth: str | float = "scott"
    seed: int = 0
    standardise: bool = False

    def __post_init__(self) -> None:
        checked = {
            "n_pca_components": _components(self.n_pca_components),
            "feature_scaling_method": _scaling(self.feature_scaling_method),
            "max_training_points": _whole("training cap", self.max_training_points, at_least=2),
            "bandwidth": _bandwidth(self.bandwidth),
            "seed": _whole("seed", self.seed, at_least=0),
            "standardise": _yes_or_no(self.standardise),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @classmethod
    def usual(cls, rows: int, dimensions: int) -> Settings:
        """The defaults, with no more components than so many training rows of these dimensions allow."""
        return cls(min(cls.n_pca_components, max(min(rows - 1, dimensions), 1)))

    @property
    def scaling(self) -> Scaling:
        """What the scaling method does."""
        return SCALINGS[self.feature_scaling_method.value]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; `Settings(**d)` reads them back."""
        return {**asdict(self), "feature_scaling_method": self.feature_scaling_method.value}


@dataclass(frozen=True)
class Offer:
    """Settings that would help.

    Attributes:
        title: what a button says, in the imperative.
        changes: the fields of `Settings` that would be other.
    """

    title: str
    changes: Mapping[str, Any]

    def applied(self, settings: Settings) -> Settings:
        """These settings, changed."""
        return replace(settings, **self.changes)

    @property
    def options(self) -> str:
        """The same for `kdeviz fit`."""
        names = {"n_pca_components": "components", "feature_scaling_method": "scaling"}
        return " ".join(
            f"--{names.get(name, name)}" + ("" if value is True else f" {value}")
            for name, value in self.changes.items()
        )


def name_of(settings: Settings) -> str:
    """Settings as a name: "16 components, scale, cap 40 000, Scott"; the rest where it is not the default."""
    asked = settings.n_pca_components
    components = components_in_words(asked)
    if isinstance(asked, int):
        components += f" component{'s' * (asked != 1)}"
    cap = f"cap {count(settings.max_training_points)}"
    seed = f", seed {settings.seed}" if settings.seed else ""
    kernels = bandwidth_in_words(settings.bandwidth)
    units = ", standardised" if settings.standardise else ""
    return f"{components}, {settings.feature_scaling_method.value}, {cap}, {kernels}{seed}{units}"


def changes_in_words(before: Settings, after: Settings) -> str:
    """What differs: "components 40 → 8 · scaling norm → scale"; empty where nothing does."""
    pairs = zip(_in_words(before).items(), _in_words(after).values(), strict=True)
    return " · ".join(f"{name} {old} → {new}" for (name, old), new in pairs if old != new)


def _in_words(settings: Settings) -> dict[str, str]:
    return {
        "components": components_in_words(settings.n_pca_components),
        "standardised": "yes" if settings.standardise else "no",
        "scaling": settings.feature_scaling_method.value,
        "training cap": count(settings.max_training_points),
        "bandwidth": bandwidth_in_words(settings.bandwidth),
        "seed": str(settings.seed),
    }


def components_in_words(asked: int | float) -> str:
    """A number of components, or "95 % of the variance"."""
    # Twelve digits: 100 * 0.29 is not quite 29.
    return f"{100 * asked:.12g} % of the variance" if isinstance(asked, float) else count(asked)


def bandwidth_in_words(bandwidth: str | float) -> str:
    """As people write it: "Scott", "Silverman" or "Scott × 0.5"."""
    return bandwidth.capitalize() if isinstance(bandwidth, str) else f"Scott × {bandwidth:.12g}"


def number_or_text(text: str) -> Any:
    """An int or a float where the text of a setting is one; `Settings` judges what is left."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def is_between(value: Any, low: float, high: float) -> bool:
    """Whether it is a number from low to high; also of an integer that is too large for a float."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    # Numbers of numpy's would be compared in their own precision, where the ends may overflow.
    return low <= as_python_number(value) <= high


def as_python_number(value: Any) -> int | float:
    """A number of numpy's, or a fraction, as Python's own: JSON and recipes know no other."""
    return int(value) if isinstance(value, Integral) else float(value)


def _is_whole(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, Integral)


def _components(value: Any) -> int | float:
    if _is_whole(value) and 1 <= value < 2**63:
        return int(value)
    if is_between(value, 0, 1) and value not in (0, 1):
        return float(value)
    raise OptionError(
        f"components={shown(value)} is not possible: give a whole number of components, 1 or more, or a "
        "fraction between 0 and 1, the share of the variance to keep (n_pca_components)"
    )


def _scaling(value: Any) -> FeatureScalingMethod:
    if not isinstance(value, str) or value not in SCALINGS:
        choices = " or ".join(map(repr, sorted(SCALINGS)))
        raise OptionError(f"scaling={shown(value)} is not known: choose {choices} (feature_scaling_method)")
    return FeatureScalingMethod(value)


def _bandwidth(value: Any) -> str | float:
    if isinstance(value, str) and value in BANDWIDTH_RULES:
        return value
    lowest, highest = _BANDWIDTH_RANGE
    if is_between(value, lowest, highest):
        return float(value)
    raise OptionError(
        f"bandwidth={shown(value)} is not possible: choose 'scott', 'silverman', or a factor from "
        f"{lowest:g} to {highest:g} that multiplies Scott's (1.0 is Scott's rule)"
    )


def _yes_or_no(value: Any) -> bool:
    if isinstance(value, bool) or type(value).__name__ == "bool":  # numpy has a kind of its own
        return bool(value)
    raise OptionError(f"standardise={shown(value)} is not possible: choose True or False")


def _whole(name: str, value: Any, at_least: int) -> int:
    if _is_whole(value) and at_least <= value < 2**63:
        return int(value)
    raise OptionError(
        f"{name}={shown(value)} is not possible: give a whole number, {at_least} or more and below 2**63"
    )
