"""What `auto` chooses, that it says why, and how it goes on when a run stalls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.hooks import registry
from ncsolve.problem import load
from ncsolve_auto import auto as module
from ncsolve_auto.auto import Auto, product_cost
from ncsolve_second_order.newton import DescentState

v, i, j = sp.IndexedBase("v", shape=(300,)), sp.Symbol("i", integer=True), sp.Symbol("j", integer=True)


def choice(problem):
    return Auto().choose(nc.compile(problem), registry().solvers())


@pytest.mark.parametrize(
    ("name", "arguments", "solver", "why"),
    [
        ("rosenbrock", {}, "gauss-newton", "a sum of 18 squares"),
        ("six-hump-camel", {}, "trust-region", "n = 2 with an exact Hessian, which is small"),
        ("minimal-surface", {"k": 70}, "trust-region-krylov", "n = 4900, too large for factorisations"),
        ("engval", {"n": 5000}, "trust-region", "n = 5000 with a sparse Hessian of"),
        ("broyden-tridiagonal", {"n": 5000}, "gauss-newton", "a sum of 5000 squares with a sparse Jacobian"),
    ],
)
def test_structure_decides(name, arguments, solver, why):
    chosen, reason = choice(load(name, arguments))
    assert chosen == solver
    assert why in reason


@pytest.mark.parametrize(
    ("name", "solver", "why"),
    [
        ("sparse-regression", "prox-gradient", "a penalty with a proximal operator"),
        ("gan-mixture", "extragradient", "variables to maximise over"),
    ],
)
def test_what_is_no_plain_minimisation_has_its_own_solvers(name, solver, why):
    chosen, reason = choice(load(name))
    assert chosen == solver
    assert why in reason
    oracle = nc.compile(load(name))
    assert Auto().instead(oracle, "lbfgs", registry().solvers()) is None


def test_constraints_come_first():
    x, y = sp.symbols("x y")
    problem = nc.Problem(x**2 + y**2, equal=[x + y - 1], start={x: 0, y: 0})
    assert choice(problem) == ("augmented-lagrangian", "the problem has constraints")


def dense(n):
    x = sp.IndexedBase("x", shape=(n,))
    return nc.Problem(sp.cos(sp.Sum(sp.sin(x[i]) + x[i] ** 2, (i, 0, n - 1))), start={x: 0.1})


@pytest.mark.parametrize(("cost", "solver"), [(1.0, "trust-region"), (1e9, "trust-region-krylov")])
def test_a_hessian_of_middling_size_is_measured(monkeypatch, cost, solver):
    monkeypatch.setattr(module, "hessian_cost", lambda oracle: cost)
    monkeypatch.setattr(module, "product_cost", lambda oracle: 1.0)
    assert choice(dense(300))[0] == solver


def test_costly_products_leave_lbfgs(monkeypatch):
    monkeypatch.setattr(module, "hessian_cost", lambda oracle: 1e9)
    monkeypatch.setattr(module, "product_cost", lambda oracle: 1e9)
    assert choice(dense(300)) == ("lbfgs", "n = 300, too large for Hessians")


def test_measuring_is_not_counted():
    oracle = nc.compile(dense(300))
    assert product_cost(oracle) > 0
    assert oracle.points == 0
    assert not any(oracle.counts.values())


def test_without_second_order_solvers_there_is_gd():
    assert Auto().choose(nc.compile(load("beale")), {"gd": object}) == (
        "gd",
        "no solver that uses curvature is installed",
    )


@dataclass(frozen=True)
class Hopeful:
    """Chooses gd, and something better when that stalls. [none]"""

    name: ClassVar[str] = "hopeful"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient"})

    def choose(self, oracle, solvers):
        return "stuck", "for a test"

    def instead(self, oracle, stalled, solvers):
        return "newton", "which knows curvature"


@dataclass(frozen=True)
class Stuck:
    """Takes one step and stalls. [none]"""

    name: ClassVar[str] = "stuck"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient"})
    state_type: ClassVar[type] = DescentState

    def init(self, oracle, x0, rng):
        return DescentState(x0, *oracle.value_and_gradient(x0))

    def step(self, oracle, state, rng):
        x = state.x - 1e-4 * state.gradient
        return DescentState(x, *oracle.value_and_gradient(x), stalled=True)


@pytest.fixture
def with_stuck(monkeypatch):
    known = {**registry().solvers(), "stuck": Stuck}
    monkeypatch.setattr(type(registry()), "solvers", lambda self: known)


@pytest.mark.usefixtures("with_stuck")
def test_a_run_that_stalls_is_continued_once():
    looks = []
    result = nc.solve(load("beale"), Hopeful, callbacks=[looks.append])
    assert result.success
    assert result.solver == "newton"
    assert result.message.endswith(
        "; stuck stalled, newton went on, which knows curvature; hopeful chose stuck: for a test"
    )
    assert result.trace.rows == len(looks)
    assert (np.diff(result.trace.evaluations) >= 0).all()
    assert result.iterations == result.trace.iteration[-1]
    assert result.evaluations["value"] >= 4


@pytest.mark.usefixtures("with_stuck")
@pytest.mark.parametrize("limit", [{"max_iterations": 3}, {"max_evaluations": 4}])
def test_limits_hold_for_both_runs_together(limit):
    result = nc.solve(load("beale"), Hopeful, **limit)
    assert result.iterations <= 3
    assert sum(result.evaluations.values()) <= 10
    assert nc.solve(load("beale"), Hopeful, max_iterations=1).iterations == 1


def test_what_stalls_at_a_minimum_is_left_there():
    assert "went on" not in nc.solve(load("meyer")).message


def test_every_switch_leads_to_a_solver_that_exists():
    oracle = nc.compile(load("beale"))
    for name in ("gauss-newton", "trust-region", "trust-region-krylov", "subsampled-trust-region", "lbfgs"):
        other, _ = Auto().instead(oracle, name, registry().solvers())
        assert other != name
        assert other in registry().solvers()
    assert Auto().instead(oracle, "gd", registry().solvers()) is None
