"""A problem's value and derivatives in ball arithmetic: every result contains the exact one, proven. [Johansson 2017]

Arrays hold `flint.arb`. Where something is not decided in a ball, such as the side of a kink or of a domain, the result
is nan, which no test accepts. An operation without a rigorous form here is refused by name.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.system import Entries, System, is_computed
from ncsolve.errors import MissingExtra, ProblemError
from ncsolve.graph.derivation import positions
from ncsolve.graph.nodes import Gather, Index
from ncsolve.graph.program import MATRIX, Op
from ncsolve.graph.sparse import look_up

__all__ = ["Balls", "ball", "ends", "flint"]

Objects = NDArray[np.object_]

_FACTORS = 1000


def flint() -> Any:
    """python-flint, or the error that says how to get it."""
    try:
        import flint
    except ImportError:
        raise MissingExtra("python-flint", "certify") from None
    return flint


class Balls:
    """Evaluates at m boxes of n balls each, object arrays (m, n)."""

    def __init__(self, system: System) -> None:
        self.system, self.program = system, system.program
        self.rules = _rules()
        self.constants: dict[int, Objects] = {}
        structural = {"const", "gather", "sum", "contract", "relabel", "peak", *MATRIX}
        used = self.program.used(system.roots)
        missing = sorted({op.kind for op in used} - structural - self.rules.keys())
        if missing:
            raise ProblemError(
                f"'{system.problem.name}' cannot be certified: there is no ball form of {', '.join(missing)}."
            )

    def value(self, x: Objects) -> Objects:
        """(m,)"""
        value = self._evaluate(x, [self.system.value])[self.system.value]
        return np.broadcast_to(value.reshape(len(value)), len(x))

    def gradient(self, x: Objects) -> Objects:
        """(m, n)"""
        return self._assembled(x, self.system.gradient, (self.system.n,))

    def hessian(self, x: Objects) -> Objects:
        """(m, n, n)"""
        return self._assembled(x, self.system.hessian, (self.system.n, self.system.n))

    def _assembled(self, x: Objects, entries: list[Entries], shape: tuple[int, ...]) -> Objects:
        values = self._evaluate(x, [e.op for e in entries])
        result = np.full((len(x), *shape), flint().arb(0), dtype=object)
        for e in entries:
            spread = _aligned(values[e.op], self.program.ops[e.op].indices, e.indices)
            flat = np.broadcast_to(spread, (len(spread), *(i.size for i in e.indices))).reshape(len(spread), -1)
            for k, (r, c) in enumerate(np.broadcast(e.rows, e.columns)):
                for place in {(r, c), (c, r)} if e.mirrored and r != c else {(r, c)}:
                    at = (slice(None), *place) if len(shape) == 2 else (slice(None), r)
                    result[at] = result[at] + flat[:, k] * (2 if e.mirrored and r == c else 1)
        return result

    def _evaluate(self, x: Objects, roots: Iterable[int]) -> dict[int, Objects]:
        values: dict[int, Objects] = {}
        for op in self.program.used(list(roots)):
            values[op.id] = self._operation(op, x, values)
        return values

    def _operation(self, op: Op, x: Objects, values: dict[int, Objects]) -> Objects:
        if op.kind in ("const", "gather"):
            return self._leaf(op, x)
        args = [values[a] for a in op.args]
        spaces = [self.program.ops[a].indices for a in op.args]
        if op.kind == "relabel":
            return args[0]
        if op.kind in ("sum", "peak"):
            axes = tuple(1 + spaces[0].index(i) for i in op.detail)
            return _folded(operator.add if op.kind == "sum" else _max, args[0], axes)
        if op.kind == "contract":
            space = (*op.indices, *op.detail)
            product = _product(*(_aligned(v, s, space) for v, s in zip(args, spaces, strict=True)))
            return _folded(operator.add, product, tuple(range(1 + len(op.indices), 1 + len(space))))
        if op.kind in MATRIX:
            axes, results = op.detail
            lead = tuple(i for i in spaces[0] if i not in axes)
            found = _of_matrices(op.kind, _aligned(args[0], spaces[0], (*lead, *axes)))
            return _aligned(found, (*lead, *results) if op.kind == "inverse" else lead, op.indices)
        aligned = [_aligned(v, s, op.indices) for v, s in zip(args, spaces, strict=True)]
        if len(op.args) == 2 and op.args[0] == op.args[1] and op.kind == "mul":
            return _each(_square)(aligned[0])
        return _each(self.rules[op.kind])(*aligned)

    def _leaf(self, op: Op, x: Objects) -> Objects:
        if op.id in self.constants:
            return self.constants[op.id]
        if op.kind == "const":
            values = np.full(1, op.detail)
            self.constants[op.id] = ball(*self.system.known(values))
            return self.constants[op.id]
        leaf, subscripts = op.detail
        if leaf.role == "parameter":
            number = np.full(1, self.system.parameters[leaf.name])
            self.constants[op.id] = ball(number, number)
            return self.constants[op.id]
        where = np.asarray(positions(self.program.graph, Gather(leaf, subscripts)))
        if leaf.role == "variable":
            read: Objects = x[:, where]
            return read
        data = np.asarray(look_up(self.program.graph.arrays[leaf.name], where[None]), dtype=float)
        self.constants[op.id] = ball(*(self.system.known(data) if is_computed(leaf) else (data, data)))
        return self.constants[op.id]


# -- balls and floats --------------------------------------------------------------------------------------------------


def ball(lower: Any, upper: Any) -> Objects:
    """Balls that contain [lower, upper], two arrays of floats."""
    arb = flint().arb
    lower, upper = np.asarray(lower, dtype=float), np.asarray(upper, dtype=float)
    found = np.empty(lower.shape, dtype=object)
    for k, (low, high) in enumerate(zip(lower.flat, upper.flat, strict=True)):
        found.flat[k] = arb(float(low)) if low == high else arb(float(low)).union(arb(float(high)))
    return found


def ends(values: Objects) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Floats below and above each ball."""
    lower, upper = np.empty(values.shape), np.empty(values.shape)
    number: Any
    for k, number in enumerate(values.flat):
        v = number
        low, high = float(v.lower()), float(v.upper())
        lower.flat[k], upper.flat[k] = np.nextafter(low, -np.inf), np.nextafter(high, np.inf)
        if v.is_exact() and flint().arb(float(v)) == v:
            lower.flat[k] = upper.flat[k] = float(v)
    return lower, upper


