"""The judgement of points on the line and in the plane: nondegenerate, singular, kinked, flat."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.critical import classify

x, y, z, w = sp.symbols("x y z w")
HIMMELBLAU = (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2
KINDS = ("minimum", "saddle", "maximum")
NINE = [
    (3.5844283403, -1.8481265270, 0),
    (3.0, 2.0, 0),
    (-3.7793102534, -3.2831859913, 0),
    (-2.8051180870, 3.1313125183, 0),
    (3.3851541836, 0.0738518798, 1),
    (0.0866775046, 2.8842547012, 1),
    (-3.0730257508, -0.0813530443, 1),
    (-0.1279613467, -1.9537149802, 1),
    (-0.2708445907, -0.9230385565, 2),
]


def signature(point):
    return point.kind, point.index, point.nullity


@pytest.mark.parametrize("scale", [1, 1e-12, 1e12, 1e-100])
@pytest.mark.parametrize(("a", "b", "index"), NINE)
def test_himmelblau_at_every_scale(judge, scale, a, b, index):
    assert signature(judge(scale * HIMMELBLAU, [a, b])) == (KINDS[index], index, 0)


@pytest.mark.parametrize(
    ("f", "at", "expected"),
    [
        (sp.cos(x), [0], ("maximum", 1, 0)),
        (x**2 / 2 - y**2 / 2 + y**4 / 4, [0, 0], ("saddle", 1, 0)),
        (x * y, [0, 0], ("saddle", 1, 0)),
        (1e-8 * x**2, [0], ("minimum", 0, 0)),
        (1e-8 * x**2, [1], ("minimum", 0, 0)),
        (1e8 * x**2, [1e-8], ("minimum", 0, 0)),
        (1e8 * x**2 + 1e-10 * y**2, [0, 0], ("minimum", 0, 0)),
        ((1 - x) ** 2 + 100 * (y - x**2) ** 2, [1 + 2e-8, 1 + 4e-8], ("minimum", 0, 0)),
    ],
)
def test_nondegenerate(judge, f, at, expected):
    assert signature(judge(f, at)) == expected


NEAR_ROOT = 0.0062  # where |(x^4)'| is just below 1e-6


@pytest.mark.parametrize(
    ("f", "at", "expected"),
    [
        (x**4, [0], ("minimum", 0, 1)),
        (x**4, [NEAR_ROOT], ("minimum", 0, 1)),
        (-(x**4), [NEAR_ROOT], ("maximum", 0, 1)),
        (x**3, [0], ("saddle", 0, 1)),
        (x**3, [5.7e-4], ("saddle", 0, 1)),
        (x**3, [-5.7e-4], ("saddle", 0, 1)),
        (x**5, [0.02], ("saddle", 0, 1)),
        (x**6, [0.04], ("minimum", 0, 1)),
        (x**8, [0], ("degenerate", 0, 1)),
        (sp.expand((x - 1) ** 4), [1.001], ("minimum", 0, 1)),
        (sp.expand((x - 1) ** 3), [1.0001], ("saddle", 0, 1)),
        (x**3 - 3 * x * y**2, [0, 0], ("saddle", 0, 2)),
        (x**3 - 3 * x * y**2, [1e-4, 3e-4], ("saddle", 0, 2)),
        (x**4 + y**4, [0, 0], ("minimum", 0, 2)),
        (x**2 * y**2, [0, 0], ("degenerate", 0, 2)),
        ((y - x**2) * (y - 2 * x**2), [0, 0], ("saddle", 0, 1)),
        ((y - x**2) * (y - 2 * x**2), [1e-7, 1e-7], ("saddle", 0, 1)),
        ((y - x**2) ** 2 + x**4, [0, 0], ("minimum", 0, 1)),
        ((y - x**2) ** 2 + x**5, [0, 0], ("saddle", 0, 1)),
        ((y - x**2) ** 2 + x**6, [0, 0], ("minimum", 0, 1)),
        (y**2 + 1e-12 * x**3, [0, 0], ("saddle", 0, 1)),
    ],
)
def test_singular(judge, f, at, expected):
    assert signature(judge(f, at)) == expected


@pytest.mark.parametrize("dimension", [2, 3, 4])
@pytest.mark.parametrize(
    ("power", "kind"),
    [(lambda t: t[0] ** 4, "minimum"), (lambda t: t[0] ** 3, "saddle"), (lambda t: -(t[0] ** 4), "saddle")],
)
def test_rotated_and_shifted(judge, dimension, power, kind):
    rng = np.random.default_rng(dimension)
    Q = np.linalg.qr(rng.normal(size=(dimension, dimension)))[0]
    centre = rng.normal(size=dimension)
    v = sp.symbols(f"v0:{dimension}")
    t = [sum(float(q) * (v[k] - float(centre[k])) for k, q in enumerate(row)) for row in Q]
    point = judge(power(t) + sum(s**2 for s in t[1:]), centre, variables=list(v))
    assert (point.kind, point.nullity) == (kind, 1)


@pytest.mark.parametrize("at", [[0, 0, 0, 0], [1e-3, -1e-4, 5e-4, 5e-4]])
def test_powell_singular_function(judge, at):
    f = (x + 10 * y) ** 2 + 5 * (z - w) ** 2 + (y - 2 * z) ** 4 + 10 * (x - w) ** 4
    assert signature(judge(f, at, variables=[x, y, z, w])) == ("minimum", 0, 2)


@pytest.mark.parametrize(
    ("f", "kind"),
    [
        (sp.Abs(x), "minimum"),
        (-sp.Abs(x), "maximum"),
        (sp.Abs(x) + y**2, "minimum"),
        (sp.Abs(x) - sp.Abs(y), "saddle"),
        (sp.Abs(x) + x / 2, "minimum"),
        (x * sp.Abs(x), "saddle"),
        (sp.Max(x, 0) ** 2, "undecided"),
        (sp.Piecewise((x**2, x < 0), (x**3, True)), "minimum"),
    ],
)
def test_kinks_are_judged_by_values_and_say_so(judge, f, kind):
    point = judge(f, [0] * len(f.free_symbols))
    assert point.kind == kind
    assert "values seen, not a proof" in point.explanation


def test_a_flat_tail_is_no_critical_point(judge):
    assert judge(sp.log(1 + sp.exp(-x)), [14]).kind == "undecided"
    assert judge(y**2 + 1e-7 * x, [0, 0]).kind == "undecided"


def test_not_finite(judge):
    point = judge(sp.log(x) + 1 / y, [0, 0])
    assert point.kind == "undecided"
    assert "not finite" in point.explanation


def test_not_critical_names_the_numbers(judge):
    point = judge(HIMMELBLAU, [1, 1])
    assert point.kind == "not-critical"
    assert point.gradient_norm == 46
    assert "gradient 46 (above 1e-06)" in point.explanation


def test_judging_is_not_counted():
    oracle = nc.compile(nc.Problem(HIMMELBLAU))
    classify(oracle, [3.0, 2.0])
    assert set(oracle.counts.values()) == {0}
