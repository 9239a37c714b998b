"""A problem as a JAX file: its value, an array with one axis for each index of a node; JAX differentiates it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import sympy as sp

from ncsolve.backends.export.kernel_text import KernelText, call, folded
from ncsolve.backends.export.text import (
    Names,
    array_text,
    assembled,
    heading,
    parameter_lines,
    parameter_names,
    row_constants,
)
from ncsolve.backends.export.value_printer import ValuePrinter, helpers_used
from ncsolve.backends.numpy_printer import _slice, aligned_array, squeezed
from ncsolve.graph import derive, kernels
from ncsolve.graph.nodes import (
    Affine,
    Contract,
    Gather,
    Index,
    Leaf,
    MatrixFunction,
    Node,
    Peak,
    Pointwise,
    Relabel,
    Table,
)
from ncsolve.problem import Problem

_SPELLED = {
    sp.exp: "exp", sp.log: "log", sp.sin: "sin", sp.cos: "cos", sp.tan: "tan", sp.asin: "arcsin", sp.acos: "arccos",
    sp.atan: "arctan", sp.sinh: "sinh", sp.cosh: "cosh", sp.tanh: "tanh", sp.asinh: "arcsinh", sp.acosh: "arccosh",
    sp.atanh: "arctanh", sp.Abs: "abs", sp.sign: "sign", sp.floor: "floor", sp.ceiling: "ceil", sp.atan2: "arctan2",
    sp.Mod: "mod", sp.Not: "logical_not", sp.ITE: "where", kernels.expm1: "expm1", kernels.log1p: "log1p",
    kernels.logaddexp: "logaddexp",
}  # fmt: skip
_FOLDED = {sp.Max: "maximum", sp.Min: "minimum", sp.And: "logical_and", sp.Or: "logical_or"}
_SPECIAL = {
    sp.erf: "erf", sp.erfc: "erfc", sp.gamma: "gamma", sp.loggamma: "gammaln", sp.digamma: "digamma",
    sp.polygamma: "polygamma", kernels.xlogy: "xlogy", kernels.xlog1py: "xlog1py",
}  # fmt: skip
_HEADS = {
    **{head: call(f"jnp.{name}") for head, name in _SPELLED.items()},
    **{head: folded(f"jnp.{name}") for head, name in _FOLDED.items()},
    **{head: call(f"jax.scipy.special.{name}") for head, name in _SPECIAL.items()},
    kernels.sigmoid: call("jax.nn.sigmoid"),
    kernels.softplus: call("jax.nn.softplus"),
    kernels.hypot: call("hypot"),
    kernels.power: call("power"),
    kernels.step: lambda z: f"jnp.heaviside({z}, 0.5)",
    sp.Heaviside: lambda z, *at_zero: f"jnp.heaviside({z}, 0.5)",
}
_TEXT = KernelText("JAX", _HEADS, lambda c, a, b: f"jnp.where({c}, {a}, {b})", "jnp.sqrt")

HELPERS = {
    "hypot": '''
def hypot(x, y):
    """sqrt(x**2 + y**2), with derivative 0 at its kink"""
    zero = (x == 0) & (y == 0)
    return jnp.where(zero, 0.0, jnp.hypot(jnp.where(zero, 1.0, x), y))
''',
    "power": '''
def power(s, p):
    """s**p for s >= 0, with derivatives 0 at s = 0"""
    return jnp.where(s == 0, 0.0, jnp.where(s == 0, 1.0, s) ** p)
''',
}

INTERFACE = '''
def value(x):
    """f(x)"""
    return _compiled_value(_point(x))


def gradient(x):
    """The gradient, shape ({n},)"""
    return _compiled_gradient(_point(x))


def hessian(x):
    """The Hessian, {n} x {n}"""
    return _compiled_hessian(_point(x))


_compiled_value = jax.jit(_value)
_compiled_gradient = jax.jit(jax.grad(_value))
_compiled_hessian = jax.jit(jax.hessian(_value))


def _point(x):
    x = jnp.asarray(x, dtype="float64")
    if x.shape != ({n},):
        raise ValueError(f"expected a point of shape ({n},), got {{x.shape}}")
    return x
'''


def jax_file(problem: Problem) -> str:
    """The source of the file. Raises `ProblemError` for what JAX does not have."""
    derivation = derive(problem)
    names = Names({"x", "jax", "jnp", "value", "gradient", "hessian", *HELPERS})
    parameters = parameter_names(problem, names)
    rows = row_constants(derivation.samples.size if derivation.samples else 0)
    printer = JaxPrinter(derivation, names, {**parameters, **rows})
    helpers = helpers_used(HELPERS, printer.source)
    head = [heading(problem, "JAX", "JAX differentiates the value."), "", "import jax", "import jax.numpy as jnp", ""]
    head += ['jax.config.update("jax_enable_x64", True)']
    parts = [head, parameter_lines(problem, parameters), printer.definitions, *helpers, [printer.source]]
    return assembled([*parts, [INTERFACE.format(n=problem.n).strip()]])


class JaxPrinter(ValuePrinter):
    """The lines that compute the value; each node's array has the axes `node.indices`, in this order."""

    def code(self, node: Node) -> str:
        if isinstance(node, Gather):
            return self._gather(node)
        if isinstance(node, Pointwise):
            operands = {o.symbol: self._aligned(o, node.indices) for o in node.operands}
            return _TEXT.written(node.kernel, operands, self.assigned)
        if isinstance(node, Contract):
            return self._contraction(node)
        if isinstance(node, Relabel):
            return self.codes[node.operand.id]
        if isinstance(node, Peak):
            axes = tuple(node.operand.indices.index(i) for i in node.over)
            return f"jax.lax.stop_gradient({self.codes[node.operand.id]}.max({axes}))"
        assert isinstance(node, MatrixFunction)
        return self._matrix_function(node)

    def _aligned(self, node: Node, axes: Sequence[Index]) -> str:
        """A node's array with its axes in the order of the given ones, and axes of length one for those it has not."""
        code = self.codes[node.id]
        present = tuple(i for i in axes if i in node.indices)
        if present != node.indices:
            code = f"{code}.transpose({tuple(node.indices.index(i) for i in present)})"
        missing = [i not in present for i in axes]
        while missing and missing[0]:
            missing = missing[1:]
        return f"{code}[{', '.join('None' if new else ':' for new in missing)}]" if any(missing) else code

    def _contraction(self, node: Contract) -> str:
        if len(node.operands) == 1:
            (operand,) = node.operands
            return f"{self.codes[operand.id]}.sum({tuple(operand.indices.index(i) for i in node.over)})"
        letters: dict[Index, str] = {}
        for operand in node.operands:
            for i in operand.indices:
                letters.setdefault(i, chr(97 + len(letters)))
        spelled = ["".join(letters[i] for i in axes) for axes in (*(o.indices for o in node.operands), node.indices)]
        codes = ", ".join(self.codes[o.id] for o in node.operands)
        return f'jnp.einsum("{",".join(spelled[:-1])}->{spelled[-1]}", {codes})'

    def _matrix_function(self, node: MatrixFunction) -> str:
        rest = tuple(i for i in node.operand.indices if i not in node.axes)
        matrix = self._aligned(node.operand, (*rest, *node.axes))
        return {
            "inverse": f"jnp.linalg.inv({matrix})",
            "det": f"jnp.linalg.det({matrix})",
            "detsign": f"jnp.linalg.slogdet({matrix})[0]",
            "logabsdet": f"jnp.linalg.slogdet({matrix})[1]",
            "logdet": f"jnp.log(jnp.linalg.slogdet({matrix})[0]) + jnp.linalg.slogdet({matrix})[1]",
        }[node.function]

    # -- gathers -----------------------------------------------------------------------------------------------------

    def _gather(self, node: Gather) -> str:
        if node.leaf.role == "parameter":
            return self.constants[node.leaf.name]
        leaf, subscripts = squeezed(node.leaf, node.subscripts)
        if leaf.shape == ():
            return f"x[{leaf.offset}]" if leaf.role == "variable" else self._data(leaf)
        own = [s.index for s in subscripts if isinstance(s, Affine) and s.index is not None]
        if len(set(own)) == len(own) == len(node.indices) and all(isinstance(s, Affine) for s in subscripts):
            keys = [_slice(s, size) for s, size in zip(subscripts, leaf.shape, strict=True)]
        else:
            keys = [self._positions(s, node.indices) for s in subscripts]
        view = self._view(leaf)
        return view if all(key == ":" for key in keys) else f"{view}[{', '.join(keys)}]"

    def _positions(self, subscript: Affine | Table, grid: tuple[Index, ...]) -> str:
        if isinstance(subscript, Table):
            values = self.graph.arrays[subscript.leaf.name].astype(np.int64)
        elif subscript.index is None:
            return str(subscript.offset)
        else:
            values = subscript.offset + subscript.stride * np.arange(subscript.index.size)
        return self.array("i", array_text(aligned_array(values, subscript.indices, grid), "jnp"))

    def _view(self, leaf: Leaf) -> str:
        if leaf.role == "data":
            return self._data(leaf)
        shape = f".reshape({leaf.shape})" if len(leaf.shape) > 1 else ""
        return self.assigned(f"x[{leaf.offset}:{leaf.offset + leaf.size}]{shape}")

    def _data(self, leaf: Leaf) -> str:
        return self.array(leaf.name, array_text(self.graph.arrays[leaf.name].astype(float), "jnp"))
