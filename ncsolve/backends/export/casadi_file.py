"""A problem as a CasADi file: its value as an expression of matrices, which CasADi differentiates.

CasADi has matrices only. A node is a column that runs over its index space in C order; where it meets a larger one, it
is read at `places`, which lists positions in C order for pairs (size, stride).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ncsolve.backends.evaluator import Evaluator
from ncsolve.backends.export.kernel_text import KernelText, call, folded
from ncsolve.backends.export.text import (
    Names,
    assembled,
    heading,
    hexadecimal,
    parameter_lines,
    parameter_names,
    row_constants,
)
from ncsolve.backends.export.value_printer import ValuePrinter, helpers_used
from ncsolve.errors import ProblemError
from ncsolve.graph import derive, kernels
from ncsolve.graph.derivation import positions
from ncsolve.graph.nodes import Contract, Gather, Index, MatrixFunction, Node, Peak, Pointwise, Relabel
from ncsolve.problem import Problem

_SPELLED = {
    sp.exp: "exp", sp.log: "log", sp.sin: "sin", sp.cos: "cos", sp.tan: "tan", sp.asin: "asin", sp.acos: "acos",
    sp.atan: "atan", sp.sinh: "sinh", sp.cosh: "cosh", sp.tanh: "tanh", sp.asinh: "asinh", sp.acosh: "acosh",
    sp.atanh: "atanh", sp.Abs: "fabs", sp.sign: "sign", sp.floor: "floor", sp.ceiling: "ceil", sp.atan2: "atan2",
    sp.Not: "logic_not", sp.erf: "erf", sp.ITE: "if_else", kernels.expm1: "expm1", kernels.log1p: "log1p",
}  # fmt: skip
_FOLDED = {sp.Max: "fmax", sp.Min: "fmin", sp.And: "logic_and", sp.Or: "logic_or"}
_OWN = (kernels.sigmoid, kernels.softplus, kernels.logaddexp, kernels.xlogy, kernels.power, kernels.hypot, sp.Mod)
_HEADS = {
    **{head: call(f"ca.{name}") for head, name in _SPELLED.items()},
    **{head: folded(f"ca.{name}") for head, name in _FOLDED.items()},
    **{head: call(head.__name__.lower()) for head in _OWN},
    sp.erfc: lambda z: f"(1 - ca.erf({z}))",
    kernels.step: lambda z: f"(0.5 + 0.5 * ca.sign({z}))",
    sp.Heaviside: lambda z, *at_zero: f"(0.5 + 0.5 * ca.sign({z}))",
}
_TEXT = KernelText("CasADi", _HEADS, lambda c, a, b: f"ca.if_else({c}, {a}, {b})", "ca.sqrt")
_MOST_DETERMINANT = 8  # rows of a matrix whose determinant CasADi expands
_FEW = 40

HELPERS = {
    "sigmoid": '''
def sigmoid(z):
    """1 / (1 + exp(-z)), without overflow"""
    return 0.5 + 0.5 * ca.tanh(0.5 * z)
''',
    "softplus": '''
def softplus(z):
    """log(1 + exp(z)) of z > 0 and of the others, each without overflow where it is not asked for"""
    return ca.if_else(z > 0, z + ca.log1p(ca.exp(-ca.fmax(z, -1))), ca.log1p(ca.exp(ca.fmin(z, 1))))
''',
    "logaddexp": '''
def logaddexp(a, b):
    """log(exp(a) + exp(b)), without overflow"""
    return b + softplus(a - b)
''',
    "xlogy": '''
def xlogy(x, y):
    """x log(y), which is 0 at x = 0"""
    return ca.if_else(x == 0, 0, x * ca.log(ca.if_else(x == 0, 1, y)))
''',
    "power": '''
def power(s, p):
    """s**p for s >= 0, with derivatives 0 at s = 0"""
    return ca.if_else(s == 0, 0, ca.if_else(s == 0, 1, s) ** p)
''',
    "hypot": '''
def hypot(x, y):
    """sqrt(x**2 + y**2), with derivative 0 at its kink"""
    scale = ca.fmax(ca.fabs(x), ca.fabs(y))
    zero = scale == 0
    return ca.if_else(zero, 0, ca.sqrt(ca.if_else(zero, 1, x * x + y * y)))
''',
    "mod": '''
def mod(p, q):
    """The remainder with the sign of q"""
    return p - q * ca.floor(p / q)
''',
    "total": '''
def total(column, kept):
    """The sums over the last indices, for `kept` places of the first ones"""
    return ca.sum1(ca.reshape(column, column.numel() // kept, kept)).T
''',
    "product": '''
def product(a, b, rows, summed, columns):
    """The matrix product of a (rows, summed) and b (summed, columns), as columns in C order"""
    return ca.vec(ca.reshape(b, columns, summed) @ ca.reshape(a, summed, rows))
''',
    "peak": '''
def peak(column, kept):
    """The largest over the last indices, for `kept` places of the first ones"""
    table = ca.reshape(column, column.numel() // kept, kept).T
    largest = table[:, 0]
    for k in range(1, table.size2()):
        largest = ca.fmax(largest, table[:, k])
    return largest
''',
    "places": '''
def places(*axes, start=0):
    """Positions over an index space in C order, from a pair (size, stride) for each axis"""
    found = [start]
    for size, stride in axes:
        found = [k + j * stride for k in found for j in range(size)]
    return found
''',
    "numbers": '''
def numbers(text, kind):
    """The numbers whose bytes are given in hexadecimal, as a list"""
    return memoryview(bytes.fromhex(text)).cast(kind).tolist()
''',
}

INTERFACE = '''
_x = ca.MX.sym("x", {n})
_f = _value(_x)
_hessian, _gradient = ca.hessian(_f, _x)
_compiled_value = ca.Function("value", [_x], [_f])
_compiled_gradient = ca.Function("gradient", [_x], [_gradient])
_compiled_hessian = ca.Function("hessian", [_x], [_hessian])


def value(x):
    """f(x), a float"""
    return float(_compiled_value(x))


def gradient(x):
    """The gradient, shape ({n},)"""
    return _compiled_gradient(x).full().ravel()


def hessian(x):
    """The Hessian, {n} x {n}{sparse}"""
    return _compiled_hessian(x){full}
'''


def casadi_file(problem: Problem) -> str:
    """The source of the file. Raises `ProblemError` for what CasADi does not have."""
    derivation = derive(problem)
    names = Names({"x", "ca", "value", "gradient", "hessian", *HELPERS})
    parameters = parameter_names(problem, names)
    rows = row_constants(derivation.samples.size if derivation.samples else 0)
    printer = CasadiPrinter(derivation, names, {**parameters, **rows})
    evaluator = Evaluator(derivation, "numpy")
    sparse = evaluator.sparse and not evaluator.by_products
    interface = INTERFACE.format(
        n=problem.n, sparse=", a sparse DM" if sparse else "", full="" if sparse else ".full()"
    )
    head = [heading(problem, "CasADi", "CasADi differentiates the value."), "", "import casadi as ca"]
    helpers = helpers_used(HELPERS, "\n".join([*(text[:200] for text in printer.definitions), printer.source]))
    constants = parameter_lines(problem, parameters)
    return assembled([head, constants, *helpers, printer.definitions, [printer.source], [interface.strip()]])


class CasadiPrinter(ValuePrinter):
    """The lines that compute the value; each node is a column over `node.indices` in C order, or a number."""

    def code(self, node: Node) -> str:
        if isinstance(node, Gather):
            return self._gather(node)
        if isinstance(node, Pointwise):
            operands = {o.symbol: self._spread(o, node.indices) for o in node.operands}
            return _TEXT.written(node.kernel, operands, self.assigned)
        if isinstance(node, Contract):
            return self._contraction(node)
        if isinstance(node, Relabel):
            return self.codes[node.operand.id]
        if isinstance(node, Peak):
            column = self._spread(node.operand, (*node.indices, *node.over))
            return f"peak({column}, {node.size})"
        assert isinstance(node, MatrixFunction)
        return self._matrix_function(node)

    def _spread(self, node: Node, axes: Sequence[Index]) -> str:
        """A node as a column over other axes: a number stays one."""
        code = self.codes[node.id]
        if not node.indices or tuple(axes) == node.indices:
            return code
        strides = {i: _size(node.indices[k + 1 :]) for k, i in enumerate(node.indices)}
        pairs = ", ".join(f"({i.size}, {strides.get(i, 0)})" for i in axes)
        return self.assigned(f"{code}[{self.array('k', f'places({pairs})')}]")

    def _contraction(self, node: Contract) -> str:
        if len(node.operands) == 2 and all(o.indices for o in node.operands):
            a, b = node.operands
            left = tuple(i for i in a.indices if i not in node.over)
            right = tuple(i for i in b.indices if i not in node.over)
            summed = node.over
            whole = set(summed) <= set(a.indices) and set(summed) <= set(b.indices) and not set(left) & set(right)
            if whole and (*left, *right) == node.indices:
                sizes = f"{_size(left)}, {_size(summed)}, {_size(right)}"
                return f"product({self._spread(a, (*left, *summed))}, {self._spread(b, (*summed, *right))}, {sizes})"
        space = (*node.indices, *node.over)
        return f"total({' * '.join(self._spread(o, space) for o in node.operands)}, {node.size})"

    def _matrix_function(self, node: MatrixFunction) -> str:
        size = node.axes[0].size
        if set(node.operand.indices) != set(node.axes):
            raise ProblemError("many matrices at once have no counterpart in CasADi. `--code numpy` has them")
        matrix = f"ca.reshape({self._spread(node.operand, node.axes)}, {size}, {size})"  # its transpose
        if node.function == "inverse":
            return f"ca.vec(ca.inv({matrix}))"
        if size > _MOST_DETERMINANT:
            raise ProblemError(
                f"CasADi expands determinants: one of {size} x {size} is too large. `--code numpy` and `jax` have it"
            )
        determinant = self.assigned(f"ca.det({matrix})")
        return {
            "det": determinant,
            "detsign": f"ca.sign({determinant})",
            "logabsdet": f"ca.log(ca.fabs({determinant}))",
            "logdet": f"ca.log({determinant})",
        }[node.function]

    # -- gathers -----------------------------------------------------------------------------------------------------

    def _gather(self, node: Gather) -> str:
        if node.leaf.role == "parameter":
            return self.constants[node.leaf.name]
        where = np.asarray(positions(self.graph, node))
        if node.leaf.role == "data":
            values = self.graph.arrays[node.leaf.name].astype(float).ravel()[where.ravel()]
            if not node.indices:
                return repr(float(values[0]))
            return self.array(node.leaf.name, f"ca.DM({_listed(values)})")
        if not node.indices:
            return f"x[{int(where)}]"
        return f"x[{self._where(where.ravel())}]"

    def _where(self, where: NDArray[np.int64]) -> str:
        steps = np.diff(where)
        if len(steps) == 0 or (steps[0] > 0 and (steps == steps[0]).all()):
            step = int(steps[0]) if len(steps) else 1
            return f"{where[0]}:{where[-1] + 1}" + (f":{step}" if step > 1 else "")
        return self.array("i", _listed(where))


def _size(axes: Sequence[Index]) -> int:
    return math.prod(i.size for i in axes)


def _listed(values: NDArray[np.float64] | NDArray[np.int64]) -> str:
    """Numbers as a list of Python, few of them written out."""
    if len(values) <= _FEW:
        return repr(values.tolist())
    digits = hexadecimal(values).removeprefix("bytes.fromhex(").removesuffix(")")
    return f'numbers({digits}, "{"d" if values.dtype.kind == "f" else "q"}")'
