"""A program of torch.export."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kdeviz.decision import Decision
from kdeviz.output.formats.affine import Affine
from kdeviz.output.formats.model_format import ModelFormat, Scored
from kdeviz.output.formats.probes import synthetic_rows

_POINTS_AT_ONCE = 4096


class TorchProgram(ModelFormat):
    """.pt2."""

    name = "torch-export"
    title = "torch.export program"
    suffix = ".pt2"
    words = (
        "A `.pt2` program of torch.export for any batch size, in double precision inside. It gives log "
        "density, p-value, probability and the verdict, and takes torch, not kdeviz."
    )
    takes_float32 = True
    of_arrays = True
    warning = (
        "a .pt2 file can execute code when it is opened: open only those that come from people you trust"
    )

    def loading(self, decision: Decision, file: str) -> str:
        """See `ModelFormat`."""
        return f"""\
import torch
program = torch.export.load({file!r}).module()
log_density, p_value, probability, is_anomalous = program(torch.as_tensor(rows).float())"""

    def write(self, decision: Decision, path: Path) -> None:
        """See `ModelFormat`; the example that torch wants is synthetic."""
        example = torch.from_numpy(synthetic_rows(decision.fitted_model)[:3])
        batch = torch.export.Dim("batch", min=1)
        program = torch.export.export(
            _Program(decision).eval(), (example,), dynamic_shapes={"features": {0: batch}}
        )
        for node in program.graph.nodes:
            node.meta.pop("stack_trace", None)  # it names folders of this machine
        content = io.BytesIO()
        torch.export.save(program, content)
        path.write_bytes(content.getvalue())

    def check(self, decision: Decision, path: Path, rows: NDArray[np.float32]) -> Scored:
        """See `ModelFormat`; also in a batch of one."""
        program = torch.export.load(io.BytesIO(path.read_bytes())).module()
        parts = [program(torch.from_numpy(part)) for part in (rows[:1], rows[1:])]
        log_density, p_value, probability, flagged = (
            torch.cat(values).numpy() for values in zip(*parts, strict=True)
        )
        return Scored("torch", str(torch.__version__), log_density, probability, p_value, flagged)


class _Program(nn.Module):
    """Log density, p-value, probability and verdict of (M, D) float32 features."""

    mean: Tensor
    axes: Tensor
    centre: Tensor
    transform: Tensor
    points: Tensor
    calibration: Tensor

    def __init__(self, decision: Decision) -> None:
        super().__init__()
        affine = Affine.of(decision.analysis.classifier)
        for name in ("mean", "axes", "centre", "transform", "points"):
            self.register_buffer(name, torch.from_numpy(np.array(getattr(affine, name))))
        calibration = np.array(decision.analysis.calibration, np.float64)
        self.register_buffer("calibration", torch.from_numpy(calibration))
        self.by_length, self.offset = affine.by_length, affine.offset
        self.threshold, self.curve = decision.threshold, decision.curve

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        scores = (features.double() - self.mean) @ self.axes
        if self.by_length:
            length = torch.linalg.vector_norm(scores, dim=1, keepdim=True)
            scores = scores / torch.where(length > 0, length, 1.0)
        z = (scores - self.centre) @ self.transform
        log_density = self._log_sums(z) + self.offset
        known = torch.searchsorted(self.calibration, log_density, right=True)
        p_value = (1.0 + known) / (len(self.calibration) + 1 if len(self.calibration) else float("nan"))
        p_value = torch.where(log_density.isnan(), torch.nan, p_value)
        probability = torch.sigmoid(self.curve.steepness * (self.curve.midpoint - log_density))
        return log_density, p_value, probability, ~(log_density >= self.threshold)

    def _log_sums(self, z: Tensor) -> Tensor:
        half = z.square().sum(1, keepdim=True) / 2
        blocks = [
            torch.logsumexp(z @ points.T - half - points.square().sum(1) / 2, 1)
            for points in torch.split(self.points, _POINTS_AT_ONCE)
        ]
        return torch.logsumexp(torch.stack(blocks), 0)
