"""A problem's objective as data for JSON, and back: symbols, numbers and functions of a list, nothing that is run.

    {"nodes": [["Symbol", "x", {"real": true}], ["Rational", "2", "1"], ["Pow", 0, 1]], "objective": 2,
     "variables": [[0, []]], "parameters": [], "data": []}

A node is its class and its arguments, which are the places of earlier nodes: a sub-expression that occurs twice is
written once. No text is ever parsed as an expression.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp
from sympy.core.symbol import Str
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.matrices.expressions.slice import MatrixSlice

from ncsolve.errors import NcsolveError, StoreError

if TYPE_CHECKING:
    from ncsolve.problem import Problem

__all__ = ["read_problem", "write_problem"]

MOST_NUMBERS = 100_000  # of data

_HEADS: dict[str, type] = {
    head.__name__: head
    for head in (
        sp.Add, sp.Mul, sp.Pow, sp.Sum, sp.Product, sp.Tuple, sp.Indexed, sp.IndexedBase, sp.Idx, sp.Piecewise,
        ExprCondPair, sp.ITE, sp.And, sp.Or, sp.Not, sp.Eq, sp.Ne, sp.Lt, sp.Le, sp.Gt, sp.Ge, sp.KroneckerDelta,
        sp.exp, sp.log, sp.sin, sp.cos, sp.tan, sp.cot, sp.sec, sp.csc, sp.asin, sp.acos, sp.atan, sp.acot, sp.atan2,
        sp.sinh, sp.cosh, sp.tanh, sp.coth, sp.sech, sp.csch, sp.asinh, sp.acosh, sp.atanh, sp.erf, sp.erfc, sp.gamma,
        sp.loggamma, sp.digamma, sp.polygamma, sp.factorial, sp.sinc, sp.Abs, sp.sign, sp.floor, sp.ceiling,
        sp.Heaviside, sp.Max, sp.Min, sp.Mod, sp.LambertW, sp.MatrixSymbol, sp.MatAdd, sp.MatMul, sp.MatPow,
        sp.Transpose, sp.Inverse, sp.Trace, sp.Determinant, sp.HadamardProduct, sp.HadamardPower, sp.DotProduct,
        sp.Identity, sp.ZeroMatrix, sp.OneMatrix, sp.DiagMatrix, sp.DiagonalMatrix, sp.BlockMatrix, MatrixElement,
        MatrixSlice, ElementwiseApplyFunction, sp.Lambda, sp.ImmutableDenseMatrix,
    )
}  # fmt: skip
_ATOMS: dict[str, sp.Basic] = {
    type(atom).__name__: atom
    for atom in (
        sp.pi, sp.E, sp.EulerGamma, sp.GoldenRatio, sp.Catalan, sp.oo, -sp.oo, sp.true, sp.false, sp.I,
        sp.S.TribonacciConstant,
    )
}  # fmt: skip


def write_problem(problem: Problem) -> dict[str, Any]:
    """The objective with its variables, parameters and data; raises `StoreError` for one that cannot be written."""
    writer = _Writer()
    objective = writer.place(problem.objective)
    symbols = problem.variables.symbols
    return {
        "nodes": writer.nodes,
        "objective": objective,
        "variables": [[writer.place(symbols[v.name]), list(v.shape)] for v in problem.variables],
        "parameters": [[writer.place(symbol), float(value)] for symbol, value in problem.parameters.items()],
        "data": [[writer.place(base), *_array(base, values)] for base, values in problem.data.items()],
    }


def read_problem(written: Any, name: str = "problem") -> Problem:
    """The problem that was written; raises `StoreError` where it is anything else."""
    from ncsolve.problem import Problem

    try:
        nodes = _read(written["nodes"])
        variables = {nodes[int(k)]: tuple(map(int, shape)) for k, shape in written["variables"]}
        arrays = {v: np.zeros(shape) for v, shape in variables.items() if shape}
        problem = Problem(
            nodes[int(written["objective"])],
            name=name,
            variables=list(variables),
            parameters={nodes[int(k)]: float(value) for k, value in written["parameters"]},
            data={nodes[int(k)]: _values(*rest) for k, *rest in written["data"]},
            start=arrays or None,
        )
    except StoreError:
        raise
    except (NcsolveError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise StoreError(f"the expression cannot be read: {error}") from error
    if any(v.shape != shape for v, shape in zip(problem.variables, variables.values(), strict=True)):
        raise StoreError("the expression cannot be read: its variables have other shapes")
    return problem


class _Writer:
    def __init__(self) -> None:
        self.nodes: list[list[Any]] = []
        self.places: dict[sp.Basic, int] = {}

    def place(self, root: sp.Basic) -> int:
        """Without recursion, each sub-expression once."""
        stack: list[Any] = [root]
        while stack:
            node = stack[-1]
            missing = [arg for arg in node.args if arg not in self.places]
            if node in self.places:
                stack.pop()
            elif missing:
                stack += reversed(missing)
            else:
                self.places[stack.pop()] = len(self.nodes)
                self.nodes.append(self._node(node))
        return self.places[root]

    def _node(self, node: Any) -> list[Any]:
        name = type(node).__name__
        if isinstance(node, sp.Symbol):
            facts = {key: value for key, value in node.assumptions0.items() if value is not None}
            return ["Dummy" if isinstance(node, sp.Dummy) else "Symbol", node.name, facts]
        if isinstance(node, sp.Float):
            sign, mantissa, exponent, _ = node._mpf_
            return ["Float", int(sign), str(int(mantissa)), int(exponent), int(node._prec)]
        if isinstance(node, sp.Rational):
            return ["Rational", str(node.p), str(node.q)]
        if isinstance(node, Str):
            return ["Str", node.name]
        if _ATOMS.get(name) == node:
            return [name]
        head: Any = _HEADS.get(name)
        if node.args and head is type(node):
            return [name, *(self.places[arg] for arg in node.args)]
        raise StoreError(f"an expression with {name} cannot be written into a report.")


def _read(nodes: Any) -> list[sp.Basic]:
    found: list[sp.Basic] = []
    for head, *rest in nodes:
        if head in ("Symbol", "Dummy"):
            name, facts = rest
            if type(name) is not str or not all(type(v) is bool for v in facts.values()):
                raise StoreError(f"the expression cannot be read: {name!r} is no symbol")
            found.append((sp.Symbol if head == "Symbol" else sp.Dummy)(name, **facts))
        elif head == "Float":
            sign, mantissa, exponent, precision = map(int, rest)
            found.append(sp.Float((sign, mantissa, exponent, mantissa.bit_length()), precision=precision))
        elif head == "Rational":
            numerator, denominator = map(int, rest)
            found.append(sp.Rational(numerator, denominator))
        elif head == "Str":
            found.append(Str(str(rest[0])))
        elif head in _ATOMS and not rest:
            found.append(_ATOMS[head])
        elif head in _HEADS and all(type(k) is int and 0 <= k < len(found) for k in rest):
            found.append(_HEADS[head](*(found[k] for k in rest)))
        else:
            raise StoreError(f"the expression cannot be read: there is no {head!r} with such arguments")
    return found


def _array(base: sp.Basic, values: Any) -> tuple[str, list[int], list[Any]]:
    if not isinstance(values, np.ndarray) or values.size > MOST_NUMBERS:
        raise StoreError(f"data '{base}' are sparse or have more than {MOST_NUMBERS} numbers: no report is written.")
    return "integers" if values.dtype.kind == "i" else "floats", list(values.shape), values.ravel().tolist()


def _values(kind: str, shape: list[int], numbers: list[Any]) -> np.ndarray:
    if not all(type(v) in (int, float) and math.isfinite(v) for v in numbers):
        raise StoreError("the expression cannot be read: its data are no finite numbers")
    return np.array(numbers, dtype=np.int64 if kind == "integers" else float).reshape([int(s) for s in shape])
