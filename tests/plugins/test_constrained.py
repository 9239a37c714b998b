"""Problems with constraints: solved, judged and refused."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.critical.check import slope_of
from ncsolve.errors import MissingExtra, OptionError
from ncsolve.solving import Status
from ncsolve.testing import SolverTests
from ncsolve_constrained.augmented import AugmentedOracle

x, y, z = sp.symbols("x y z")
i = sp.Symbol("i", integer=True)


def disc(**declared):
    """min x + y on the disc of radius sqrt 2: (-1, -1), multiplier 1/2."""
    return nc.Problem(x + y, less=[x**2 + y**2 <= 2], start={x: 0.3, y: -0.2}, **declared)


def sphere(start=(0, 0, 1)):
    """x^2 + 2 y^2 + 3 z^2 on the unit sphere: minima at +-e1, saddles at +-e2, maxima at +-e3."""
    return nc.Problem(x**2 + 2 * y**2 + 3 * z**2, equal=[x**2 + y**2 + z**2 - 1], start=list(start))


# -- the augmented Lagrangian as an oracle ---------------------------------------------------------------------------


def bowl(n=60):
    w = sp.IndexedBase("w", shape=(n,))
    return nc.Problem(
        sp.Sum((w[i] ** 2 - 1) ** 2, (i, 0, n - 1)),
        equal=[(w[i] * w[i + 1] - sp.Rational(1, 4), (i, 0, n // 2))],
        less=[(w[i] ** 2 - sp.exp(w[i + 1]), (i, 0, n - 2))],
        start={w: 0.7},
    )


@pytest.mark.parametrize("n", [6, 400])
def test_derivatives_of_the_augmented_lagrangian(n):
    outer, rng = nc.compile(bowl(n)), np.random.default_rng(0)
    m = outer.constraints.m
    multipliers = rng.normal(size=m)
    multipliers[outer.constraints.equalities :] = np.abs(multipliers[outer.constraints.equalities :])
    oracle = AugmentedOracle(outer, multipliers, 3.0)
    point, v = rng.uniform(0.5, 1.5, n), rng.normal(size=n)
    f, g = oracle.value_and_gradient(point)
    H = oracle.hessian(point)
    assert oracle.structure.sparse == (n == 400) == (not isinstance(H, np.ndarray))
    assert oracle.hessian(point, dense=True) == pytest.approx(H if n < 400 else H.toarray())
    assert oracle.hvp(point, v) == pytest.approx(H @ v)
    h = 0.5 ** np.arange(6, 30)
    values = np.array([oracle.value(point + t * v) for t in h])
    assert slope_of(values - f - h * (g @ v), 1e-15 * abs(f)) >= 1.9
    assert slope_of(values - f - h * (g @ v) - h**2 / 2 * (v @ (H @ v)), 1e-15 * abs(f)) >= 2.7


def test_batches_and_counts_are_those_of_the_outer_oracle():
    outer = nc.compile(disc())
    oracle = AugmentedOracle(outer, np.zeros(1), 2.0)
    points = np.array([[1.0, 2.0], [0.0, 0.5]])
    f, g = oracle.value_and_gradient(points)
    assert f == pytest.approx([3 + 9, 0.5])
    assert oracle.value(points) == pytest.approx(f)
    assert g[0] == pytest.approx([1 + 2 * 3 * 2, 1 + 2 * 3 * 4])
    assert oracle.hvp(points[0], np.eye(2)) == pytest.approx(oracle.hessian(points[0]))
    assert oracle.counts is outer.counts
    assert oracle.points == outer.points > 0
    with pytest.raises(nc.NcsolveError, match="cannot be evaluated by rows"):
        oracle.value(points[0], rows=[0])


# -- solving ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "solver", ["auto", "augmented-lagrangian", "scipy:SLSQP", "scipy:trust-constr", "scipy:COBYQA"]
)
def test_solved_with_kkt_residuals_and_multipliers(solver):
    result = nc.solve(nc.Problem(2 * x + y, less=[x**2 + y**2 <= 5], start={x: 0.3, y: -0.2}), solver)
    assert result.success, result.message
    assert result.x == pytest.approx([-2, -1], abs=1e-5)
    assert result.kkt.multipliers == pytest.approx([0.5], abs=1e-5)
    assert result.kkt.residual == result.gradient_norm <= 1e-6
    assert result.trace["gradient_norm"][-1] <= 1e-6


@pytest.mark.parametrize("inner", ["trust-region", "lbfgs", "gd", "scipy:BFGS", "scipy:Nelder-Mead"])
def test_any_solver_inside(inner):
    problem = nc.Problem(sp.exp(x) + y**2 + x * y, equal=[x**2 + y**2 - 1], start={x: -1, y: 0.5})
    result = nc.solve(problem, "augmented-lagrangian", options={"inner": inner}, max_iterations=50)
    assert result.success, result.message
    assert result.options["inner"] == inner


def test_auto_says_why():
    result = nc.solve(disc())
    assert result.solver == "augmented-lagrangian"
    assert "constraints" in result.message


def test_bounds_and_constraints_together():
    problem = nc.Problem(
        (x - 2) ** 2 + (y - 2) ** 2, less=[x + 2 * y - 2], bounds={x: (0, 0.5), y: (0, None)}, start={x: 0.2, y: 0}
    )
    seen = []
    result = nc.solve(problem, callbacks=[lambda look: seen.append(look.x)])
    assert result.success
    assert result.x == pytest.approx([0.5, 0.75], abs=1e-6)
    assert all((problem.lower <= point).all() and (point <= problem.upper).all() for point in seen)
    assert "2 constraints are active" in result.point.explanation


def test_the_run_leaves_a_maximum_and_a_saddle_of_the_constrained_problem():
    for start in ((0, 0, 1), (0, 1, 0)):
        result = nc.solve(sphere(start))
        assert result.success
        assert abs(result.x) == pytest.approx([1, 0, 0], abs=1e-5)
        assert result.trace.escapes[0].point.kind in ("maximum", "saddle")
    left = nc.solve(sphere((0, 1, 0)), escape=False)
    assert left.point.kind == "saddle"
    assert not left.success


def test_an_infeasible_problem_says_so():
    result = nc.solve(nc.Problem(x**2 + y, equal=[x**2 + y**2 + 1], start={x: 1, y: 1}))
    assert result.status is Status.STALLED
    assert result.message.startswith("the problem looks infeasible: constraints are violated by up to 1 at a critical")
    assert result.point.kind == "not-critical"
    assert "infeasible: the constraints are violated and the violation has a critical point" in result.point.explanation


def test_unbounded_below_says_so():
    problem = nc.Problem(-(x**3) + y, less=[y - 1, -1 - y], start={x: 1, y: 0})
    result = nc.solve(problem, "augmented-lagrangian", options={"penalty": 1e15}, max_iterations=60)
    assert result.status is not Status.CONVERGED
    assert "falls without bound" in result.message


def test_the_best_point_holds_the_constraints():
    result = nc.solve(disc(), x0=[-5, -5], max_evaluations=30, gradient_tolerance=0)
    assert (
        result.kkt.feasibility == min(nc.classify(disc(), point).kkt.feasibility for point in result.trace["x"])
        or result.kkt.feasibility <= 1e-6
    )


def test_multipliers_do_not_derive_again():
    problem = disc()
    nc.solve(problem)
    derivation = problem.derived["derivation"]
    nc.solve(problem, x0=[1, 1])
    assert problem.derived["derivation"] is derivation


def test_limits_and_interrupts_pass_through_the_inner_solver():
    result = nc.solve(disc(), max_evaluations=5, gradient_tolerance=0)
    assert result.status is Status.EVALUATIONS
    assert sum(result.evaluations.values()) <= 10
    assert nc.solve(disc(), max_seconds=1e-9).status is Status.TIME


def test_large_and_sparse():
    n = 1000
    w = sp.IndexedBase("w", shape=(n,))
    problem = nc.Problem(
        sp.Sum((w[i] - sp.Rational(3, 2)) ** 2, (i, 0, n - 1)),
        equal=[(w[2 * i] * w[2 * i + 1] - 1, (i, 0, n // 2 - 1))],
        start={w: 1.5},
    )
    result = nc.solve(problem, max_iterations=30)
    assert result.status is Status.CONVERGED
    assert result.success
    assert result.kkt.residual <= 1e-6


# -- the judgement ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("problem", "at", "kind", "said"),
    [
        (disc(), [-1, -1], "minimum", "1 constraint is active; reduced Hessian eigenvalue 1"),
        (disc(), [1, 1], "not-critical", "the KKT conditions do not hold"),
        (disc(), [2, 2], "not-critical", "the constraints are violated"),
        (disc(), [-1.0000001, -1], "minimum", "the critical point itself is 1e-07 away"),
        (sphere(), [1, 0, 0], "minimum", "2 reduced Hessian eigenvalues: all positive (from 2 to 4"),
        (sphere(), [0, 1, 0], "saddle", "1 negative, 1 positive (from -2 to 2"),
        (sphere(), [0, 0, 1], "maximum", "all negative (from -4 to -2"),
        (nc.Problem(x**2 + y**2, less=[-x]), [0, 0], "minimum", "strict complementarity fails"),
        (nc.Problem(-(x**2) + y**2, less=[-x]), [0, 0], "saddle", "strict complementarity fails"),
        (nc.Problem(x * y + y**2, less=[-x, -y]), [0, 0], "degenerate", "2 constraints are active without pushing"),
        (nc.Problem(x**2 + y, less=[-y, -2 * y]), [0, 0], "minimum", "linearly dependent (LICQ fails)"),
        (nc.Problem(x, equal=[x - 1], less=[y**2 - 4]), [1, 0], "degenerate", "leave open how f behaves"),
        (nc.Problem(x + y, less=[-x, -y]), [0, 0], "minimum", "2 constraints are active; no direction is free to move"),
        (nc.Problem(sp.log(x), equal=[x - 1]), [-1], "undecided", "are not finite here"),
        (nc.Problem(x**2, equal=[x**2 + 1]), [0], "not-critical", "the violation has a critical point here"),
        (
            nc.Problem((x - y) ** 2 + (y - z) ** 4, equal=[(1 + y**2) * x + z**4 - 3]),
            [1.001, 1.001, 0.999],
            "not-critical",
            "violated",
        ),
    ],
)
def test_kinds(problem, at, kind, said):
    point = nc.classify(problem, at)
    assert point.kind == kind, point.explanation
    assert said in point.explanation


def test_an_orbit_of_symmetric_points_is_no_degeneracy():
    V, j, d = sp.IndexedBase("V", shape=(4, 3)), *sp.symbols("j d", integer=True)
    distance = sp.sqrt(sp.Sum((V[i, d] - V[j, d]) ** 2, (d, 0, 2)))
    energy = sp.Sum(1 / distance, (j, i + 1, 3), (i, 0, 2))
    problem = nc.Problem(energy, equal=[(sp.Sum(V[i, d] ** 2, (d, 0, 2)) - 1, (i, 0, 3))])
    tetrahedron = np.array([(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)]) / 3**0.5
    square = np.array([(1, 0, 0), (0, 1, 0), (-1, 0, 0), (0, -1, 0)])
    assert nc.classify(problem, {"V": tetrahedron}).kind == "minimum"
    assert nc.classify(problem, {"V": square}).kind == "saddle"
    assert nc.classify(problem, {"V": tetrahedron}).nullity == 3


def test_a_quartic_valley_is_not_taken_for_a_minimum():
    """HS26 near its solution: the reduced Hessian is positive there, and singular where it leads."""
    problem = nc.Problem((x - y) ** 2 + (y - z) ** 4, equal=[(1 + y**2) * x + z**4 - 3], start=[-2.6, 2, 2])
    assert nc.solve(problem).point.kind == "degenerate"


def test_what_a_solver_reports_is_checked_by_the_core():
    point = nc.classify(disc(), [-1, -1])
    assert point.kkt.stationarity <= 1e-15
    assert point.kkt.to_dict()["multipliers"] == pytest.approx([0.5])
    assert str(point.kkt).startswith("stationarity ")


# -- refusals --------------------------------------------------------------------------------------------------------


def test_solvers_without_constraints_name_the_one_that_has():
    with pytest.raises(
        OptionError, match=r"'lbfgs' is for problems without constraints, but problem 'problem' has 1. Use"
    ):
        nc.solve(disc(), "lbfgs")
    with pytest.raises(OptionError, match="scipy:BFGS' is for problems without constraints"):
        nc.solve(disc(), "scipy:BFGS")


def test_unknown_inner_solver():
    with pytest.raises(OptionError, match=r"no solver 'lbfsg'. Did you mean 'lbfgs'\?"):
        nc.solve(disc(), "augmented-lagrangian", options={"inner": "lbfsg"})


@pytest.mark.parametrize("inner", ["als", "gauss-newton", "sgd", "kmeans"])
def test_what_the_constraints_take_away_is_not_used(inner):
    """f alone is a sum of squares, over samples and quadratic in blocks; with constraints added it is none of that."""
    n = 30
    a, u, w = sp.IndexedBase("a", shape=(n,)), sp.IndexedBase("u", shape=(3,)), sp.IndexedBase("w", shape=(3,))
    k = sp.Symbol("k", integer=True)
    f = sp.Sum((a[i] - sp.Sum(u[k] * w[k], (k, 0, 2))) ** 2, (i, 0, n - 1))
    problem = nc.Problem(f, equal=[u[0] - w[0]], data={a: np.linspace(0, 1, n)}, start={u: 1.0, w: 2.0})
    with pytest.raises(OptionError, match=f"'{inner}' needs .*, which problem 'problem' does not have"):
        nc.solve(problem, "augmented-lagrangian", options={"inner": inner})


class TestAugmentedLagrangian(SolverTests):
    solver = "augmented-lagrangian"


# -- Ipopt -----------------------------------------------------------------------------------------------------------


def test_ipopt_that_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "cyipopt", None)
    with pytest.raises(MissingExtra, match=r"needs cyipopt: pip install ncsolve\[ipopt\]"):
        nc.solve(disc(), "ipopt")


class FakeProblem:
    """The documented interface of cyipopt.Problem; SQP on the first active set that is found, for an equality."""

    def __init__(self, n, m, problem_obj, lb, ub, cl, cu):
        self.n, self.m, self.f = n, m, problem_obj
        self.lb, self.ub, self.cl, self.cu = lb, ub, cl, cu
        self.options = {}

    def add_option(self, name, value):
        self.options[name] = value

    def solve(self, point):
        f, y = self.f, np.zeros(self.m)
        for iteration in range(30):
            if not f.intermediate(0, iteration, f.objective(point), *[0.0] * 8):
                break
            H, J = np.zeros((self.n, self.n)), np.zeros((self.m, self.n))
            rows, columns = f.hessianstructure()
            H[rows, columns] = H[columns, rows] = f.hessian(point, y, 1.0)
            J[f.jacobianstructure()] = f.jacobian(point)
            K = np.block([[H, J.T], [J, np.zeros((self.m, self.m))]])
            step = np.linalg.solve(K, -np.concatenate([f.gradient(point) + J.T @ y, f.constraints(point)]))
            point, y = point + step[: self.n], y + step[self.n :]
        return point, {"mult_g": y, "status_msg": b"Algorithm terminated successfully."}


@pytest.fixture
def fake_ipopt(monkeypatch):
    monkeypatch.setitem(sys.modules, "cyipopt", SimpleNamespace(Problem=FakeProblem))


def test_ipopt_is_given_exact_derivatives(fake_ipopt):
    result = nc.solve(sphere((0.9, 0.1, 0.2)), "ipopt")
    assert result.status is Status.CONVERGED, result.message
    assert result.success
    assert result.evaluations["hessian"] > 0
    assert result.kkt.multipliers == pytest.approx([-1], abs=1e-5)


def test_ipopt_with_sparse_derivatives(fake_ipopt):
    n = 300
    w = sp.IndexedBase("w", shape=(n,))
    f = sp.Sum((w[i] - sp.Rational(3, 2)) ** 2, (i, 0, n - 1))
    problem = nc.Problem(f, equal=[(w[2 * i] * w[2 * i + 1] - 1, (i, 0, n // 2 - 1))], start={w: 1.1})
    assert nc.solve(problem, "ipopt").success


def test_limits_reach_through_ipopt(fake_ipopt):
    result = nc.solve(sphere((0.9, 0.1, 0.2)), "ipopt", max_evaluations=3, gradient_tolerance=0)
    assert result.status is Status.EVALUATIONS
    result = nc.solve(sphere((0.9, 0.1, 0.2)), "ipopt", max_iterations=1, gradient_tolerance=0)
    assert result.iterations == 1


# -- the command line ------------------------------------------------------------------------------------------------


def test_json_has_the_kkt_conditions(run):
    solved = run("solve", "hs71", "--json")
    assert solved.exit_code == 0
    answer = json.loads(solved.stdout)
    assert answer["point"]["kind"] == "minimum"
    assert set(answer["kkt"]) == {"stationarity", "feasibility", "complementarity", "multipliers"}
    assert answer["gradient_norm"] == max(answer["kkt"][key] for key in answer["kkt"] if key != "multipliers")
    judged = json.loads(run("classify", "hs7", "--at", "0,1.7320508", "--json").stdout)
    assert judged["kind"] == "minimum"
    assert len(judged["kkt"]["multipliers"]) == 1
    assert "kkt" not in json.loads(run("solve", "himmelblau", "--json").stdout)


def test_a_solver_that_cannot_is_bad_input(run):
    refused = run("solve", "hs71", "-s", "lbfgs")
    assert refused.exit_code == 2
    assert "Use 'augmented-lagrangian'" in refused.stderr
    listed = json.loads(run("solvers", "--for", "hs71", "--json").stdout)["solvers"]
    assert {"augmented-lagrangian", "auto", "scipy:SLSQP"} <= {solver["name"] for solver in listed}
    assert "lbfgs" not in {solver["name"] for solver in listed}
