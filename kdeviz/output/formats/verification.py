"""Is an exported model the same model? Its scores, from the runtime that it is for, beside kdeviz's own."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdeviz import __version__
from kdeviz.data import Rows
from kdeviz.decision import Decision, p_values
from kdeviz.errors import ExportError
from kdeviz.model import KDEClassifier
from kdeviz.output.formats.model_format import Scored
from kdeviz.wording import count, number

ABSOLUTE, RELATIVE = 1e-4, 1e-5
"""Log densities may differ by ABSOLUTE + RELATIVE |log density|, in nats."""
_ROUNDING = 1e-6  # of a probability in float32


@dataclass(frozen=True)
class SamplesFlagged:
    """How many of the scored samples are flagged, by kdeviz and by a file that gives the same scores.

    Attributes:
        flagged: how many kdeviz flags, as on the screen and in its tables.
        trained_on: how many of them the model was fitted on; kdeviz judges these by models that have not seen
            them, and a runtime that loads the file cannot.
        flagged_by_file: how many such a runtime flags when it is given all of them.
        for_kdeviz: whether `kdeviz score`, too, reads the file, and flags as many as the screen.
    """

    rows: int
    flagged: int
    trained_on: int
    flagged_by_file: int
    for_kdeviz: bool = False

    @classmethod
    def of(
        cls, decision: Decision, takes_float32: bool = False, for_kdeviz: bool = False
    ) -> SamplesFlagged | None:
        """Count; None where there are no samples. In float32 where the file `takes_float32`.

        Raises:
            ExportError: in float32 some samples get another verdict.
        """
        analysis, threshold = decision.analysis, decision.threshold
        rows = analysis.inspected.features
        if not len(rows) or rows.shape[1] != len(analysis.classifier.pca_model.mean):
            return None
        known, model = np.flatnonzero(analysis.points >= 0), decision.fitted_model
        exact = np.array(analysis.scores, np.float64)
        exact[known] = model.log_density(rows[known]).cpu().numpy()
        by_file = _in_float32(model, rows, exact) if takes_float32 else exact
        other = ((by_file < threshold) != (exact < threshold)) & ~_at(threshold, exact)
        if other.any():
            raise ExportError(
                f"it takes float32, in which {count(int(other.sum()))} of {count(len(rows))} samples get "
                "another verdict: nothing was written. The features need float64: use native or numpy"
            )
        flagged_by_file = int((by_file < threshold).sum())
        return cls(len(rows), decision.n_flagged, len(known), flagged_by_file, for_kdeviz)

    @property
    def sentence(self) -> str:
        """For people."""
        said = f"kdeviz flags {count(self.flagged)} of the {count(self.rows)} samples"
        if not self.trained_on:
            if self.flagged == self.flagged_by_file:
                return f"{said}, and so does the file."
            by_file = count(self.flagged_by_file)
            return f"{said}, the file {by_file}: it takes float32, and the others lie at the threshold."
        if self.for_kdeviz:
            return (
                f"{said}, also where `kdeviz score` reads the file: the model was fitted on "
                f"{count(self.trained_on)} of them, and these are judged by models that have not seen them. "
                f"`log_density` of the loaded model has seen them, and {count(self.flagged_by_file)} of all "
                "are below its threshold. On new samples both say the same."
            )
        return (
            f"{said}, the file {count(self.flagged_by_file)}: the model was fitted on "
            f"{count(self.trained_on)} of them, which kdeviz judges by models that have not seen them, and "
            "the file cannot. On new samples both say the same."
        )


@dataclass(frozen=True)
class Verification:
    """What was compared, and how much it differs; the record beside an exported model.

    Attributes:
        runtime, version: of what loaded it.
        rows: how many were compared.
        rows_of_samples: how many of those are scored samples; the others are synthetic.
        rows_below_threshold: how many of the rows compared the file flags. This says nothing of the samples:
            most of these rows lie far out, or next to the threshold, on purpose.
        rows_out_of_range: rows, beside those, whose density the runtime cannot hold.
        lowest_log_density: of the compared rows, in nats.
        max_log_density_difference: in nats.
        max_probability_difference: None where the runtime gives no probability.
        max_p_value_difference: None where it gives none, or the model has none.
        verdict_flips: rows with another verdict: 0.
        rows_at_threshold: rows, beside the flips, that lie so close to the threshold that the allowed
            difference decides.
        samples: what kdeviz and the file say of all scored samples; None where none are here.
    """

    format: str
    runtime: str
    version: str
    rows: int
    rows_of_samples: int
    rows_below_threshold: int
    rows_out_of_range: int
    lowest_log_density: float
    max_log_density_difference: float
    max_probability_difference: float | None
    max_p_value_difference: float | None
    verdict_flips: int
    rows_at_threshold: int
    samples: SamplesFlagged | None
    kdeviz_version: str
    created: str

    def to_json(self) -> str:
        """For people and programs."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @property
    def sentence(self) -> str:
        """What was found, for people."""
        flagged = "" if self.samples is None else f" {self.samples.sentence}"
        return (
            f"Loaded by {self.runtime} {self.version}: {self.rows} rows compared ({self.what_rows}), down to "
            f"a log density of {number(self.lowest_log_density)} nats; largest difference "
            f"{number(self.max_log_density_difference)} nats, {self.verdict_flips} other verdicts.{flagged}"
        )

    @property
    def what_rows(self) -> str:
        """Which rows were compared."""
        return f"{self.rows - self.rows_of_samples} made up, {self.rows_of_samples} of the samples"


