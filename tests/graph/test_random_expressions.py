"""Random objectives: every derivative against a slow evaluation of the expression as it was written, in 60 digits."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator
from functools import reduce

import mpmath
import numpy as np
import sympy as sp
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

import ncsolve as nc
from ncsolve.graph.formula import gradient_formula

DIGITS = 60
PHASES = [Phase.explicit, Phase.generate]
UNARY = {
    sp.exp: mpmath.exp,
    sp.log: mpmath.log,
    sp.sin: mpmath.sin,
    sp.cos: mpmath.cos,
    sp.tan: mpmath.tan,
    sp.tanh: mpmath.tanh,
    sp.atan: mpmath.atan,
    sp.asinh: mpmath.asinh,
    sp.erf: mpmath.erf,
    sp.Abs: abs,
    sp.sign: mpmath.sign,
    sp.sinh: mpmath.sinh,
    sp.cosh: mpmath.cosh,
    sp.Not: operator.not_,
    sp.floor: mpmath.floor,
}
NARY = {
    sp.Add: mpmath.fsum,
    sp.Mul: mpmath.fprod,
    sp.Max: max,
    sp.Min: min,
    sp.And: all,
    sp.ITE: lambda a: a[1] if a[0] else a[2],
    sp.Or: any,
    sp.Pow: lambda a: a[0] ** a[1],
    sp.Mod: lambda a: a[0] % a[1],
    sp.atan2: lambda a: mpmath.atan2(*a),
    sp.KroneckerDelta: lambda a: int(a[0] == a[1]),
    sp.Heaviside: lambda a: a[1] if a[0] == 0 else int(a[0] > 0),
    sp.Equality: lambda a: a[0] == a[1],
    sp.Unequality: lambda a: a[0] != a[1],
    sp.StrictLessThan: lambda a: a[0] < a[1],
    sp.LessThan: lambda a: a[0] <= a[1],
    sp.StrictGreaterThan: lambda a: a[0] > a[1],
    sp.GreaterThan: lambda a: a[0] >= a[1],
}


def slowly(e: sp.Basic, values: dict) -> mpmath.mpf:
    """The value of an expression by walking its tree: sums term by term, nothing simplified."""
    if e in values:
        return values[e]
    if isinstance(e, sp.Indexed):
        return values[e.base][tuple(int(slowly(k, values)) for k in e.indices)]
    if isinstance(e, sp.Sum):
        return mpmath.fsum(slowly(e.function, inner) for inner in ranged(e.limits, values))
    if isinstance(e, sp.Piecewise):
        return next(slowly(piece.expr, values) for piece in e.args if slowly(piece.cond, values))
    if e in (sp.true, sp.false):
        return e == sp.true
    if e.is_Rational:
        return mpmath.mpf(e.p) / e.q
    if not e.args:
        return mpmath.mpf(e.evalf(DIGITS))
    args = [slowly(a, values) for a in e.args]
    kind = next(k for k in (*UNARY, *NARY) if isinstance(e, k))
    return UNARY[kind](*args) if kind in UNARY else NARY[kind](args)


def ranged(limits: tuple, values: dict) -> Iterator[dict]:
    """The values with those of the bound symbols of a sum, for each of its terms."""
    if not limits:
        yield values
        return
    *inner, (symbol, low, high) = limits
    for k in range(int(slowly(low, values)), int(slowly(high, values)) + 1):
        yield from ranged(tuple(inner), {**values, symbol: k})


class Reference:
    """Value and directional derivatives of a problem's objective, by differences in 60 digits."""

    def __init__(self, problem: nc.Problem) -> None:
        self.problem = problem

    def value(self, x: list) -> mpmath.mpf:
        values = {**self.problem.parameters, **self.problem.data}
        for v in self.problem.variables:
            part = np.array(x[v.slice], dtype=object).reshape(v.shape)
            values[v.symbol] = part if v.shape else part.item()
        return slowly(self.problem.objective, values)

    def derivative(self, x: np.ndarray, order: tuple[int, ...], *directions: np.ndarray) -> float:
        """d^k f(x + sum of t_j v_j) / dt^order at t = 0."""
        exact = [[mpmath.mpf(float(a)) for a in v] for v in (x, *directions)]

        def along(*t: mpmath.mpf) -> mpmath.mpf:
            return self.value(
                [a + sum(s * w for s, w in zip(t, rest, strict=True)) for a, *rest in zip(*exact, strict=True)]
            )

        with mpmath.workdps(DIGITS):
            return float(
                mpmath.diff(along, (0,) * len(order) if len(order) > 1 else 0, order if len(order) > 1 else order[0])
            )


