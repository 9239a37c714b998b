"""Krawczyk's test in ball arithmetic: what is proven is true, and what is not proven is not called so."""

import json
import sys
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.critical.balls import Balls, ball, ends
from ncsolve.critical.certificate import Certifier, index_of
from ncsolve.critical.system import Intervals, system_of
from ncsolve.errors import MissingExtra, NcsolveError, ProblemError
from ncsolve.graph.enclosures import Boxes

pytest.importorskip("flint")

x, y = sp.symbols("x y", real=True)
HIMMELBLAU = nc.Problem((x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2)
SMOOTH = [
    (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2,
    sp.exp(x * y) * sp.sin(x) + sp.cos(3 * y) / (2 + x**2),
    sp.log(1 + x**2 + y**2) - sp.sqrt(2 + x * y / 9) * sp.atan(y),
    sp.log(1 + sp.exp(x + y)) + sp.tanh(x) ** 3 - 0.3 * sp.Abs(y + 7) ** 3,
    (3 + x) ** sp.Rational(5, 3) + sp.pi * y**5 + sp.Max(x - 9, y) ** 2 + sp.erf(x * y),
    sp.Piecewise((x**2, x < 9), (y, True)) + y**7 / (5 - x),
    sp.Mod(x, sp.Rational(1, 4)) * y + sp.atan2(y, x - 3) ** 2 - sp.atan2(2 + x / 2, y),
    sp.gamma(x + 3) * sp.loggamma(y + 4) + sp.digamma(x + 4) + sp.polygamma(2, 3 + y) * x,
]


def certify(f, at, **arguments):
    return nc.classify(nc.Problem(f, **arguments), at, certify=True)


@pytest.mark.parametrize("f", SMOOTH, ids=str)
def test_balls_and_intervals_contain_what_the_oracle_computes(f):
    problem = nc.Problem(f)
    system, oracle = system_of(problem), nc.compile(problem)
    rng = np.random.default_rng(0)
    lower = rng.uniform(-2, 2, (40, 2))
    upper = lower + rng.uniform(0, 0.01, (40, 2))
    inside = lower + rng.random((40, 2)) * (upper - lower)
    g, H, v = oracle.gradient(inside), oracle.hessian(inside), oracle.value(inside)
    boxes, balls = Intervals(system), Balls(system)
    hessian, smooth = boxes.hessian(lower, upper)
    gradient, value = boxes.gradient(lower, upper), boxes.over(Boxes(lower, upper), [system.value])[system.value]
    assert smooth.any()
    X = ball(lower, upper)
    enclosures = [
        ((value.lo, value.hi), v), ((gradient.lo, gradient.hi), g), ((hessian.lo, hessian.hi), H),
        (ends(balls.value(X)), v), (ends(balls.gradient(X)), g), (ends(balls.hessian(X)), H),
    ]  # fmt: skip
    for (lo, hi), exact in enclosures:
        slack = 1e-12 * (1 + np.abs(exact))
        known = np.isfinite(lo) & np.isfinite(hi)
        assert known.mean() > 0.5
        assert ((lo - slack <= exact) & (exact <= hi + slack))[known].all()


@pytest.mark.parametrize(
    ("at", "kind", "index"),
    [
        ([3, 2], "minimum", 0),
        ([3.3851541836, 0.0738518798], "saddle", 1),
        ([-0.2708445907, -0.9230385565], "maximum", 2),
    ],
)
def test_kind_index_and_value_are_proven(at, kind, index):
    point = nc.classify(HIMMELBLAU, at, certify=True)
    assert (point.kind, point.index, point.certified) == (kind, index, True)
    proof = point.certificate
    assert proof.index == index
    assert proof.width < 1e-14
    assert proof.value[0] <= point.objective + 1e-12
    assert proof.value[1] >= point.objective - 1e-12
    assert "Proven in ball arithmetic: one critical point, of index" in point.explanation


def test_the_enclosure_contains_numbers_that_no_float_is():
    c = Certifier(nc.Problem((x - sp.Rational(1, 3)) ** 2 + (y**2 - 2) ** 2)).prove(np.array([[0.3, 1.4]]))[0]
    low, high = ([Fraction(float(v)) for v in side] for side in (c.lower, c.upper))
    assert low[0] <= Fraction(1, 3) <= high[0]
    assert low[1] ** 2 <= 2 <= high[1] ** 2
    assert c.width < 1e-14


def test_a_rounded_number_is_not_taken_for_exact():
    """The solution of this nearly singular system moves by 1e-7 when 1/3 becomes a float."""
    f = x**2 / 6 + x * y + (sp.Rational(3, 2) + sp.Rational(1, 10**10)) * y**2 - x
    exact = sp.solve([f.diff(x), f.diff(y)], [x, y])
    root = [Fraction(int(exact[s].p), int(exact[s].q)) for s in (x, y)]
    c = Certifier(nc.Problem(f)).prove(np.array([[float(v) for v in root]]))[0]
    assert all(
        Fraction(float(low)) <= v <= Fraction(float(high)) for low, v, high in zip(c.lower, root, c.upper, strict=True)
    )


def test_a_box_with_two_critical_points_is_not_taken_for_one():
    c = Certifier(nc.Problem(x**3 / 3 - x / 10**9)).prove(np.array([[3.1e-5]]))[0]
    assert c.index == 0
    assert c.alone_lower[0] > -3.1e-5


def test_a_float_is_the_fraction_that_it_is():
    c = Certifier(nc.Problem(0.1 * x**3 - 0.3 * x)).prove(np.array([[1.7]]))[0]
    exact = Fraction(0.3) / (3 * Fraction(0.1))
    assert Fraction(float(c.lower[0])) ** 2 <= exact <= Fraction(float(c.upper[0])) ** 2


def test_rolled_up_sums_data_and_parameters():
    v, A, i = sp.IndexedBase("v", shape=(3,)), sp.IndexedBase("A", shape=(3,)), sp.Symbol("i", integer=True)
    lam = sp.Symbol("lam")
    problem = nc.Problem(
        sp.Sum(A[i] * (v[i] ** 2 - lam) ** 2, (i, 0, 2)) + v[0] * v[2] / 10,
        data={A: [1, 0.1, 2.5]},
        parameters={lam: 0.7},
    )
    point = nc.solve(problem, seed=1, certify=True).point
    assert point.certified
    assert point.kind == "minimum"


@pytest.mark.parametrize("f", [x**4 + y**2, x**3 + y**2, x**3 - 3 * x * y**2, (x * y) ** 2, x**2 + 0 * y], ids=str)
def test_degenerate_points_stay_undecided(f):
    point = certify(f, [0.0, 0.0], variables=[x, y])
    assert not point.certified
    assert point.certificate is None
    assert "Not certified: its Hessian is singular" in point.explanation
    assert Certifier(nc.Problem(f, variables=[x, y])).prove(np.zeros((1, 2))) == [None]


@pytest.mark.parametrize(
    "f",
    [sp.Abs(x) + y**2, sp.Max(x, -x / 2) + y**2, sp.Piecewise((x**2, x > 0), (-x, True)) + y**2, sp.sqrt(x**2 + y**2)],
)
def test_kinks_are_not_certified(f):
    assert Certifier(nc.Problem(f)).prove(np.array([[0.0, 0.0], [1e-13, 0.0]])) == [None, None]


def test_a_point_that_is_not_critical_is_not_certified():
    assert "Not certified: it is not-critical" in nc.classify(HIMMELBLAU, [1, 1], certify=True).explanation


def test_a_minimum_on_a_bound_is_not_certified():
    point = certify(x**2 + y**2, [1, 0], bounds={x: (1, 2)})
    assert point.kind == "minimum"
    assert not point.certified


def test_the_index_needs_eigenvalues_apart_from_zero():
    assert index_of(ball([[2.0, 0.0], [0.0, -1.0]], [[2.0, 0.1], [0.1, -0.9]])) == 1
    assert index_of(ball([[2.0, 0.0], [0.0, -0.1]], [[2.0, 0.1], [0.1, 0.1]])) is None
    assert index_of(ball([[1.0, -2.0], [-2.0, 1.0]], [[1.0, 2.0], [2.0, 1.0]])) is None


def test_inverses_and_determinants():
    """tr X^-1 + |X|^2 at 2^(-1/3) I has the Hessian 4 tr H^2 + 2 |H|^2, negative for the 6 antisymmetric H."""
    X = sp.MatrixSymbol("X", 4, 4)
    point = certify(sp.Trace(sp.Inverse(X)) + sp.Trace(X.T * X), np.eye(4).ravel() * 2 ** (-1 / 3) + 1e-9)
    assert (point.kind, point.index, point.certified) == ("saddle", 6, True)
    assert point.certificate.value[0] <= 12 / 2 ** (2 / 3) <= point.certificate.value[1]
    at = np.eye(4).ravel() + np.random.default_rng(0).uniform(-0.1, 0.1, (3, 16))
    at[2] = np.diag([1, 1, 1, 0.0]).ravel()
    for f in (sp.log(sp.Determinant(X)), sp.Determinant(X) ** 2, sp.Trace(sp.Inverse(X))):
        problem = nc.Problem(f)
        oracle, balls = nc.compile(problem), Balls(system_of(problem))
        H, (low, high) = oracle.hessian(at[:2], dense=True), ends(balls.hessian(ball(at, at + 1e-9)))
        assert ((low[:2] - 1e-6 <= H) & (high[:2] + 1e-6 >= H)).all()
        assert f.has(sp.Pow) or np.isnan(low[2]).any()


def test_refusals(monkeypatch):
    with pytest.raises(ProblemError, match="has constraints: critical points are proven for a smooth f"):
        certify(x**2 + y**2, [0, 0], less=x - 1)
    with monkeypatch.context() as patched:
        patched.setattr("ncsolve.critical.balls._rules", dict)
        with pytest.raises(ProblemError, match="there is no ball form of cos, neg, sin"):
            certify(sp.sin(x), [1.5])
    with pytest.raises(ProblemError, match="has a penalty"):
        nc.landscape(nc.Problem(x**2, penalty=nc.L1(0.1)), {x: (-1, 1)})


def test_without_python_flint(monkeypatch):
    monkeypatch.setitem(sys.modules, "flint", None)
    for call in (
        lambda: nc.classify(HIMMELBLAU, [3, 2], certify=True),
        lambda: nc.solve(HIMMELBLAU, certify=True),
        lambda: nc.landscape(HIMMELBLAU, {x: (-6, 6), y: (-6, 6)}, certify=True),
    ):
        with pytest.raises(MissingExtra, match=r"needs python-flint: pip install ncsolve\[certify\]"):
            call()
    assert issubclass(MissingExtra, NcsolveError)


def test_command_line(run):
    found = json.loads(run("solve", "himmelblau", "--certify", "--json").stdout)
    assert found["point"]["certified"] is True
    found = json.loads(run("classify", "monkey-saddle", "--at", "0,0", "--certify", "--json").stdout)
    assert found["certified"] is False
