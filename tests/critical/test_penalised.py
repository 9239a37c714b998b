"""Points of F = f + p, judged on the manifold on which the penalty is smooth."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc

x, y, z = sp.symbols("x y z")
i = sp.Symbol("i", integer=True)
v = sp.IndexedBase("v", shape=(4,))
M = sp.MatrixSymbol("M", 2, 2)


def judged(objective, penalty, at, **arguments):
    return nc.classify(nc.Problem(objective, penalty=penalty, **arguments), at)


def test_zero_held_by_a_force():
    """(x - 3)^2 + 10 (y - 1/50)^2 + |x| + |y|: the slope 0.4 at y = 0 stays 0.6 below 1."""
    point = judged((x - 3) ** 2 + 10 * (y - 0.02) ** 2, nc.L1(1.0), [2.5, 0])
    assert (point.kind, point.index, point.nullity) == ("minimum", 0, 0)
    assert point.eigenvalues == pytest.approx([2])
    assert point.objective == pytest.approx(0.25 + 0.004 + 2.5)
    assert "1 of 2 variables held by L1(1) on x, y with a force of at least 0.6" in point.explanation


def test_seven_digits_are_enough():
    point = judged((x - 3) ** 2 + 10 * (y - 0.02) ** 2, nc.L1(1.0), [2.5000001, -1e-8])
    assert point.kind == "minimum"
    assert judged((x - 3) ** 2 + 10 * (y - 0.02) ** 2, nc.L1(1.0), [2.51, 0]).kind == "not-critical"


@pytest.mark.parametrize(("penalty", "at"), [(nc.L0(0.1), 3.0), (nc.LHalf(0.1), 2.9855313)], ids=str)
def test_zero_held_by_a_jump(penalty, at):
    point = judged((x - 3) ** 2 + (y - 0.1) ** 2, penalty, {"x": at, "y": 0})
    assert point.kind == "minimum"
    assert "held by" in point.explanation
    assert "with a jump" in point.explanation


def test_a_local_minimum_that_a_proximal_step_leaves():
    """Zero is a strict local minimum of every problem with L0, however steep f is there."""
    point = judged((x - 3) ** 2 + (y - 3) ** 2, nc.L0(0.1), [0, 0])
    assert point.kind == "minimum"
    assert "a proximal step leads away, but 0 is within 0 of the subdifferential" in point.explanation
    assert point.gradient_norm > 1


def test_concave_part_adds_negative_curvature():
    """x^2/2 - x + MCP(1, 0.5): the point in the middle, where 1 - 1/gamma = -1, is a maximum of F."""
    # F' = x - c + 1 - 2x = 0 at x = 1 - c, in the middle part up to 1/2
    f = x**2 / 2 - sp.Rational(3, 4) * x
    point = judged(f, nc.MCP(1.0, 0.5), [0.25])
    assert (point.kind, point.index) == ("maximum", 1)
    assert point.eigenvalues == pytest.approx([-1])
    outer = judged(f, nc.MCP(1.0, 0.5), [0.75])
    assert (outer.kind, outer.index) == ("minimum", 0)
    assert judged(f + (y - 0.1) ** 2, nc.MCP(1.0, 0.5), [0.25, 0]).kind == "saddle", "y is held: F rises there"


def test_scad_by_parts():
    """(x - 2)^2/2 + SCAD(1, 3): slope (3 - x)/2 between 1 and 3, so F' = x - 2 + (3 - x)/2 = 0 at x = 1."""
    point = judged((x - 1.9) ** 2 / 2, nc.SCAD(1.0, 3.0), [0.9])
    assert (point.kind, point.eigenvalues.tolist()) == ("minimum", [1.0])
    point = judged((x - 2.5) ** 2 / 2, nc.SCAD(1.0, 3.0), [2.0])
    assert point.kind == "minimum"
    assert point.eigenvalues == pytest.approx([0.5])


def test_saddle_on_the_manifold_and_its_escape():
    """x^4 - 2x^2 at 0, with y held at 0."""
    problem = nc.Problem(x**4 - 2 * x**2 + (y - 0.1) ** 2, penalty=nc.L1(0.5, on=y), start={x: 0.0, y: 0.0})
    point = nc.classify(problem, [0, 0])
    assert (point.kind, point.index) == ("saddle", 1)
    assert point.witness[1] == 0
    left = nc.solve(problem)
    assert left.success
    assert abs(left.values["x"]) == pytest.approx(1, abs=1e-6)
    assert left.values["y"] == 0
    assert [escape.point.kind for escape in left.trace.escapes] == ["saddle"]
    assert nc.solve(problem, escape=False).point.kind == "saddle"