def check(problem: nc.Problem, seed: int = 0) -> None:
    """Everything that an oracle computes, at a random point, alone and in a batch."""
    oracle, reference = nc.compile(problem), Reference(problem)
    rng = np.random.default_rng(seed)
    x, u, v = rng.uniform(-1.5, 1.5, (3, problem.n)).round(3)
    with mpmath.workdps(DIGITS):
        expected = float(reference.value([mpmath.mpf(float(a)) for a in x]))
    close(oracle.value(x), expected)
    value, gradient = oracle.value_and_gradient(x + 0.0)
    close(value, expected)
    close(gradient @ v, reference.derivative(x, (1,), v))
    hessian = oracle.hessian(x, dense=True)
    np.testing.assert_allclose(hessian, hessian.T, rtol=1e-9, atol=1e-9)
    close(u @ hessian @ v, reference.derivative(x, (1, 1), u, v))
    np.testing.assert_allclose(oracle.hvp(x, v), hessian @ v, rtol=1e-8, atol=1e-8 * scale(hessian))
    close(oracle.directional(x, v), gradient @ v)
    close(oracle.directional(x, u, v), u @ hessian @ v)
    close(oracle.directional(x, v, v, v), reference.derivative(x, (3,), v))
    close(oracle.directional(x, v, v, v, v), reference.derivative(x, (4,), v))
    batch = np.stack([x, u, v])
    np.testing.assert_allclose(oracle.value(batch), [oracle.value(p) for p in batch], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(oracle.gradient(batch), [oracle.gradient(p) for p in batch], rtol=1e-9, atol=1e-10)
    dense = oracle.hessian(batch)
    np.testing.assert_allclose(
        dense, [oracle.hessian(p, dense=True) for p in batch], rtol=1e-9, atol=1e-9 * scale(dense)
    )
    many = oracle.hvp(batch, batch[::-1])
    np.testing.assert_allclose(
        many, [oracle.hvp(a, b) for a, b in zip(batch, batch[::-1], strict=True)], rtol=1e-8, atol=1e-8 * scale(dense)
    )
    np.testing.assert_allclose(
        oracle.hvp(x, batch), [oracle.hvp(x, b) for b in batch], rtol=1e-8, atol=1e-8 * scale(dense)
    )


def check_formula(problem: nc.Problem, seed: int = 0) -> None:
    """The gradient as a formula, element by element, against the gradient."""
    oracle = nc.compile(problem)
    x = np.random.default_rng(seed).uniform(-1.5, 1.5, problem.n).round(3)
    values = {**problem.parameters, **problem.data}
    for v in problem.variables:
        part = np.array([mpmath.mpf(a) for a in x[v.slice]], dtype=object).reshape(v.shape)
        values[v.symbol] = part if v.shape else part.item()
    expected = []
    for v, equation in zip(problem.variables, gradient_formula(problem), strict=True):
        element = equation.lhs.args[1]
        for place in np.ndindex(*v.shape):
            at = dict(zip(element.indices, place, strict=True)) if v.shape else {}
            expected.append(float(slowly(equation.rhs, {**values, **at})))
    gradient = oracle.gradient(x)
    np.testing.assert_allclose(gradient, expected, rtol=1e-8, atol=1e-8 * scale(gradient))


def scale(a: np.ndarray) -> float:
    return 1.0 + float(np.abs(a).max())


def close(actual: float, expected: float) -> None:
    assert isinstance(actual, float)
    assert math.isclose(actual, expected, rel_tol=1e-7, abs_tol=1e-7), f"{actual} is not {expected}"


# -- strategies ------------------------------------------------------------------------------------------------------

a, b, lam = sp.symbols("a b lam")
x = sp.IndexedBase("x", shape=(5,))
U = sp.IndexedBase("U", shape=(3, 4))
A, B, row = sp.IndexedBase("A"), sp.IndexedBase("B"), sp.IndexedBase("row")
DATA = {
    A: np.array([0.5, -1.2, 0.8, 1.5, -0.3]),
    B: np.array([[0.2, 1.0, -0.7, 0.4], [-1.1, 0.6, 0.3, -0.2], [0.9, -0.5, 1.3, 0.1]]),
    row: np.array([2, 0, 2, 1, 0]),
}
BOUND = sp.symbols("i j k l", integer=True)
CONSTANTS = [sp.Integer(2), sp.Integer(-1), sp.Rational(1, 2), sp.Rational(-3, 2), sp.Integer(3), sp.pi / 4]

smooth = [
    sp.sin,
    sp.cos,
    sp.tanh,
    sp.atan,
    lambda e: sp.exp(e / 4),
    lambda e: sp.log(1 + sp.exp(e)),
    lambda e: 1 / (1 + sp.exp(-e)),
    lambda e: e**2,
    lambda e: e**3,
    lambda e: sp.log(1 + e**2),
    lambda e: sp.sqrt(e**2 + 1),
    lambda e: (2 + e**2) ** sp.Rational(-1, 3),
    lambda e: sp.exp(-(e**2)) - 1,
    lambda e: sp.log(sp.cosh(e)),
    sp.erf,
    lambda e: 1 / (3 + sp.sin(e)),
]
kinked = [
    sp.Abs,
    lambda e: sp.Max(e, 0),
    lambda e: sp.Abs(e) ** 3,
    lambda e: e * sp.sign(e - sp.Rational(1, 7)),
    lambda e: sp.Abs(e) ** sp.Rational(3, 2),
]
pairs = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.mul,
    lambda p, q: p / (2 + q**2),
    lambda p, q: sp.sqrt(p**2 + q**2 + 1),
    sp.Max,
    sp.Min,
    lambda p, q: (p**2 + q**2) ** sp.Rational(3, 4),
    lambda p, q: sp.exp(p) / (sp.exp(p) + sp.exp(q)),
    lambda p, q: sp.log(1 + 2 * sp.exp(p) + sp.exp(q)),
    lambda p, q: sp.Piecewise((p, p > q), (q**2, True)),
    lambda p, q: (2 + sp.sin(p)) ** q,
    lambda p, q: sp.log(sp.exp(p) + sp.exp(q)),
    lambda p, q: sp.Piecewise((p * q, (p < 1) & (q > -1)), (p + q, p > 2), (p, True)),
]


