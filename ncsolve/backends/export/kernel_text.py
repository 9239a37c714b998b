"""Kernels, the scalar expressions inside of nodes, as text in another array library.

They are written as they stand, before a program splits them up: its sigmoid by exp(-|z|) is right, but would be
differentiated wrongly at z = 0 by a library that does not know what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sympy as sp

from ncsolve.backends.numpy_printer import literal
from ncsolve.errors import ProblemError
from ncsolve.graph.program import _DERIVED

Writer = Callable[..., str]

_LONG = 60  # characters of a text that gets a name


def infix(sign: str) -> Writer:
    return lambda *args: f"({f' {sign} '.join(args)})"


def call(name: str) -> Writer:
    return lambda *args: f"{name}({', '.join(args)})"


def folded(name: str) -> Writer:
    """A function of two arguments, of any number of them."""

    def write(first: str, *rest: str) -> str:
        for arg in rest:
            first = f"{name}({first}, {arg})"
        return first

    return write


COMPARISONS: dict[type[sp.Basic], Writer] = {
    sp.StrictLessThan: infix("<"), sp.LessThan: infix("<="), sp.StrictGreaterThan: infix(">"),
    sp.GreaterThan: infix(">="), sp.Equality: infix("=="), sp.Unequality: infix("!="),
}  # fmt: skip


class KernelText:
    """Writes kernels by a table {SymPy head: writer}; `where` writes a choice, (condition, yes, no).

    Long sub-expressions are given a name by `assign(text) -> name`.
    """

    def __init__(self, library: str, heads: Mapping[type[sp.Basic], Writer], where: Writer, sqrt: str) -> None:
        self.library, self.where, self.sqrt = library, where, sqrt
        self.heads = {**COMPARISONS, **heads}

    def written(self, kernel: sp.Basic, names: Mapping[sp.Symbol, str], assign: Callable[[str], str]) -> str:
        """The text of a kernel over named symbols; no recursion, since kernels of derivatives may be deep."""
        done: dict[sp.Basic, str] = dict(names)
        stack = [kernel]
        while stack:
            top = stack[-1]
            parts = self._parts(top)
            if top in done:
                stack.pop()
            elif pending := [part for part in parts if part not in done]:
                stack.extend(pending)
            else:
                stack.pop()
                text = self._text(top, [done[part] for part in parts])
                done[top] = assign(text) if len(text) > _LONG else text
        return done[kernel]

    def _parts(self, e: sp.Basic) -> tuple[sp.Basic, ...]:
        """What the text of an expression is made of."""
        if isinstance(e, sp.Piecewise):
            return tuple(part for pair in e.args for part in pair.args)
        if self._is_derived(e):
            define: Any = _DERIVED[type(e)]
            return (define(*e.args),)
        return e.args  # type: ignore[no-any-return]

    def _is_derived(self, e: sp.Basic) -> bool:
        return type(e) in _DERIVED and type(e) not in self.heads

    def _text(self, e: sp.Basic, args: list[str]) -> str:
        if e.is_Number or e.is_NumberSymbol:
            return literal(float(e)) if e.is_finite and e >= 0 else f"({literal(float(e))})"
        if e in (sp.true, sp.false):
            return str(e == sp.true)
        if e.is_Add:
            return infix("+")(*args)
        if e.is_Mul:
            return infix("*")(*args)
        if e.is_Pow:
            return self._power(e, args)
        if isinstance(e, sp.Piecewise):
            return self._piecewise(args)
        if self._is_derived(e):
            return args[0]
        if type(e) not in self.heads:
            raise ProblemError(f"{type(e).__name__} has no counterpart in {self.library}. `--code numpy` has it")
        return self.heads[type(e)](*args)

    def _power(self, e: sp.Pow, args: list[str]) -> str:
        base, exponent = args
        if e.args[1] == sp.Rational(1, 2):
            return f"{self.sqrt}({base})"
        if e.args[1] == sp.Rational(-1, 2):
            return f"(1 / {self.sqrt}({base}))"
        if e.args[1].is_Integer and e.args[1] < 0:
            return f"(1 / {base}{'' if e.args[1] == -1 else f'**{-e.args[1]}'})"
        return f"({base}**{exponent})"

    def _piecewise(self, args: list[str]) -> str:
        result = "float('nan')"
        for value, condition in reversed(list(zip(args[::2], args[1::2], strict=True))):
            result = value if condition == "True" else self.where(condition, value, result)
        return result
