"""The ONNX graph of a decision, node by node: no exporter of torch, and no row of anybody's data."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdeviz.decision import Decision
from kdeviz.output.formats.affine import Affine

OPSET, IR_VERSION = 18, 9
"""ONNX Runtime reads both from 1.14 on."""
INPUT, OUTPUTS = "features", ("log_density", "p_value", "probability", "is_anomalous")
# How many kernels to hold at once, and how many points a block has at least.
_PAIRS, _FEWEST_POINTS = 2**20, 64
# Squares of larger coordinates would overflow float32.
_FARTHEST = 1e16
_LOWEST = -3e38
# Kernels this much smaller than the largest, in nats, add nothing; below -88 they take nine times as long.
_VANISHING = -80.0
# How much of the promised accuracy float32 sums may use before coordinates are taken apart, in nats.
_ROUNDING = 3e-5


class Graph:
    """Nodes and constants as they are added; each gets a name."""

    def __init__(self, prefix: str = "") -> None:
        from onnx import helper, numpy_helper

        self._helper, self._numpy = helper, numpy_helper
        self._prefix = prefix
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def const(self, value: Any, dtype: Any) -> str:
        """A constant."""
        name = f"{self._prefix}c{len(self.constants)}"
        self.constants.append(self._numpy.from_array(np.asarray(value, dtype), name))
        return name

    def add(self, operator: str, *inputs: str, into: str = "", **attributes: Any) -> str:
        """A node with one output, which is named `into` where that is given."""
        output = into or f"{self._prefix}n{len(self.nodes)}"
        self.nodes.append(self._helper.make_node(operator, [*inputs], [output], **attributes))
        return output

    def cast(self, value: str, dtype: Any, into: str = "") -> str:
        """A value in another type."""
        kind = self._helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self.add("Cast", value, to=kind, into=into)


def model_proto(decision: Decision, metadata: dict[str, str], description: str) -> Any:
    """The ONNX model, checked in full, with these texts about it inside."""
    from onnx import TensorProto, checker, helper

    affine, curve = Affine.of(decision.analysis.classifier), decision.curve
    graph = Graph()
    sums = _log_sums(graph, _whitened(graph, affine), affine.points)
    column = graph.add("Add", sums, graph.const(affine.offset, np.float32))
    log_density = graph.add("Squeeze", column, graph.const([1], np.int64), into=OUTPUTS[0])
    _p_values(graph, log_density, np.asarray(decision.analysis.calibration))
    away = graph.add("Sub", graph.const(curve.midpoint, np.float32), log_density)
    steep = graph.add("Mul", away, graph.const(curve.steepness, np.float32))
    graph.add("Sigmoid", steep, into=OUTPUTS[2])
    # Not "less than": a row with NaN has no log density, and must not pass.
    passes = graph.add("GreaterOrEqual", log_density, graph.const(decision.threshold, np.float32))
    graph.add("Not", passes, into=OUTPUTS[3])
    info, kinds = helper.make_tensor_value_info, [TensorProto.FLOAT] * 3 + [TensorProto.BOOL]
    made = helper.make_graph(
        graph.nodes,
        "kdeviz",
        [info(INPUT, TensorProto.FLOAT, ["batch", len(affine.mean)])],
        [info(name, kind, ["batch"]) for name, kind in zip(OUTPUTS, kinds, strict=True)],
        graph.constants,
        doc_string=description,
    )
    imports = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(made, opset_imports=imports, ir_version=IR_VERSION, producer_name="kdeviz")
    helper.set_model_props(model, metadata)
    checker.check_model(model, full_check=True)
    return model


def _whitened(graph: Graph, affine: Affine) -> str:
    """(M, k) coordinates among the points, in float64.

    A runtime may have only float32: then x - m is exact for features near m, which is the mean in float32,
    and what m lacks comes after the projection.
    """
    near = affine.mean.astype(np.float32).astype(np.float64)
    centred = graph.add("Sub", graph.cast(INPUT, np.float64), graph.const(near, np.float64))
    rest = affine.mean - near
    if affine.by_length:
        scores = _projected(graph, centred, affine.axes, rest @ affine.axes)
        unit = graph.add("Sub", _directions(graph, scores), graph.const(affine.centre, np.float64))
        z = graph.add("MatMul", unit, graph.const(affine.transform, np.float64))
    else:
        axes, shift = affine.straight
        z = _projected(graph, centred, axes, rest @ axes + shift)
    return _within_reach(graph, z)


def _projected(graph: Graph, rows: str, axes: NDArray[np.float64], shift: NDArray[np.float64]) -> str:
    moved = graph.add("MatMul", rows, graph.const(axes, np.float64))
    return graph.add("Sub", moved, graph.const(shift, np.float64))


def _directions(graph: Graph, scores: str) -> str:
    length = graph.add("ReduceL2", scores, graph.const([1], np.int64), keepdims=1)
    has_length = graph.add("Greater", length, graph.const(0, np.float64))
    divisor = graph.add("Where", has_length, length, graph.const(1, np.float64))
    return graph.add("Div", scores, divisor)


def _within_reach(graph: Graph, z: str) -> str:
    """Rows so far out that squares would overflow are drawn in, NaN stays NaN."""
    largest = graph.add("ReduceMax", graph.add("Abs", z), graph.const([1], np.int64), keepdims=1)
    excess = graph.add("Div", largest, graph.const(_FARTHEST, np.float64))
    return graph.add("Div", z, graph.add("Max", excess, graph.const(1, np.float64)))


def _log_sums(graph: Graph, z: str, points: NDArray[np.float64]) -> str:
    """(M, 1) log sum_j exp(-|z - y_j|^2 / 2), by matrix products of columns of queries and of points."""
    k = points.shape[1]
    reach = float(np.linalg.norm(points, axis=1).max())
    bound = np.finfo(np.float32).eps * (1 + k / 80) * (2 * reach) ** 2 / 2
    stored = graph.const(points, np.float32)
    if bound > _ROUNDING:
        return _blocks(graph, _split_columns(graph, z, stored, _grid(reach)), len(points))
    near = graph.cast(z, np.float32)
    queries = _side_by_side(graph, near, _ones(graph, near))
    keys = _side_by_side(graph, stored, _half_square(graph, stored))
    return graph.add("Add", _blocks(graph, [(queries, keys)], len(points)), _half_square(graph, near))


def _grid(reach: float) -> float:
    """The step to which high parts are rounded, a power of two.

    Products of two high parts up to twice the reach, in units of half a squared step, stay below 2^24:
    float32 adds them without rounding.
    """
    return float(2.0 ** np.ceil(np.log2(2 * reach / 2**11)))


def _split_columns(graph: Graph, z: str, y: str, step: float) -> list[tuple[str, str]]:
    """Columns whose products add up to -|z - y|^2 / 2 where that is much smaller than |z|^2 and |y|^2.

    With z = Z + u and y = Y + v, Z and Y on a grid:
    -|z - y|^2 / 2 = (Z Y - |Y|^2 / 2 - |Z|^2 / 2) + Z v + u y - (Y v + |v|^2 / 2) - (Z u + |u|^2 / 2).
    The bracket is the first product, which float32 holds exactly; the rest, which is small, is the second.
    """
    z_high, z_low, z_rest = _parts(graph, z, step)
    y_high, y_low, y_rest = _parts(graph, graph.cast(y, np.float64), step)
    ones, y_ones = _ones(graph, z_high), _ones(graph, y_high)
    exact = (
        _side_by_side(graph, z_high, ones, _half_square(graph, z_high)),
        _side_by_side(graph, y_high, _half_square(graph, y_high), y_ones),
    )
    small = (
        _side_by_side(graph, z_high, z_low, ones, z_rest),
        _side_by_side(graph, y_low, y, y_rest, y_ones),
    )
    return [exact, small]


def _parts(graph: Graph, wide: str, step: float) -> tuple[str, str, str]:
    """High and low part in float32, and -(high low + |low|^2 / 2)."""
    grid = graph.const(step, np.float64)
    high = graph.add("Mul", graph.add("Round", graph.add("Div", wide, grid)), grid)
    low = graph.add("Sub", wide, high)
    half = graph.add("Mul", low, graph.const(0.5, np.float64))
    products = graph.add("Mul", low, graph.add("Add", high, half))
    rest = graph.add("Neg", graph.add("ReduceSum", products, graph.const([1], np.int64), keepdims=1))
    return graph.cast(high, np.float32), graph.cast(low, np.float32), graph.cast(rest, np.float32)


def _half_square(graph: Graph, rows: str) -> str:
    """(M, 1): -|row|^2 / 2."""
    squares = graph.add("ReduceSumSquare", rows, graph.const([1], np.int64), keepdims=1)
    return graph.add("Mul", squares, graph.const(-0.5, np.float32))


def _ones(graph: Graph, rows: str) -> str:
    """(M, 1)."""
    from onnx import numpy_helper

    first = graph.add("Shape", rows, start=0, end=1)
    shape = graph.add("Concat", first, graph.const([1], np.int64), axis=0)
    return graph.add("ConstantOfShape", shape, value=numpy_helper.from_array(np.ones(1, np.float32)))


def _side_by_side(graph: Graph, *columns: str) -> str:
    return graph.add("Concat", *columns, axis=1)


def _blocks(graph: Graph, columns: list[tuple[str, str]], n: int) -> str:
    """(M, 1) log sum_j exp(query . key_j) over blocks of points, with a running maximum.

    Each of `columns` are the names of (M, c) queries and (n, c) keys, whose products are added.
    """
    count = graph.const(n, np.int64)
    one = graph.const(1, np.int64)
    queries = columns[0][0]
    batch = graph.add("Squeeze", graph.add("Shape", queries, start=0, end=1))
    share = graph.add("Div", graph.const(_PAIRS, np.int64), graph.add("Max", batch, one))
    step = graph.add("Max", share, graph.const(_FEWEST_POINTS, np.int64))
    whole = graph.add("Sub", graph.add("Add", count, step), one)
    turns = graph.add("Div", whole, step)
    lowest = graph.add("Mul", _ones(graph, queries), graph.const(_LOWEST, np.float32))
    yes = graph.const(True, np.bool_)
    return graph.add("Loop", turns, yes, lowest, body=_one_block(columns, step))


def _one_block(columns: list[tuple[str, str]], step: str) -> Any:
    """Adds the kernels of one block of points."""
    from onnx import TensorProto, helper

    body = Graph("b_")
    axis, first, one = (body.const([value], np.int64) for value in (1, 0, 1))
    start = body.add("Reshape", body.add("Mul", "turn", step), one)
    stop = body.add("Add", start, body.add("Reshape", step, one))
    products = [
        body.add("Gemm", queries, body.add("Slice", keys, start, stop, first), transB=1)
        for queries, keys in columns
    ]
    exponents = reduce(lambda one, other: body.add("Add", one, other), products)
    higher = body.add("Max", "so_far", body.add("ReduceMax", exponents, axis, keepdims=1))
    vanishing = body.const(_VANISHING, np.float32)
    kernels = body.add("Exp", body.add("Clip", body.add("Sub", exponents, higher), vanishing))
    earlier = body.add("Exp", body.add("Sub", "so_far", higher))
    total = body.add("Add", earlier, body.add("ReduceSum", kernels, axis, keepdims=1))
    body.add("Add", higher, body.add("Log", total), into="so_far_out")
    body.add("Identity", "go_on", into="go_on_out")
    info = helper.make_tensor_value_info
    return helper.make_graph(
        body.nodes,
        "block",
        [
            info("turn", TensorProto.INT64, []),
            info("go_on", TensorProto.BOOL, []),
            info("so_far", TensorProto.FLOAT, ["batch", 1]),
        ],
        [info("go_on_out", TensorProto.BOOL, []), info("so_far_out", TensorProto.FLOAT, ["batch", 1])],
        body.constants,
    )


def _p_values(graph: Graph, log_density: str, calibration: NDArray[Any]) -> None:
    """(1 + calibration scores at or below) / (c + 1), the count by bisection; NaN without calibration."""
    c = len(calibration)
    steps = [2**power for power in reversed(range(c.bit_length()))] or [1]
    padded = np.concatenate([calibration, np.full(2 * steps[0] - 1 - c, np.inf)])
    ascending = graph.const(padded, np.float32)
    zero = graph.cast(graph.add("Mul", log_density, graph.const(0, np.float32)), np.int64)
    below = graph.add("Mul", zero, graph.const(0, np.int64))
    for step in steps:
        further = graph.add("Add", below, graph.const(step, np.int64))
        place = graph.add("Sub", further, graph.const(1, np.int64))
        reached = graph.add("LessOrEqual", graph.add("Gather", ascending, place), log_density)
        below = graph.add("Where", reached, further, below)
    counted = graph.add("Add", graph.cast(below, np.float32), graph.const(1, np.float32))
    parts = graph.const(c + 1 if c else np.nan, np.float32)
    graph.add("Div", counted, parts, into=OUTPUTS[1])
