"""Texts from a pickled numpy array of objects, without unpickling: opcodes are read, nothing is called."""

from __future__ import annotations

import pickletools
import re
from dataclasses import dataclass, field
from typing import Any

from kdeviz.errors import DataError

_MARK = object()
_PUSHED = re.compile(r"BININT[12]?|LONG1|BINFLOAT|(SHORT_)?BINUNICODE8?|(SHORT_)?BINBYTES|GLOBAL")
_CONSTANTS: dict[str, object] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_NOTHING = frozenset(("PROTO", "FRAME"))


@dataclass
class _Made:
    """What unpickling would call and fill; it never is called."""

    state: Any = None


@dataclass
class _Pickle:
    """The few opcodes that an array of texts is made of.

    Attributes:
        stack: values, and marks where a group of them begins.
        memo: values that are named again later.
    """

    stack: list[Any] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def run(self, pickled: bytes) -> Any:
        """What is left at the end.

        Raises:
            DataError: the pickle holds something else.
        """
        for opcode, argument, _ in pickletools.genops(pickled):
            if opcode.name == "STOP":
                break
            self.step(opcode.name, argument)
        return self.stack.pop()

    def step(self, name: str, argument: Any) -> None:
        """One opcode."""
        if _PUSHED.fullmatch(name):
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _TUPLES:
            self.stack.append(tuple(self.taken(_TUPLES[name])))
        elif name in ("BINPUT", "LONG_BINPUT"):
            self.memo[argument] = self.stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            self.stack.append(self.memo[argument])
        elif name not in _NOTHING:
            self.build(name)

    def build(self, name: str) -> None:
        """Opcodes that make something of the stack."""
        match name:
            case "MARK":
                self.stack.append(_MARK)
            case "MEMOIZE":
                self.memo[len(self.memo)] = self.stack[-1]
            case "EMPTY_LIST":
                self.stack.append([])
            case "TUPLE":
                self.stack.append(tuple(self.marked()))
            case "APPENDS" | "APPEND":
                items = self.marked() if name == "APPENDS" else self.taken(1)
                self.stack[-1].extend(items)
            case "STACK_GLOBAL":
                self.stack.append(" ".join(self.taken(2)))
            case "REDUCE":
                self.taken(2)
                self.stack.append(_Made())
            case "BUILD":
                (state,) = self.taken(1)
                self.stack[-1].state = state
            case _:
                raise DataError(f"opcode {name}")

    def marked(self) -> list[Any]:
        """The items since the last mark, off the stack."""
        count = next(i for i, item in enumerate(reversed(self.stack)) if item is _MARK)
        items = self.taken(count)
        self.stack.pop()
        return items

    def taken(self, count: int) -> list[Any]:
        """The last items, off the stack."""
        at = len(self.stack) - count
        if at < 0:
            raise IndexError(count)
        items = self.stack[at:]
        del self.stack[at:]
        return items


def texts_in(pickled: bytes, shape: tuple[int, ...]) -> list[Any] | None:
    """The values of an array of texts (numbers and None among them), or None when it holds anything else."""
    try:
        made = _Pickle().run(pickled)
        _, _, _, _, values = made.state
    except Exception:  # damaged pickles end in anything, and all of it means: no texts
        return None
    plain = isinstance(values, list) and all(isinstance(v, str | int | float | None) for v in values)
    return values if plain and shape in ((len(values),), (len(values), 1)) else None
