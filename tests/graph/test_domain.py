"""Domain audit: what is undefined is found and named, what is defined is excluded, nothing is missed."""

from __future__ import annotations

import operator

import numpy as np
import pytest
import sympy as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ncsolve as nc
from ncsolve.errors import ProblemError
from ncsolve.graph.domain import domain_audit

x, y = sp.symbols("x y")
v = sp.IndexedBase("v", shape=(5,))
A = sp.IndexedBase("A", shape=(5,))
i, j = sp.symbols("i j", integer=True)
half = sp.Rational(1, 2)


def audit(objective: sp.Expr, box: dict | None = None, **given_: object) -> list[str]:
    return [str(finding) for finding in domain_audit(nc.Problem(objective, **given_), box)]


CERTAIN = [
    (sp.log(x), {x: (-1, 1)}, "log(x) is undefined where x <= 0, e.g. at x = 0"),
    (sp.log(1 + x), {x: (-3, 1)}, "log(x + 1) is undefined where x + 1 <= 0, e.g. at x = -1"),
    (1 / (x - 3), {x: (-5, 5)}, "1/(x - 3) is undefined where x - 3 = 0, e.g. at x = 3"),
    (1 / (x**2 - 2), {x: (0, 5)}, "1/(x**2 - 2) is undefined where x**2 - 2 = 0, e.g. near x = 1.41421"),
    (x ** sp.Rational(1, 3), {x: (-1, -half)}, "x**(1/3) is undefined where x < 0, e.g. at x = -0.8"),
    (sp.sqrt(x), {x: (0, 1)}, "sqrt(x): derivative unbounded at x = 0"),
    (sp.sqrt(sp.Abs(x)), {x: (-1, 1)}, "sqrt(Abs(x)): derivative unbounded at x = 0"),
    (x**half * x, {x: (0, 1)}, "in the Hessian, 1/sqrt(x) is undefined where x = 0"),
    (x * sp.log(x), {x: (0, 1)}, "in the gradient, log(x) is undefined where x <= 0, e.g. at x = 0"),
    (sp.tan(x), {x: (-1, 3)}, "tan(x) is undefined where cos(x) = 0, e.g. near x = 1.5708"),
    (sp.asin(x), {x: (-1, 1)}, "asin(x): derivative unbounded at 1 - x**2 = 0, e.g. at x = -1"),
    (sp.acos(x), {x: (0, 2)}, "acos(x) is undefined where Abs(x) > 1, e.g. at x = 2"),
    (sp.gamma(x), {x: (-3, -1.5)}, "gamma(x) is undefined where x is 0 or a negative integer, e.g. at x = -3"),
    (sp.atan2(y, x), {x: (-1, 1), y: (-1, 1)}, "atan2(y, x) is undefined where y = 0 and x = 0, e.g. at x = 0, y = 0"),
    (sp.exp(x), None, "exp(x) overflows where x > 709.783, e.g. at x = 1000"),
    (sp.cosh(x), {x: (None, 0)}, "cosh(x) overflows where Abs(x) > 710.476, e.g. at x = -1000"),
    (sp.Sum(sp.log(v[i] - 2), (i, 0, 4)), {v: (1, 5)}, "log(v[0] - 2) is undefined where v[0] - 2 <= 0, e.g. at v[0]"),
    (sp.Sum(1 / (v[i + 1] - v[i]), (i, 2, 3)), {v: (0, 1)}, "-v[2] + v[3] = 0, e.g. at v[2] = 0, v[3] = 0"),
    (1 / sp.Sum(v[i] ** 2, (i, 0, 4)) ** 3, None, "Sum(v[i]**2, (i, 0, 4)) = 0"),
    (sp.log(sp.Sum(v[i], (i, 0, 4))), {v: (-1, 2)}, "is undefined where Sum(v[i], (i, 0, 4)) <= 0"),
]  # fmt: skip