def test_zeros_held_without_force():
    """|g| = lambda at y = 0: a minimum where f is convex in y as well, left open where it is not."""
    point = judged((x - 1) ** 2 + (y - 0.5) ** 2, nc.L1(1.0, on=y), [1, 0])
    assert point.kind == "minimum"
    assert "1 of them without force" in point.explanation
    assert judged((x - 1) ** 2 - y - y**2, nc.L1(1.0, on=y), [1, 0]).kind == "degenerate"


def test_bounds_and_a_penalty():
    """At 0, the lower bound, only the right side of the kink counts; at the bound 1 the penalty is smooth."""
    f = (x + 1) ** 2 + (y - 3) ** 2
    point = judged(f, nc.L1(0.5), [0, 1], bounds={x: (0, 2), y: (0, 1)})
    assert point.kind == "minimum"
    assert "force of at least 2.5" in point.explanation
    assert judged(f, nc.L1(0.5), [0, 0.5], bounds={x: (0, 2), y: (0, 1)}).kind == "not-critical"
    assert judged(f, nc.L1(0.5), [0, 1.5], bounds={x: (0, 2), y: (0, 1)}).kind == "not-critical"


def test_groups():
    f = sp.Sum((v[i] - i) ** 2, (i, 0, 3))
    problem = nc.Problem(f + v[0] * v[1], penalty=nc.GroupMCP(1.5, 2.0, groups=[[0, 1], [2, 3]]))
    result = nc.solve(problem)
    assert result.success
    assert result.x[:2].tolist() == [0, 0]
    assert "2 of 4 variables held by GroupMCP(1.5, 2) on v" in result.point.explanation
    F = nc.compile(problem).objective
    rng = np.random.default_rng(0)
    around = result.x + 1e-3 * rng.standard_normal((500, 4))
    assert (F(around) > result.objective).all()


def test_hessian_of_a_group_by_differences():
    """On a group away from 0, where F is smooth."""
    for penalty in (nc.GroupLasso(0.7), nc.GroupMCP(0.5, 2.0), nc.GroupMCP(0.5, 2.0, groups=[[3, 1], [0]])):
        at = np.array([0.3, -0.2, 0.5, 0.1])
        h = 1e-6
        gradients = [(penalty.gradient(at + h * e) - penalty.gradient(at - h * e)) / (2 * h) for e in np.eye(4)]
        values, rows, columns = penalty.hessian(at)
        found = np.zeros((4, 4))
        found[rows, columns] = values
        assert found == pytest.approx(np.array(gradients), abs=1e-8)
        slopes = [(penalty.value(at + h * e) - penalty.value(at - h * e)) / (2 * h) for e in np.eye(4)]
        assert penalty.gradient(at) == pytest.approx(slopes, abs=1e-8)


def test_simplex():
    f = sp.Sum((v[i] - i) ** 2, (i, 0, 3))
    point = judged(f, nc.Simplex(2.5), [0, 0, 0.75, 1.75])
    assert point.kind == "minimum"
    assert "2 of 4 variables held by Simplex(2.5) on v with a force of at least 0.5" in point.explanation
    assert point.eigenvalues == pytest.approx([4]), "along (1, -1)"
    assert judged(f, nc.Simplex(2.5), [0, 0, 1, 1.6]).kind == "not-critical"
    assert "outside the domain of Simplex(2.5) on v" in judged(f, nc.Simplex(2.5), [0, 0, 1, 1.6]).explanation
    assert judged(-f, nc.Simplex(1.0), [1, 0, 0, 0]).kind == "minimum", "a corner"


def test_box_penalty():
    point = judged((x + 1) ** 2 + (y - 0.5) ** 2, nc.Box(0, 1), [0, 0.5])
    assert (point.kind, point.eigenvalues.tolist()) == ("minimum", [2.0])


def test_what_is_not_finite():
    point = judged(x - sp.log(x), nc.L1(1.0), [-1])
    assert point.kind == "undecided"
    assert "not finite" in point.explanation


def test_higher_derivatives_decide_on_the_manifold():
    """x^4 is a minimum although the Hessian is 0, with y held."""
    point = judged(x**4 + (y - 0.1) ** 2, nc.L1(0.5, on=y), [0, 0])
    assert (point.kind, point.nullity) == ("minimum", 1)
    assert judged(x**3 + (y - 0.1) ** 2, nc.L1(0.5, on=y), [0, 0]).kind == "saddle"


def completion(strength, shape=(4, 3), rank=1, seen=10):
    rng = np.random.default_rng(2)
    truth = rng.standard_normal((shape[0], rank)) @ rng.standard_normal((rank, shape[1]))
    places = rng.permutation(truth.size)[:seen]
    T, r, c = (sp.IndexedBase(name, shape=(seen,)) for name in "Trc")
    X, k = sp.IndexedBase("X", shape=shape), sp.Symbol("k", integer=True)
    rows, columns = np.unravel_index(places, shape)
    f = sp.Sum((X[r[k], c[k]] - T[k]) ** 2 * (1 + X[r[k], c[k]] / 10), (k, 0, seen - 1)) / 2
    data = {r: rows, c: columns, T: truth[rows, columns]}
    return nc.Problem(f, data=data, variables=[X], start={X: 0.1}, penalty=nc.NuclearNorm(strength))