def _each(rule: Callable[..., Any]) -> Callable[..., Objects]:
    def apply(*args: Objects) -> Objects:
        return np.asarray(np.frompyfunc(rule, len(args), 1)(*args), dtype=object)

    return apply


def _product(a: Objects, b: Objects) -> Objects:
    return np.asarray(a * b, dtype=object)


def _aligned(value: Objects, own: tuple[Index, ...], axes: tuple[Index, ...]) -> Objects:
    order = [0, *(1 + own.index(i) for i in axes if i in own)]
    return value.transpose(order).reshape(len(value), *(i.size if i in own else 1 for i in axes))


def _folded(rule: Callable[[Any, Any], Any], values: Objects, axes: tuple[int, ...]) -> Objects:
    rest = [k for k in range(values.ndim) if k not in axes]
    rows = values.transpose([*axes, *rest]).reshape(-1, *(values.shape[k] for k in rest))
    if not len(rows):
        return np.full(rows.shape[1:], flint().arb(0), dtype=object)
    return np.asarray(reduce(lambda a, b: _each(rule)(a, b), rows[1:], rows[0]), dtype=object)


# -- matrices ----------------------------------------------------------------------------------------------------------


def _of_matrices(kind: str, values: Objects) -> Objects:
    """The inverse or a function of the determinant of matrices in the last two axes; nan where one may be singular."""
    *lead, rows, columns = values.shape
    results = [_of_matrix(kind, part) for part in values.reshape(-1, rows, columns)]
    found = np.empty((len(results), *np.shape(results[0])), dtype=object)
    for k, result in enumerate(results):
        found[k] = result
    return found.reshape(*lead, *found.shape[1:])


def _of_matrix(kind: str, values: Objects) -> Any:
    arb, nan = flint().arb, flint().arb.nan()
    matrix = flint().arb_mat(*values.shape, list(values.flat))
    if kind == "inverse":
        try:
            return np.array(matrix.inv().tolist(), dtype=object)
        except ZeroDivisionError:
            return np.full(values.shape, nan, dtype=object)
    determinant = matrix.det()
    if kind == "det":
        return determinant
    if determinant.contains(0) or (kind == "logdet" and not determinant > 0):
        return nan
    return arb(1 if determinant > 0 else -1) if kind == "detsign" else abs(determinant).log()


# -- rules -------------------------------------------------------------------------------------------------------------