@pytest.mark.parametrize(("objective", "box", "text"), CERTAIN, ids=lambda value: str(value)[:40])
def test_found_and_named(objective, box, text) -> None:
    findings = domain_audit(nc.Problem(objective), box)
    assert any(text in str(finding) and finding.certain for finding in findings), [str(f) for f in findings]


DEFINED = [
    (sp.log(x), {x: (0.1, 1)}),
    (sp.sqrt(1 - x**2) * (1 - x**2), {x: (-half, half)}),
    (sp.sqrt(x**2 - 2 * x + 1.01), {x: (-5, 5)}),
    (1 / (2 + sp.sin(x)), None),
    (sp.log(1 + sp.exp(x)) + sp.exp(-(x**2)), None),
    (1 / (1 + sp.exp(-x)), None),
    (sp.Piecewise((sp.log(x), x > 0), (0, True)), {x: (-5, 5)}),
    (sp.Piecewise((0, x <= 0), (1 / x, True)), {x: (-5, 5)}),
    (sp.Piecewise((sp.log(x - 2), (x > 2) & (y < 3)), (y, True)), {x: (-5, 5), y: (0, 9)}),
    (sp.Piecewise((sp.sin(x) / x, sp.Ne(x, 0)), (1, True)), {x: (-5, 5)}),
    (sp.sqrt(x**2 + y**2), {x: (-1, 1), y: (-1, 1)}),
    (sp.Abs(x) + sp.Max(x, y), None),
    (sp.Sum(sp.log(v[i] - 2), (i, 0, 4)), {v: (2.5, 5)}),
    (sp.Sum(sp.Sum(1 / (v[i] - v[j] + 3), (j, i + 1, 4)), (i, 0, 3)), {v: (-1, 1)}),
    (sp.tan(x) + sp.gamma(x + 1), {x: (-half, 1)}),
    (x**2.5 + x**y, {x: (1, 3), y: (0, 2)}),
]


@pytest.mark.parametrize(("objective", "box"), DEFINED, ids=lambda value: str(value)[:40])
def test_defined_all_over_the_box(objective, box) -> None:
    assert audit(objective, box) == []


def nested(inner: sp.Expr, when: sp.Basic, outer: sp.Basic) -> sp.Expr:
    """The inner expression where both conditions hold."""
    return sp.Piecewise((sp.Piecewise((inner, when), (x, True)), outer), (y, True))


@pytest.mark.parametrize(
    ("objective", "text"),
    [
        (nested(1 / x, x <= 0, x >= 0), "1/x is undefined where x = 0"),
        (nested(1 / y, y >= 0, x > 0), "1/y is undefined where y = 0"),
        (nested(1 / (x - 1), x <= 1, x >= 1), "1/(x - 1) is undefined where x - 1 = 0, e.g. at x = 1"),
        (nested(1 / (x - y), x <= y, x >= y), "1/(x - y) is undefined where x - y = 0, e.g. at x = 0, y = 0"),
        (nested(1 / (x**2 - y), x <= 1, x >= 1), "1/(x**2 - y) is undefined where x**2 - y = 0, e.g. at x = 1, y = 1"),
        (nested(1 / (x - 1), y > 0, x > 0), "1/(x - 1) is undefined where x - 1 = 0"),
        (1 / nested(x - 1, x > 0, y > 1), "e.g. at x = 1, y = 2"),
        (nested(nested(1 / y, y <= x, y >= x), x <= 0, x >= 0), "1/y is undefined where y = 0"),
    ],
    ids=str,
)
def test_one_point_of_a_branch_within_a_branch(objective, text) -> None:
    findings = domain_audit(nc.Problem(objective, variables=[x, y]), {x: (-2, 2), y: (-2, 2)})
    assert any(text in str(f) and f.certain and f.order == 0 for f in findings), [str(f) for f in findings]


