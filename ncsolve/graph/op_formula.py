"""Operations of a program back to SymPy, at one place of their index space, in the user's names: log(x[3] - 2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import sympy as sp

from ncsolve.graph.derivation import Derivation, positions
from ncsolve.graph.formula import Writer
from ncsolve.graph.kernels import FUNCTIONS
from ncsolve.graph.nodes import ROW_COUNT, ROW_WEIGHT, Gather, Index
from ncsolve.graph.program import _COMPARISONS, _NARY, _UNARY, MATRIX, Op, Program

At = Mapping[Index, sp.Basic]

_DEPTH = 8  # operations nested in an expression before it is cut short
_CUT = sp.Symbol("(...)", real=True)
_HEADS: dict[str, Callable[..., Any]] = {
    **{name: head for head, name in (*_UNARY.items(), *_NARY.items(), *_COMPARISONS.items())},
    **{head.__name__: head.defined for head in FUNCTIONS},
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda a: -a,
    "square": lambda a: a**2,
    "pow": lambda a, b: a**b,
    "sqrt": sp.sqrt,
    "where": lambda c, a, b: sp.Piecewise((a, c), (b, True)),
    "polygamma": sp.polygamma,
}


class OpWriter:
    """Writes the operations of one program."""

    def __init__(self, program: Program, derivation: Derivation) -> None:
        self.program = program
        self.variables = derivation.variables
        self.writer = Writer(program.graph, {v.name: v.symbol for v in derivation.variables})

    def expression(self, op: int, at: At, depth: int = _DEPTH) -> sp.Basic:
        """An operation as an expression, as deep as a reader can follow."""
        return self._written(self.program.ops[op], at, depth)

    def _written(self, op: Op, at: At, depth: int) -> sp.Basic:
        if op.kind == "const":
            return _number(op.detail)
        if op.kind == "gather":
            return self._element(op, at)
        if depth == 0:
            return _CUT
        if op.kind == "relabel":
            inside = self.program.ops[op.args[0]].indices
            names = dict(op.detail)
            return self.expression(op.args[0], {i: at[names.get(i, i)] for i in inside}, depth)
        if op.kind in MATRIX:
            return sp.Symbol("det(...)" if "det" in op.kind else "(...)**-1")
        if op.kind in ("sum", "contract", "peak"):
            return self._reduction(op, at, depth)
        args = [self.expression(a, at, depth - 1) for a in op.args]
        return _HEADS[op.kind](*args)

    def _element(self, op: Op, at: At) -> sp.Basic:
        leaf, subscripts = op.detail
        if leaf in (ROW_WEIGHT, ROW_COUNT):
            return sp.S.One
        graph = self.program.graph
        gather = graph.gather(leaf, subscripts)
        assert isinstance(gather, Gather)
        here = {i: at[i] for i in gather.indices}
        if leaf.role == "variable" and all(k.is_Integer for k in here.values()):
            place = tuple(int(here[i]) for i in gather.indices)
            return sp.Symbol(self.variables.entry(int(positions(graph, gather)[place])), real=True)
        return self.writer.element(gather, here)

    def _reduction(self, op: Op, at: At, depth: int) -> sp.Basic:
        over: tuple[Index, ...] = op.detail
        inner: dict[Index, Any] = {i: at[i] for i in op.indices}
        for index in over:
            inner[index] = self.writer.meaning_of(index, inner.values())
        body = sp.Mul(*(self.expression(a, inner, depth - 1) for a in op.args))
        total = self.writer.total(body, {i: inner[i] for i in over})
        return sp.Function("Max")(*total.args) if op.kind == "peak" else total


def _number(value: float) -> sp.Expr:
    """A number as short as it can be written."""
    if abs(value) < 1e6 and float(short := Fraction(value).limit_denominator(1000)) == value:
        return sp.Rational(short.numerator, short.denominator)
    return sp.Float(value, 6)
