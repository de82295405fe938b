"""Arithmetic on vectors in LLVM's intermediate code, and machine code from it; needs llvmlite."""

# mypy: allow-untyped-calls

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir

FLOAT, DOUBLE, INT, LONG = ir.FloatType(), ir.DoubleType(), ir.IntType(32), ir.IntType(64)
FLOATS, DOUBLES = FLOAT.as_pointer(), DOUBLE.as_pointer()
# Smaller powers are as good as this one, and it is no denormal number, which would be slow.
_SMALLEST_EXPONENT = -120.0
# Added to a number below 2^22, it leaves the nearest whole number in the last bits.
_ROUNDER = 1.5 * 2**23
# 2^x for |x| <= 1/2, relative error 7.5e-8: min max |p(x) / 2^x - 1|, solved as a linear programme.
_POWER = (
    1.0000000716451922,
    0.6931469672984931,
    0.24022119759118354,
    0.0555071286654587,
    0.009675540316831951,
    0.0013276599602930264,
)


def widest() -> int:
    """How many float32 numbers this CPU multiplies and adds at once.

    Raises:
        NotImplementedError: there is no instruction for that, or none that we know of.
    """
    if platform.machine().lower() in ("aarch64", "arm64"):
        return 4
    features = llvm.get_host_cpu_features()
    if features.get("avx512f"):
        return 16
    if features.get("avx2") and features.get("fma"):
        return 8
    raise NotImplementedError("this CPU has no fused multiply-add on vectors")


def compiled(module: ir.Module) -> Any:
    """An engine with the machine code of a module, for this CPU; the code lives as long as the engine."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features().flatten()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    machine = target.create_target_machine(cpu=llvm.get_host_cpu_name(), features=features, opt=3)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(str(module)), machine)
    engine.finalize_object()
    return engine


class VectorFunction:
    """A function being written: the operations append to its end.

    Args:
        lanes: float32 numbers in a vector.
        name: of the function.
        arguments: their types.
    """

    def __init__(self, lanes: int, name: str, *arguments: Any) -> None:
        self.lanes = lanes
        self.vector, self._bits = ir.VectorType(FLOAT, lanes), ir.VectorType(INT, lanes)
        self.module = ir.Module()
        self.module.triple = llvm.get_process_triple()
        v, suffix = self.vector, f"v{lanes}f32"
        self._fma = self.declared(f"llvm.fma.{suffix}", v, v, v, v)
        self._largest = self.declared(f"llvm.vector.reduce.fmax.{suffix}", FLOAT, v)
        self._sum = self.declared(f"llvm.vector.reduce.fadd.{suffix}", FLOAT, FLOAT, v)
        self._function = self.declared(name, ir.VoidType(), *arguments)
        self.arguments = self._function.args
        self.code = ir.IRBuilder(self._function.append_basic_block())

    def declared(self, name: str, result: Any, *arguments: Any) -> Any:
        """A function of this module."""
        return ir.Function(self.module, ir.FunctionType(result, arguments), name)

    def loop(self, count: Any, carried: Sequence[Any], body: Callable[[Any, Any], Sequence[Any]]) -> Any:
        """`body(i, carried)` gives what the next round carries; it runs at least once."""
        code, before = self.code, self.code.block
        start, end = (self._function.append_basic_block() for _ in range(2))
        code.branch(start)
        code.position_at_end(start)
        index, *values = phis = [code.phi(v.type) for v in (count, *carried)]
        results = body(index, values)
        following = code.add(index, LONG(1))
        code.cbranch(code.icmp_unsigned("<", following, count), start, end)
        for phi, first, result in zip(phis, (LONG(0), *carried), (following, *results), strict=True):
            phi.add_incoming(first, before)
            phi.add_incoming(result, code.block)
        code.position_at_end(end)
        return results

    def at(self, start: Any, place: Any, further: int = 0) -> Any:
        """The address of a number."""
        return self.code.gep(start, [self.code.add(place, LONG(further))])

    def load(self, place: Any) -> Any:
        """A vector of numbers."""
        value = self.code.load(self.code.bitcast(place, self.vector.as_pointer()))
        value.align = 4
        return value

    def store(self, value: Any, place: Any) -> None:
        """A vector of numbers."""
        self.code.store(value, self.code.bitcast(place, self.vector.as_pointer())).align = 4

    def constant(self, value: float) -> Any:
        """A vector with this value in all lanes."""
        return ir.Constant(self.vector, [value] * self.lanes)

    def all(self, value: Any) -> Any:
        """A vector with this value, known when the function runs, in all lanes."""
        nothing = ir.Constant(self.vector, ir.Undefined)
        one = self.code.insert_element(nothing, value, INT(0))
        return self.code.shuffle_vector(one, nothing, ir.Constant(self._bits, [0] * self.lanes))

    def multiply_add(self, a: Any, b: Any, c: Any) -> Any:
        """a b + c, rounded once."""
        return self.code.call(self._fma, [a, b, c])

    def higher(self, value: Any, least: Any) -> Any:
        """The larger of the two, lane by lane; `least` where the value is NaN."""
        return self.code.select(self.code.fcmp_ordered(">", value, least), value, least)

    def highest(self, vector: Any) -> Any:
        """Of all lanes."""
        return self.code.call(self._largest, [vector])

    def total(self, vectors: Sequence[Any]) -> Any:
        """Of all lanes of all vectors, in an order that is the same at every call."""
        first, *others = vectors
        for other in others:
            first = self.code.fadd(first, other)
        return self.code.call(self._sum, [FLOAT(-0.0), first], fastmath=("reassoc",))

    def powers_of_two(self, exponents: Any) -> Any:
        """2^x for x <= 0, at least 2^-120: the whole number next to x is added to the exponent of 2^rest."""
        code, rounder = self.code, self.constant(_ROUNDER)
        exponents = self.higher(exponents, self.constant(_SMALLEST_EXPONENT))
        shifted = code.fadd(exponents, rounder)
        rest = code.fsub(exponents, code.fsub(shifted, rounder))
        power = self.constant(_POWER[-1])
        for coefficient in _POWER[-2::-1]:
            power = self.multiply_add(power, rest, self.constant(coefficient))
        whole = code.shl(code.bitcast(shifted, self._bits), ir.Constant(self._bits, [23] * self.lanes))
        return code.bitcast(code.add(code.bitcast(power, self._bits), whole), self.vector)