def test_branches_that_are_nowhere_taken() -> None:
    box = {x: (-2, 2), y: (-2, 2)}
    for inner, when, outer in ((1 / x, x > 0, y > 0), (1 / x, x < -1, y < 0), (sp.log(x), y >= 0, x > 1)):
        assert audit(nested(inner, when, outer), box, variables=[x, y]) == []
    objective = sp.Sum(sp.Piecewise((1 / x, v[i] > 0), (0, True)), (i, 0, 4))
    assert audit(objective, {x: (-1, 1), v: (-2, -1)}) == []
    assert audit(objective, {x: (-1, 1), v: (-2, 2)}) == [
        "1/x may be undefined: x = 0 could not be excluded in x = 0:0"
    ]


def test_what_cannot_be_decided_is_said() -> None:
    """20 variables are too many to halve; 1/w[0] is undefined in the same boxes, but elsewhere in them."""
    w = sp.IndexedBase("w", shape=(20,))
    s = sp.Sum((w[i] - sp.Rational(3, 10)) ** 2, (i, 0, 19))
    findings = domain_audit(nc.Problem(1 / w[0] + s * sp.log(s)), {w: (-1, 1)})
    assert str(findings[0]) == "1/w[0] is undefined where w[0] = 0"
    (undecided,) = findings[1:]
    assert "in the gradient, log(" in str(undecided)
    assert str(undecided).endswith("could not be excluded in w[0] = -1:1, w[1] = -1:1, w[2] = -1:1, w[3] = -1:1, ...")
    assert undecided.undecided == {f"w[{k}]": (-1.0, 1.0) for k in range(20)}


def test_places_that_no_budget_is_left_for_are_undecided(monkeypatch) -> None:
    z, B = sp.IndexedBase("z", shape=(1000,)), sp.IndexedBase("B", shape=(1000,))
    table = np.full(1000, 0.26)
    table[-1] = 0.1
    problem = nc.Problem(sp.Sum(1 / (z[i] ** 2 - z[i] + B[i]), (i, 0, 999)), data={B: table})
    assert [f.certain for f in domain_audit(problem, {z: (0, 1)})] == [True]
    monkeypatch.setattr("ncsolve.graph.domain_search._MOST_EVALUATIONS", 2000)
    assert [f.certain for f in domain_audit(problem, {z: (0, 1)})] == [False]


def test_the_bounds_are_the_box() -> None:
    assert audit(sp.log(x) + y**2, bounds={x: (1, 2)}) == []
    assert audit(sp.log(x) + y**2, bounds={x: (-1, 2)}) == ["log(x) is undefined where x <= 0, e.g. at x = 0"]
    assert audit(sp.log(x) + y**2, {"x": (1, None)}, bounds={x: (-1, 2)}) == []


def test_data_and_parameters() -> None:
    table = np.array([1.0, 2.0, -1.0, 3.0, 0.5])
    assert audit(sp.Sum(sp.sqrt(A[i]) * x, (i, 0, 4)), data={A: table}) == ["sqrt(A[2]) is undefined where A[2] < 0"]
    assert audit(sp.Sum(sp.log(x - A[i]), (i, 0, 4)), {x: (3.5, 9)}, data={A: table}) == []
    assert "log(x - A[3])" in audit(sp.Sum(sp.log(x - A[i]), (i, 0, 4)), {x: (2.5, 9)}, data={A: table})[0]
    assert audit(y / x + x, parameters={x: 0.0}) == ["1/x is undefined where x = 0"]
    assert audit(y / x + x, parameters={x: 1.0}) == []


def test_certain_comes_before_possible() -> None:
    tight = sp.sqrt(sp.Sum((v[i] - sp.Sum(v[j], (j, 0, 4)) / 5) ** 2, (i, 0, 4)) - sp.Sum(v[i] ** 2, (i, 0, 4)) + 200)
    findings = domain_audit(nc.Problem(tight + sp.log(x)), {v: (-5, 5), x: (-1, 1)})
    assert [f.certain for f in findings] == sorted((f.certain for f in findings), reverse=True)
    assert all(("may be" in str(f)) != f.certain for f in findings)