def combined(leaves: st.SearchStrategy, depth: int) -> st.SearchStrategy:
    """Expressions over leaves, nested up to a depth."""
    if depth <= 0:
        return leaves
    smaller = combined(leaves, depth - 1)
    return st.one_of(
        leaves,
        st.builds(lambda f, e: f(e), st.sampled_from(smooth + kinked), smaller),
        st.builds(lambda f, p, q: f(p, q), st.sampled_from(pairs), smaller, smaller),
        st.builds(lambda f, p, q: f(p, q), st.sampled_from(pairs), smaller, smaller),
    )


def elements(scope: tuple[sp.Symbol, ...]) -> st.SearchStrategy:
    """Elements of arrays at bound symbols, whose values are 0, 1 and 2."""
    symbols = st.sampled_from(scope)
    return st.one_of(
        st.builds(lambda i: x[i], symbols),
        st.builds(lambda i: x[i + 1], symbols),
        st.builds(lambda i: x[2 * i], symbols),
        st.builds(lambda i: x[4 - i], symbols),
        st.builds(lambda i: x[row[i]], symbols),
        st.builds(lambda i: x[row[i + 1] + 1], symbols),
        st.builds(lambda i, j: x[i + j], symbols, symbols),
        st.builds(lambda i: x[sp.Mod(i + 3, 5)], symbols),
        st.builds(lambda i, j: U[i, j], symbols, symbols),
        st.builds(lambda i, j: U[row[i], j + 1], symbols, symbols),
        st.builds(lambda i: U[i, 0], symbols),
        st.builds(lambda i: U[2, i], symbols),
        st.builds(lambda i: A[i], symbols),
        st.builds(lambda i, j: B[i, j], symbols, symbols),
        st.builds(lambda i: sp.KroneckerDelta(i, 1), symbols),
        symbols,
        st.sampled_from([a, lam, x[0], U[1, 2], sp.Integer(2)]),
    )