@dataclass(frozen=True, eq=False)
class Expected:
    """What kdeviz itself says of (R, D) float32 rows, in double precision."""

    rows: NDArray[np.float32]
    log_density: NDArray[np.float64]
    decision: Decision
    of_samples: int = 0
    """How many of the rows, the last ones, are scored samples."""

    @classmethod
    def of(cls, decision: Decision, rows: NDArray[np.float32], of_samples: int = 0) -> Expected:
        """Score the rows, on the CPU, where there is double precision."""
        model = copy.deepcopy(decision.fitted_model).cpu()
        return cls(rows, model.log_density(rows.astype(np.float64)).numpy(), decision, of_samples)


def _in_float32(model: KDEClassifier, rows: NDArray[Any], exact: NDArray[np.float64]) -> NDArray[np.float64]:
    """The log densities of rows rounded to float32, where `exact` are those of the rows as they are."""
    found = exact.copy()
    if np.can_cast(rows.dtype, np.float32):
        return found
    for start, stop in Rows(rows).spans():
        block = rows[start:stop]
        rounded = block.astype(np.float32)
        changed = np.flatnonzero((rounded != block).any(1))
        found[start + changed] = model.log_density(rounded[changed].astype(np.float64)).cpu().numpy()
    return found


def _allowed(truth: NDArray[np.float64]) -> NDArray[np.float64]:
    return ABSOLUTE + RELATIVE * np.abs(truth)


def _at(threshold: float, truth: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where the allowed difference decides."""
    return np.asarray(np.abs(truth - threshold) <= _allowed(truth))


def verify(
    name: str, expected: Expected, found: Scored, samples: SamplesFlagged | None = None
) -> Verification:
    """Compare what kdeviz and a runtime say of the same rows; the record also tells of the `samples`.

    Raises:
        ExportError: a score, a probability, a p-value or a verdict is another one.
    """
    who = f"{found.runtime} {found.version}"
    low, high = found.holds
    compared = (expected.log_density >= low) & (expected.log_density <= high)
    if not compared.any():
        raise ExportError(f"{who} gives no number for any of {len(compared)} rows: nothing was written")
    truth, got = expected.log_density[compared], np.asarray(found.log_density, np.float64)[compared]
    away = np.abs(got - truth)
    _refuse(~(away <= _allowed(truth)), who, "log density", got, truth)
    return Verification(
        format=name,
        runtime=found.runtime,
        version=found.version,
        rows=int(compared.sum()),
        rows_of_samples=int(compared[len(compared) - expected.of_samples :].sum()),
        rows_out_of_range=int((~compared).sum()),
        lowest_log_density=float(truth.min()),
        max_log_density_difference=float(away.max()),
        max_probability_difference=_probabilities(expected, found, compared, who),
        max_p_value_difference=_p_values(expected, found, compared, who),
        **_verdicts(expected, found, compared, who),
        samples=samples,
        kdeviz_version=__version__,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _probabilities(expected: Expected, found: Scored, compared: NDArray[np.bool_], who: str) -> float | None:
    if found.probability is None:
        return None
    truth, curve = expected.log_density[compared], expected.decision.curve
    got, exact = np.asarray(found.probability, np.float64)[compared], curve(truth)
    steepest = curve.steepness / 4
    away = np.abs(got - exact)
    _refuse(~(away <= steepest * _allowed(truth) + _ROUNDING), who, "probability", got, exact)
    return float(away.max())


def _p_values(expected: Expected, found: Scored, compared: NDArray[np.bool_], who: str) -> float | None:
    calibration = np.asarray(expected.decision.analysis.calibration, np.float64)
    if found.p_value is None or not len(calibration):
        return None
    truth, got = expected.log_density[compared], np.asarray(found.p_value, np.float64)[compared]
    allowed = _allowed(truth)
    low, exact, high = (p_values(calibration, truth + step) for step in (-allowed, 0 * allowed, allowed))
    _refuse(~((got >= low - _ROUNDING) & (got <= high + _ROUNDING)), who, "p-value", got, exact)
    return float(np.abs(got - exact).max())


def _verdicts(expected: Expected, found: Scored, compared: NDArray[np.bool_], who: str) -> dict[str, int]:
    truth, threshold = expected.log_density[compared], expected.decision.threshold
    flagged = np.asarray(found.log_density) < threshold if found.flagged is None else found.flagged
    below, close = np.asarray(flagged, bool)[compared], _at(threshold, truth)
    flips = int(((below != (truth < threshold)) & ~close).sum())
    if flips:
        raise ExportError(f"{who} gives {flips} of {len(truth)} rows another verdict: nothing was written")
    at_threshold, flagged_rows = int(close.sum()), int(below.sum())
    return {"verdict_flips": 0, "rows_at_threshold": at_threshold, "rows_below_threshold": flagged_rows}


def _refuse(wrong: NDArray[np.bool_], who: str, what: str, got: NDArray[Any], truth: NDArray[Any]) -> None:
    if wrong.any():
        worst = int(np.flatnonzero(wrong)[np.argmax(np.nan_to_num(np.abs(got - truth), nan=np.inf)[wrong])])
        raise ExportError(
            f"{who} gives another {what} for {int(wrong.sum())} of {len(wrong)} rows, "
            f"such as {got[worst]:.9g} where kdeviz has {truth[worst]:.9g}: nothing was written"
        )
