"""PGD2 and PGD3: the parameters of the paper, by hand and as the solver derives them, and what the claims count."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
from ncsolve.hooks import registry
from ncsolve.oracle import compile
from ncsolve.theorems import find_theorem
from ncsolve.theory.judge import run_case
from ncsolve_saddle.perturbed import PerturbedGradientDescent
from ncsolve_theorems.saddles.escape import iota_of
from ncsolve_theorems.saddles.search import SaddleSearch, bowl, outside

L, RHO, EPSILON = 2.0, 6.0, 0.1


def verdict(theorem, case):
    return run_case(theorem, case, registry().solver("perturbed-gd"), compile(case.problem()))


def test_iota_gives_the_probability_of_the_paper():
    """At l = 2, rho = 6, eps = 0.1 in two variables the escape has probability 0.984 for iota = 25.2, T = 65."""
    scale = L * math.sqrt(2) / math.sqrt(RHO * EPSILON)
    iota = iota_of(scale, 2, 1 - 0.984)
    assert iota == pytest.approx(25.15, abs=0.1)
    assert math.ceil(L * iota / math.sqrt(RHO * EPSILON)) == 65
    assert scale * iota**2 * 2 ** (8 - iota) == pytest.approx(0.016)


def test_the_solver_runs_with_the_parameters_of_the_theorem(monkeypatch):
    """Its defaults, where the constants are declared, are those that PGD3 demands."""
    monkeypatch.setattr("ncsolve_theorems.saddles.search.RUNS", 1)
    theorem, x = SaddleSearch(), sp.Symbol("x")
    case = next(iter(theorem.positive()))
    problem = nc.Problem(x**2, start={x: 0.05}, constants=dict(case.constants))
    oracle, seen = compile(problem), {}

    class Told(PerturbedGradientDescent):
        def init(self, oracle, x0, rng):
            seen.setdefault("told", (self.radius, self.wait, self.decrease))
            return super().init(oracle, x0, rng)

    run_case(theorem, replace(case, problem=lambda: problem), Told, oracle)
    own = PerturbedGradientDescent(epsilon=EPSILON).parameters(oracle, np.array([0.05]), 0.05**2)
    assert seen["told"] == pytest.approx(own, rel=1e-12)


def test_steps_outside_of_rounds():
    oracle = compile(bowl())
    solver = PerturbedGradientDescent(epsilon=EPSILON, step_size=0.05, radius=1e-6, wait=7, decrease=1.0)
    states = [solver.init(oracle, np.array([1.0, 0.0]), np.random.default_rng(0))]
    while states[-1].exploring:
        states.append(solver.step(oracle, states[-1], np.random.default_rng(0)))
    slopes = [float(np.linalg.norm(state.gradient)) for state in states]
    first = next(k for k, slope in enumerate(slopes) if slope <= EPSILON)  # 2 * 0.9^k <= 0.1
    assert first == 29
    assert outside(states, EPSILON) == first
    assert len(states) == first + 7 + 2
    assert (states[-1].anchor == states[first].x).all()


@pytest.mark.parametrize("name", ["PGD2", "PGD3"])
def test_statements_refuse_what_they_do_not_speak_of(name):
    theorem = find_theorem(name)
    case = list(theorem.positive())[1]
    none = verdict(theorem, replace(case, constants={**case.constants, "hessian_lipschitz": 0.0}))
    assert none.verdict == "NOT-APPLICABLE"
    assert "rho = 0: claim a positive bound" in str(none)
    unknown = verdict(theorem, replace(case, constants={}))
    assert unknown.verdict == "INCONCLUSIVE"
    assert "is not known: declare it" in str(unknown)


def test_other_epsilons():
    escape, search = find_theorem("PGD2"), find_theorem("PGD3")
    case = next(iter(escape.positive()))
    assert "epsilon = 0.3 does not fit x0: it must lie between 0 and 0.1667" in str(
        verdict(escape, replace(case, options={"epsilon": 0.3}))
    )
    case = next(iter(search.positive()))
    assert verdict(search, replace(case, x0=[0.2, 0.0], options={"epsilon": 0.3})).verdict == "HOLDS"
    assert "choose a larger epsilon" in str(verdict(search, replace(case, options={"epsilon": 1e-3})))


def test_a_run_that_never_settles_is_not_judged(monkeypatch):
    """Where a round has no end, nothing is settled."""
    monkeypatch.setattr("ncsolve_theorems.saddles.search.RUNS", 3)
    theorem = find_theorem("PGD3")
    case = next(iter(theorem.positive()))
    told = verdict(theorem, replace(case, sabotage={"wait": 10**6}))
    assert told.verdict == "NOT-APPLICABLE"
    assert "3 of 3 runs do not settle within 20 rounds" in str(told)