def test_hessian_among_matrices_of_one_rank():
    """Value, gradient and Hessian in the chart, against differences of F itself."""
    from ncsolve.critical.manifold import OnManifold

    problem = completion(0.3, rank=2, seen=12)
    oracle = nc.compile(problem)
    rng = np.random.default_rng(0)
    at = (rng.standard_normal((4, 2)) @ rng.standard_normal((2, 3))).ravel()
    manifold = OnManifold(oracle, at, np.ones(12, bool), [], [(problem.penalty.parts[0], 2)])
    assert manifold.n == 2 * (4 + 3 - 2)
    assert manifold.point(manifold.start) == pytest.approx(at)
    s, h = manifold.start + 0.1 * rng.standard_normal(10), 1e-6
    slopes = [(manifold.value(s + h * e) - manifold.value(s - h * e)) / (2 * h) for e in np.eye(10)]
    assert manifold.gradient(s) == pytest.approx(slopes, abs=1e-7)
    rows = [(manifold.gradient(s + h * e) - manifold.gradient(s - h * e)) / (2 * h) for e in np.eye(10)]
    assert manifold.hessian(s) == pytest.approx(np.array(rows), abs=1e-6)


def test_matrices_of_one_rank():
    problem = completion(0.5)
    result = nc.solve(problem)
    assert result.success, result.summary()
    assert "the rank 1 of X is held by NuclearNorm(0.5) with a force of 0." in result.point.explanation
    assert "F in its 6 free variables" in result.point.explanation
    F = nc.compile(problem).objective
    around = result.x + 1e-3 * np.random.default_rng(0).standard_normal((500, 12))
    assert (F(around) > result.objective).all()


def test_a_matrix_held_at_zero():
    zero = nc.classify(completion(50.0), np.zeros(12))
    assert zero.kind == "minimum"
    assert "12 of 12 variables held by NuclearNorm(50) on X" in zero.explanation
    assert nc.classify(completion(0.05), np.zeros(12)).kind == "not-critical"


def test_a_saddle_among_matrices_of_one_rank():
    """|X X' - diag(3, 2)|^2 / 4 with a nuclear norm: the lower of both eigenvalues alone is a saddle."""
    X = sp.MatrixSymbol("X", 2, 2)
    D = sp.Matrix([[3, 0], [0, 2]])
    symmetric = sp.Trace((X * X.T - D) * (X * X.T - D).T) / 4
    f = symmetric + X[1, 0] ** 2 / 4
    problem = nc.Problem(f, penalty=nc.NuclearNorm(0.1))
    # on diag(0, a): a^3 - 2 a + 0.1 = 0
    a = max(np.roots([1, 0, -2, 0.1]).real)
    point = nc.classify(problem, [0, 0, 0, a])
    assert (point.kind, point.index) == ("saddle", 1)
    assert "the rank 1 of X is held by NuclearNorm(0.1) with a force of 0.1" in point.explanation
    F = nc.compile(problem).objective
    assert F(point.x + point.witness) < F(point.x)
    turned = nc.classify(nc.Problem(symmetric, penalty=nc.NuclearNorm(0.1)), [0, 0, 0, a])
    assert turned.kind == "degenerate", "X Q is as good as X, for every rotation Q"
    assert "Hessian eigenvalues are zero, and no higher derivatives are known" in turned.explanation


def test_few_free_ones_of_many_variables(monkeypatch):
    """The Hessian is that of products, and the full one, of 20 000^2 numbers, is never asked for."""
    n = 20_000
    w, k = sp.IndexedBase("w", shape=(n,)), sp.Symbol("k", integer=True)
    a = sp.IndexedBase("a", shape=(n,))
    f = sp.Sum((w[k] - a[k]) ** 2, (k, 0, n - 1)) / 2 + sp.Sum(w[k], (k, 0, n - 1)) ** 2 / 100
    centre = np.zeros(n)
    centre[:3] = [3.0, -2.0, 1.5]
    problem = nc.Problem(f, data={a: centre}, start={w: 0.0}, penalty=nc.L1(0.5))
    oracle = nc.compile(problem)
    assert not oracle.structure.sparse
    monkeypatch.setattr(type(oracle), "hessian", lambda *_, **__: pytest.fail("the whole Hessian is too large"))
    result = nc.solve(problem)
    assert result.success, result.summary()
    assert result.point.eigenvalues == pytest.approx([1, 1, 1.06])
