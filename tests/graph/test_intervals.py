"""Enclosures contain what they enclose: every operation against 400 digits, random programs at points of boxes."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import ncsolve as nc
from ncsolve.graph import derive
from ncsolve.graph.enclosures import Boxes, Enclosures
from ncsolve.graph.interval_rules import RULES, apply
from ncsolve.graph.intervals import Interval, inverse
from ncsolve.graph.program import Program

mp = mpmath.mp

EXACT = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "div": lambda a, b: a / b,
    "neg": lambda a: -a, "square": lambda a: a * a, "sqrt": mp.sqrt, "abs": abs, "exp": mp.exp, "expm1": mp.expm1,
    "log": mp.log, "log1p": mp.log1p, "sin": mp.sin, "cos": mp.cos, "tan": mp.tan, "asin": mp.asin, "acos": mp.acos,
    "atan": mp.atan, "sinh": mp.sinh, "cosh": mp.cosh, "tanh": mp.tanh, "asinh": mp.asinh, "acosh": mp.acosh,
    "atanh": mp.atanh, "erf": mp.erf, "erfc": mp.erfc, "atan2": mp.atan2, "hypot": mp.hypot, "sign": mp.sign,
    "floor": mp.floor, "ceil": mp.ceil, "gamma": mp.gamma, "loggamma": lambda a: mp.log(abs(mp.gamma(a))),
    "digamma": mp.digamma, "pow": lambda a, b: a**b if a or b > 0 else mp.mpf(1) if b == 0 else mp.nan,
    "mod": lambda a, b: a - b * mp.floor(a / b), "sigmoid": lambda a: 1 / (1 + mp.exp(-a)),
    "softplus": lambda a: mp.log1p(mp.exp(a)), "logaddexp": lambda a, b: mp.log(mp.exp(a) + mp.exp(b)),
    "xlogy": lambda a, b: a * mp.log(b) if a else mp.mpf(0), "quotient": lambda a, b: a / b if b else mp.mpf(0),
    "cosine": lambda a, b: a / mp.hypot(a, b) if a else mp.mpf(0), "step": lambda a: (1 + mp.sign(a)) / 2,
    "max": max, "min": min, "lt": lambda a, b: a < b, "le": lambda a, b: a <= b, "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b, "eq": lambda a, b: a == b, "ne": lambda a, b: a != b, "not": lambda a: not a,
    "and": lambda a, b: a and b, "or": lambda a, b: a or b, "where": lambda c, a, b: a if c else b,
    "polygamma": lambda n, a: mp.polygamma(int(n), a),
}  # fmt: skip
BINARY = {
    "add", "sub", "mul", "div", "atan2", "hypot", "pow", "mod", "logaddexp", "xlogy", "quotient", "cosine", "max",
    "min", "lt", "le", "gt", "ge", "eq", "ne",
}  # fmt: skip
TRUTHS = {"and", "or", "not"}

numbers = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.0, -3.0, 1e-200, 709.0, -745.0, 1e17, 3.141592653589793]),
    st.floats(-10, 10),
    st.floats(-1e3, 1e3),
    st.floats(allow_nan=False, allow_infinity=False),
)
ordinary = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@st.composite
def intervals_with_a_point(draw: st.DrawFn, numbers: st.SearchStrategy = numbers) -> tuple[float, float, float]:
    """(lo, hi, x) with x in [lo, hi]; the ends may be infinite."""
    lo, x, hi = sorted(draw(st.tuples(numbers, numbers, numbers)))
    lo, hi = draw(st.sampled_from([(lo, hi), (lo, x), (x, hi), (x, x), (-np.inf, hi), (lo, np.inf)]))
    return lo, hi, x


def exactly(kind: str, *args: float) -> mpmath.mpf | None:
    """The value in 400 digits, enough for 1 + 1e-300; None where it is undefined."""
    with mp.workdps(400):
        try:
            value = EXACT[kind](*(mp.mpf(a) for a in args))
        except (ValueError, ZeroDivisionError, OverflowError, mpmath.libmp.ComplexResult):
            return None
        value = mp.mpf(int(value)) if isinstance(value, bool) else value
        return value if isinstance(value, mp.mpf) and mp.isfinite(value) else None


def contains(interval: Interval, value: mpmath.mpf) -> bool:
    lo, hi = interval.lo.item(), interval.hi.item()
    return mp.mpf(lo) <= value <= mp.mpf(hi)


@pytest.mark.parametrize("kind", sorted(set(RULES) - {"where", "polygamma"} - TRUTHS))
@ordinary
@given(intervals_with_a_point(), intervals_with_a_point())
@example((-1.0, 1.0, 0.0), (-1.0, 1.0, 0.0))
@example((0.0, 2.0, 0.0), (0.0, 3.0, 3.0))
@example((-2.0, -1.0, -2.0), (3.0, 3.0, 3.0))
def test_every_operation(kind, first, second) -> None:
    given_ = [first, second][: 2 if kind in BINARY else 1]
    if kind in ("erf", "erfc", "gamma", "loggamma", "digamma", "sin", "cos", "tan") and abs(first[2]) > 1e15:
        return
    if (value := exactly(kind, *(x for _, _, x in given_))) is None or abs(value) > 1e300:
        return
    found = apply(kind, *(Interval(np.array([lo]), np.array([hi])) for lo, hi, _ in given_))
    assert contains(found, value), f"{value} is not in {found}"
    assert found.lo != np.inf
    assert found.hi != -np.inf


@ordinary
@given(st.integers(0, 4), intervals_with_a_point(st.floats(0.01, 100)))
def test_polygamma(order, interval) -> None:
    (a,) = as_arrays(interval)
    found = apply("polygamma", Interval.point(float(order)), a) if order else apply("digamma", a)
    assert contains(found, exactly("polygamma", order, interval[2]))


def as_arrays(*given_: tuple[float, float, float]) -> list[Interval]:
    return [Interval(np.array([lo]), np.array([hi])) for lo, hi, _ in given_]


@pytest.mark.parametrize("kind", ["mul", "xlogy", "sub"])
@ordinary
@given(intervals_with_a_point())
def test_the_same_operand_twice(kind, interval) -> None:
    """x x, x log x and x - x are known more closely than the product, the sum of any two numbers."""
    (a,) = as_arrays(interval)
    value = exactly(kind, interval[2], interval[2])
    if value is not None and abs(value) < 1e300:
        assert contains(apply(kind, a, a), value)


def test_what_is_attained_is_attained() -> None:
    unit = Interval(np.array([-1.0]), np.array([1.0]))
    inside = apply("sub", Interval.point(1.0), apply("square", unit))
    assert (inside.lo, inside.hi) == (0, 1)
    assert apply("sqrt", inside).lo == 0
    product = apply("mul", Interval.point(0.1), Interval.point(0.3))
    assert Fraction(product.lo.item()) < Fraction(0.1) * Fraction(0.3) < Fraction(product.hi.item())
    assert product.hi == np.nextafter(product.lo, 1)
    total = apply("add", Interval.point(2.0), Interval.point(-3.0))
    assert (total.lo, total.hi) == (-1, -1)


def test_outside_the_domain() -> None:
    below = Interval(np.array([-2.0]), np.array([-1.0]))
    for kind in ("sqrt", "log", "acosh"):
        assert np.isnan(apply(kind, below).lo)
    assert np.isnan(apply("div", Interval.point(1.0), Interval.point(0.0)).lo)
    across = apply("div", Interval.point(1.0), Interval(np.array([0.0]), np.array([4.0])))
    assert (across.lo, across.hi) == (0.25, np.inf)
    assert apply("somebody's", below).lo == -np.inf


def test_conditions_choose() -> None:
    a, b = Interval(np.array([0.0]), np.array([1.0])), Interval(np.array([1.0]), np.array([2.0]))
    assert apply("le", a, b).lo == 1
    assert (apply("lt", a, b).lo, apply("lt", a, b).hi) == (0, 1)
    assert apply("where", apply("gt", a, b), a, b).hi == 1 + (apply("gt", a, b).hi == 0)
    either = apply("where", apply("lt", a, b), a, b)
    assert (either.lo, either.hi) == (0, 2)


@ordinary
@given(st.integers(0, 10_000), st.integers(1, 4), st.floats(0, 0.3))
def test_inverses(seed, n, radius) -> None:
    rng = np.random.default_rng(seed)
    middle = rng.normal(size=(5, n, n)) + 2 * np.eye(n)
    found, regular = inverse(Interval(middle - radius, middle + radius))
    for _ in range(5):
        matrices = middle + rng.uniform(-radius, radius, middle.shape)
        for k in np.flatnonzero(regular):
            with mp.workdps(40):
                exact = mp.inverse(mp.matrix(matrices[k].tolist()))
            entries = [(i, j) for i in range(n) for j in range(n)]
            assert all(mp.mpf(found.lo[k][e]) <= exact[e] <= mp.mpf(found.hi[k][e]) for e in entries)
        assert not (regular & (np.abs(np.linalg.det(matrices)) < 1e-14)).any()


# -- programs --------------------------------------------------------------------------------------------------------

a, b = sp.symbols("a b")
x = sp.IndexedBase("x", shape=(5,))
U = sp.IndexedBase("U", shape=(3, 4))
A, row = sp.IndexedBase("A"), sp.IndexedBase("row")
DATA = {A: np.array([[0.5, -1.2, 0.8], [1.5, -0.3, 0.0]]), row: np.array([2, 0, 2, 1])}
i, j, k = sp.symbols("i j k", integer=True)
r = sp.Rational

unary = [
    sp.sin, sp.cos, sp.tan, sp.exp, sp.log, sp.sqrt, sp.Abs, sp.tanh, sp.atan, sp.asin, sp.sign, sp.floor, sp.erf,
    sp.gamma, lambda e: 1 / e, lambda e: e**2, lambda e: e**3, lambda e: e**-2, lambda e: e ** r(1, 3),
    lambda e: sp.log(1 + sp.exp(e)), lambda e: 1 / (1 + sp.exp(-e)), lambda e: sp.sqrt(1 + e**2),
    lambda e: e * sp.log(e), lambda e: sp.Max(e, r(1, 3)), lambda e: sp.Mod(e, r(3, 2)), lambda e: 2 - e,
    lambda e: r(7, 10) * e + 1,
]  # fmt: skip
binary = [
    lambda p, q: p + q, lambda p, q: p - q, lambda p, q: p * q, lambda p, q: p * q, lambda p, q: p / q, sp.Max,
    sp.atan2, lambda p, q: sp.Piecewise((p, p > q), (q, True)), lambda p, q: (p + r(1, 2)) ** q,
]  # fmt: skip
elements = {
    0: [a, b, x[0], U[1, 2]],
    1: [x[i], x[i + 1], U[2 - i, row[i]], A[1, i] * a, b, i * a],
    2: [x[i + j], U[i, j], U[row[j], i], A[j, i] + b, x[4 - i], a * (i - j)],
}


def combined(function, *args: sp.Expr) -> sp.Expr:
    """A function of expressions; the first of them where SymPy finds the result complex or infinite."""
    try:
        result = function(*args)
        return args[0] if result.has(sp.I, sp.zoo, sp.nan, sp.oo, sp.re, sp.im, sp.arg, sp.conjugate) else result
    except (TypeError, ValueError):
        return args[0]


def expressions(depth: int, level: int = 0) -> st.SearchStrategy:
    leaves = st.sampled_from(elements[level])
    if depth == 0:
        return leaves
    smaller = expressions(depth - 1, level)
    found = [
        leaves,
        st.builds(combined, st.sampled_from(unary), smaller),
        st.builds(combined, st.sampled_from(binary), smaller, smaller),
    ]
    if level < 2:
        limits = [(i, 0, 2), (j, 0, 1)][level]
        found.append(st.builds(lambda e: sp.Sum(e, limits), expressions(depth - 1, level + 1)))
    return st.one_of(*found)


def problem_of(objective: sp.Expr) -> nc.Problem | None:
    if not objective.has(a, b, x, U):
        return None
    used = {base: array for base, array in DATA.items() if objective.has(base)}
    try:
        return nc.Problem(objective, data=used)
    except nc.ProblemError:
        return None


def enclosures_of(problem: nc.Problem, order: int) -> tuple[Enclosures, list[int]]:
    derivation = derive(problem)
    roots = [derivation.value, *(derivation.adjoint.values() if order else ())]
    program, ops = Program.of(derivation.graph, roots)
    return Enclosures(program, {"_row_count": 1.0, "_row_weight": 1.0}), ops


quick = settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@quick
@given(expressions(3), st.integers(0, 1000), st.sampled_from([0.0, 1e-6, 0.1, 1.0, np.inf]))
def test_programs(objective, seed, radius) -> None:
    """A box contains the enclosure of each of its points, at which every operation is evaluated by itself."""
    if (problem := problem_of(objective)) is None:
        return
    rng = np.random.default_rng(seed)
    m, n = 7, problem.n
    middle = rng.uniform(-2, 3, (m, n)).round(2)
    boxes = Boxes(middle - radius, middle + radius)
    points = middle + np.where(radius < np.inf, min(radius, 10.0), 10.0) * rng.uniform(-1, 1, (m, n))
    points = np.clip(points, boxes.lower, boxes.upper)
    enclosures, roots = enclosures_of(problem, 1)
    everything = [op.id for op in enclosures.program.used(roots)]
    around = enclosures.over(boxes, everything)
    at = enclosures.over(Boxes(points, points), everything)
    for op in everything:
        outer, inner = around[op], at[op]
        defined = ~np.isnan(inner.lo)
        inside = (outer.lo <= inner.lo) & (inner.hi <= outer.hi)
        assert (np.isnan(inner.lo) | inside).all(), enclosures.program.ops[op]
        assert (inner.lo <= inner.hi)[defined].all()
    value, outer = nc.compile(problem).value(points), around[roots[0]]
    known = np.isfinite(value) & ~np.isnan(outer.lo)
    slack = 1e-12 * (1 + np.abs(value))
    assert ((outer.lo - slack <= value) & (value <= outer.hi + slack))[known].all()


@quick
@given(expressions(3, 1), st.integers(0, 1000))
def test_at_places(body, seed) -> None:
    """An operation at one place of its index space is what it is there in the whole of it."""
    problem = problem_of(sp.Sum(body, (i, 0, 2)) + sp.Sum(sp.cos(x[i]) * a, (i, 0, 2)))
    if problem is None:
        return
    rng = np.random.default_rng(seed)
    lower = rng.uniform(-2, 2, (4, problem.n))
    upper = lower + rng.uniform(0, 1, lower.shape)
    enclosures, roots = enclosures_of(problem, 1)
    for op in enclosures.program.used(roots):
        if op.indices and op.level == 2:
            whole = enclosures.over(Boxes(lower, upper), [op.id])[op.id]
            places = {index: rng.integers(0, index.size, 4) for index in op.indices}
            there = enclosures.over(Boxes(lower, upper), [op.id], places)[op.id]
            at = (np.arange(4), *places.values())
            np.testing.assert_array_equal(there.lo, whole.lo[at])
            np.testing.assert_array_equal(there.hi, whole.hi[at])
            columns = np.tile(np.arange(problem.n), (4, 1))
            some = enclosures.over(Boxes(lower, upper, columns), [op.id], places)[op.id]
            np.testing.assert_array_equal(some.hi, there.hi)
            read = enclosures.variables([op.id], places)
            assert read.min() >= 0
            assert read.max() < problem.n


def test_a_large_contraction_is_multiplied_as_a_matrix() -> None:
    """The same box through products of intervals and through midpoints and radii."""
    rng = np.random.default_rng(0)
    table = rng.normal(size=(3000, 40))
    w, D = sp.IndexedBase("w", shape=(40,)), sp.IndexedBase("D", shape=table.shape)
    problem = nc.Problem(sp.Sum(sp.Sum(D[i, j] * w[j], (j, 0, 39)) ** 2, (i, 0, 2999)), data={D: table})
    enclosures, (root,) = enclosures_of(problem, 0)
    lower = rng.normal(size=(20, 40))
    many = enclosures.over(Boxes(lower, lower + 0.01), [root])[root]
    one = enclosures.over(Boxes(lower[:1], lower[:1] + 0.01), [root])[root]
    np.testing.assert_allclose([many.lo[0], many.hi[0]], [one.lo[0], one.hi[0]], rtol=1e-9)
    value = nc.compile(problem).value(lower + 0.005)
    assert many.contains(value).all()
    half_open = Boxes(lower, np.where(np.arange(40) == 3, np.inf, lower + 0.01))
    unbounded = enclosures.over(half_open, [root])[root]
    assert unbounded.contains(value).all()
    assert (unbounded.hi == np.inf).all()