def _max(a: Any, b: Any) -> Any:
    return a.max(b)


def _square(a: Any) -> Any:
    """Not below 0, which a * a of a ball around 0 does not know."""
    return (a * a).nonnegative_part()


def _power(a: Any, b: Any) -> Any:
    """Flint's, and by multiplication where the base contains 0 and the exponent is a small number of factors."""
    if not a.contains(0) or not b.is_exact() or not b.is_integer() or not 0 <= b <= _FACTORS:
        return a**b
    half = int(float(b))
    return reduce(operator.mul, [_square(a)] * (half // 2), a if half % 2 else flint().arb(1))


def _rules() -> dict[str, Callable[..., Any]]:
    arb = flint().arb
    nan, one, zero = arb.nan(), arb(1), arb(0)

    def decided(test: Callable[[Any, Any], bool], opposite: Callable[[Any, Any], bool]) -> Callable[..., Any]:
        return lambda a, b: one if test(a, b) else zero if opposite(a, b) else nan

    def where(condition: Any, a: Any, b: Any) -> Any:
        return a if condition == 1 else b if condition == 0 else nan

    def apart(a: Any, value: Any) -> Any:
        """The value where a is not 0."""
        return nan if a.contains(0) else value

    def hypot(a: Any, b: Any) -> Any:
        return (_square(a) + _square(b)).sqrt()

    def larger(a: Any, b: Any) -> Any:
        return a if a > b else b if a < b else nan

    def whole(a: Any) -> Any:
        floor = a.floor()
        return nan if a.contains_integer() or not floor.is_exact() else floor

    def mod(a: Any, b: Any) -> Any:
        """Where a / b stays between two integers."""
        return a - b * whole(a / b)

    def polygamma(order: Any, a: Any) -> Any:
        return flint().acb(a).polygamma(flint().acb(order)).real if a > 0 else nan

    def sign(a: Any) -> Any:
        return one if a > 0 else -one if a < 0 else nan

    def both(a: Any, b: Any) -> Any:
        return zero if a == 0 or b == 0 else one if a == 1 and b == 1 else nan

    return {
        "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv, "neg": operator.neg,
        "square": _square, "sqrt": lambda a: a.sqrt(), "pow": _power,
        "abs": lambda a: apart(a, abs(a)), "quotient": operator.truediv,
        "exp": lambda a: a.exp(), "expm1": lambda a: a.expm1(), "log": lambda a: a.log(), "log1p": lambda a: a.log1p(),
        "sin": lambda a: a.sin(), "cos": lambda a: a.cos(), "tan": lambda a: a.tan(), "asin": lambda a: a.asin(),
        "acos": lambda a: a.acos(), "atan": lambda a: a.atan(), "sinh": lambda a: a.sinh(), "cosh": lambda a: a.cosh(),
        "tanh": lambda a: a.tanh(), "asinh": lambda a: a.asinh(), "acosh": lambda a: a.acosh(),
        "atanh": lambda a: a.atanh(), "erf": lambda a: a.erf(), "erfc": lambda a: a.erfc(),
        "gamma": lambda a: a.gamma(), "loggamma": lambda a: a.lgamma() if a > 0 else nan,
        "digamma": lambda a: a.digamma(), "polygamma": polygamma, "mod": mod,
        "atan2": lambda b, a: arb.atan2(b, a) if a > 0 or not b.contains(0) else nan,
        "xlogy": lambda a, b: zero if a == 0 else a * b.log(), "hypot": hypot, "cosine": lambda a, b: a / hypot(a, b),
        "sigmoid": lambda a: 1 / (1 + (-a).exp()), "softplus": lambda a: a.exp().log1p(),
        "logaddexp": lambda a, b: a + (b - a).exp().log1p(), "sign": sign, "floor": whole,
        "ceil": lambda a: whole(a) + 1, "step": lambda a: (sign(a) + 1) / 2, "max": larger,
        "min": lambda a, b: -larger(-a, -b), "where": where, "and": both,
        "or": lambda a, b: 1 - both(1 - a, 1 - b), "not": lambda a: 1 - a,
        "lt": decided(operator.lt, operator.ge), "gt": decided(operator.gt, operator.le),
        "le": decided(operator.le, operator.gt), "ge": decided(operator.ge, operator.lt),
        "eq": decided(operator.eq, operator.ne), "ne": decided(operator.ne, operator.eq),
    }  # fmt: skip