def ranges(scope: tuple[sp.Symbol, ...], new: sp.Symbol) -> st.SearchStrategy:
    """A range within 0, 1, 2, which may depend on the enclosing ones."""
    fixed = [(new, 0, 2), (new, 0, 2), (new, 1, 2), (new, 0, 1)]
    ragged = [r for i in scope for r in ((new, i, 2), (new, i + 1, 2), (new, 0, i), (new, 0, row[i]))]
    return st.sampled_from(fixed + ragged)


@st.composite
def sums(draw: st.DrawFn, scope: tuple[sp.Symbol, ...] = (), depth: int = 2) -> sp.Expr:
    """A sum, its body over the indices so far and further sums in it."""
    new = BOUND[len(scope)]
    inner = (*scope, new)
    leaves = elements(inner)
    if len(scope) < 2:
        leaves = st.one_of(leaves, leaves, leaves, sums(inner, max(depth - 1, 0)))
    body = draw(combined(leaves, depth))
    if scope and draw(st.booleans()):
        body = sp.Piecewise(
            (body, draw(st.sampled_from([sp.Ne(scope[-1], new), new > scope[-1], sp.Ne(new, 1)]))), (0, True)
        )
    result = sp.Sum(body, draw(ranges(scope, new)))
    if draw(st.integers(0, 5)) == 0:
        result = sp.log(sp.Sum(sp.exp(body), (new, 0, 2)))
    return result


def as_problem(objective: sp.Expr) -> nc.Problem | None:
    """The problem of a random expression; None where SymPy has simplified the variables away."""
    used = {str(base) for e in sp.preorder_traversal(objective) if isinstance(e, sp.IndexedBase) for base in [e.label]}
    data = {base: array for base, array in DATA.items() if str(base) in used}
    parameters = {lam: 0.7} if objective.has(lam) else {}
    if objective.free_symbols & set(BOUND):  # SymPy has pulled a condition on an index out of its sum
        return None
    if not ({"x", "U"} & used or objective.has(a, b)):
        return None
    return nc.Problem(objective, data=data, parameters=parameters)


quick = settings(
    max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), phases=PHASES
)


@quick
@given(combined(st.sampled_from([a, b, a, b, lam, *CONSTANTS]), 3))
def test_scalars(objective: sp.Expr) -> None:
    if (problem := as_problem(objective)) is not None:
        check(problem)


@quick
@given(sums())
def test_sums(objective: sp.Expr) -> None:
    if (problem := as_problem(objective)) is not None:
        check(problem)


@quick
@given(st.lists(sums(depth=1), min_size=2, max_size=3), st.sampled_from(pairs))
def test_compositions_of_sums(objectives: list[sp.Expr], join) -> None:
    if (problem := as_problem(reduce(join, objectives))) is not None:
        check(problem)


@quick
@given(sums())
def test_formulas(objective: sp.Expr) -> None:
    assume(
        not any(piece.cond.has(sp.Sum) for p in objective.atoms(sp.Piecewise) for piece in p.args)
    )  # SymPy folds them
    if (problem := as_problem(objective)) is not None:
        check_formula(problem)