def test_a_matrix_that_may_be_singular() -> None:
    X = sp.MatrixSymbol("X", 4, 4)
    objective = sp.Trace(X.I)
    far = {X: (10 * np.eye(4) - 0.5, 10 * np.eye(4) + 0.5)}
    assert audit(objective, far) == []
    assert "may be undefined" in audit(objective, {X: (-1, 1)})[0]


def test_a_large_index_space_is_quick() -> None:
    n = 100_000
    z = sp.IndexedBase("z", shape=(n,))
    objective = sp.Sum(sp.log(z[i] ** 2 + 1) + 1 / (2 + z[i + 1] - z[i]), (i, 0, n - 2))
    assert audit(objective, {z: (-half, half)}) == []
    assert "is undefined where -z[0] + z[1] + 2 = 0" in audit(objective, {z: (-3 * half, 3 * half)})[0]


@pytest.mark.parametrize(
    ("box", "text"),
    [
        ({"z": (0, 1)}, "box: there is no variable 'z'"),
        ({x: (1, 0)}, "box: 'x' has low > high"),
        ({x: 3}, "box: 'x' must be a pair"),
    ],
)
def test_a_box_that_does_not_fit(box, text) -> None:
    with pytest.raises(ProblemError, match=text.replace("(", r"\(")):
        domain_audit(nc.Problem(x**2 + y), box)


# -- nothing is missed -----------------------------------------------------------------------------------------------

unary = [
    sp.log, sp.sqrt, sp.exp, sp.sin, sp.asin, sp.tan, sp.Abs, lambda e: 1 / e, lambda e: e**2, lambda e: e**half,
    lambda e: 1 / (1 + e**2), lambda e: e ** sp.Rational(2, 3), lambda e: 2 - e, lambda e: sp.gamma(e), lambda e: 9 * e,
]  # fmt: skip
binary = [
    operator.add, operator.sub, operator.mul, operator.truediv, lambda p, q: sp.Max(p, q),
    lambda p, q: sp.Piecewise((p, p > 0), (q, True)), lambda p, q: sp.Piecewise((q, (x > 0) & (q > y)), (p, True)),
]  # fmt: skip


def expressions(depth: int) -> st.SearchStrategy:
    if depth == 0:
        return st.sampled_from([x, y, x - 1, v[0] + y, 2 * y])
    smaller = expressions(depth - 1)
    return st.one_of(
        st.builds(lambda f, e: f(e), st.sampled_from(unary), smaller),
        st.builds(lambda f, p, q: f(p, q), st.sampled_from(binary), smaller, smaller),
    )


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(expressions(3), *[st.tuples(st.integers(-3, 2), st.integers(0, 4))] * 2)
def test_no_point_is_missed(objective, first, second) -> None:
    if not objective.has(x, y, v) or objective.has(sp.I, sp.zoo, sp.nan, sp.re, sp.im):
        return
    problem = nc.Problem(objective, variables=[x, y, v])
    box = {x: (first[0], first[0] + first[1]), y: (second[0], second[0] + second[1]), v: (0, 1)}
    try:
        findings = domain_audit(problem, box)
    except ProblemError:  # a derivative that SymPy cannot form
        return
    oracle = nc.compile(problem)
    lower, upper = (np.array([box[x][k], box[y][k], *[box[v][k]] * 5], dtype=float) for k in (0, 1))
    rng = np.random.default_rng(0)
    shares = np.concatenate([rng.random((300, 7)), rng.choice([0, 0.5, 1], (100, 7))])
    points = lower + shares * (upper - lower)
    bad = [~np.isfinite(oracle.value(points)), ~np.isfinite(oracle.gradient(points)).all(axis=1)]
    for order in (0, 1):
        if bad[order].any():
            assert any(f.order <= order for f in findings), points[bad[order]][0]
    for finding in findings:
        if finding.certain and finding.exact and finding.order == 0 and finding.witness:
            named = {name: k for k, name in enumerate(["x", "y", *(f"v[{k}]" for k in range(5))])}
            assert all(lower[named[name]] <= value <= upper[named[name]] for name, value in finding.witness.items())
