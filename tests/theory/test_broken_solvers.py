"""Solvers that are broken on purpose: on its witness a theorem finds them out, by its claims where they are sharp."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from ncsolve.oracle import compile
from ncsolve.theorems import find_theorem, solver_class
from ncsolve.theory import Request, verdict_on
from ncsolve_first_order.adagrad import AdaGrad
from ncsolve_first_order.cg import ConjugateGradients
from ncsolve_first_order.ogm import OptimizedGradient
from ncsolve_first_order.tmm import TripleMomentum
from ncsolve_second_order.bfgs import BFGS

UPDATES = (
    "GD7",
    "TMM",
    "OGM",
    "ADA1",
    "ADA2",
    "ADAM1",
    "ADAM3",
    "RMS1",
    "NEWT1",
    "NEWT4",
    "NEWT4d",
    "CUB1",
    "CUB2",
    "MISH1",
)
"""The update is recomputed first: half of each step is seen however loose the bound is."""
CLAIMS = {
    "TMM": 0.5,
    "OGM": 0.5,
    "ADA1": 0.5,
    "ADA2": 0.5,
    "ADAM1": 1.5,
    "RMS1": 0.5,
    "NEWT2": 0.9,
    "NEWT4": 0.9,
    "NEWT4d": 0.9,
    "CUB1": 0.9,
    "TR1": 0.9,
    "TR2": 0.1,
    "ARC1": 0.9,
    "MISH1": 0.9,
    "INEX1": 0.9,
    "BFGS1": 0.9,
    "BFGS2": 0.9,
    "CG1": 0.9,
    "GD6e": 0.5,
    "CONS1": 0.9,
    "ALS1": 0.9,
}
"""The part of each step with which the claims alone fail."""


def scaled(solver, factor):
    """This solver, which goes a part of its steps only."""

    class Broken(solver):
        def step(self, oracle, state, rng):
            after = super().step(oracle, state, rng)
            x = state.x + factor * (after.x - state.x)
            f, g = oracle.value_and_gradient(x)
            known = {"x": x, "objective": f, "gradient": g}
            return replace(after, **{field.name: known[field.name] for field in fields(after) if field.name in known})

    return Broken


def on_witness(theorem, solver, identity):
    case = next(case for case in theorem.positive() if case.witness)
    x0 = None if case.x0 is None else np.array(case.x0, dtype=float)
    request = Request(solver, case.options, case.constants, x0, case.seed, case.horizon, identity=identity)
    return verdict_on(theorem, compile(case.problem()), request)


@pytest.mark.parametrize("name", UPDATES)
def test_half_of_each_step_is_another_update(name):
    theorem = find_theorem(name)
    found = on_witness(theorem, scaled(solver_class(theorem.solvers[0]), 0.5), identity=True)
    assert (found.verdict, "The update is not the one" in found.reason) == ("VIOLATED", True)


@pytest.mark.parametrize(("name", "factor"), CLAIMS.items())
def test_a_part_of_each_step_breaks_the_claims(name, factor):
    theorem = find_theorem(name)
    solver = solver_class(theorem.solvers[0])
    assert on_witness(theorem, scaled(solver, factor), identity=False).verdict == "VIOLATED"


class NoConjugacy(ConjugateGradients):
    """beta = 0."""

    def direction(self, x, g, memory, k):
        return -g, (g, -g)


class NoOvershoot(OptimizedGradient):
    """The term t/t+ (z+ - y) is dropped: Nesterov's method."""

    def direction(self, x, g, memory, k):
        w, t = memory
        _, (_, following) = super().direction(x, g, memory, k)
        w = (w - g) * ((t - 1) / following)
        return w - g, (w, following)


class NoMomentum(TripleMomentum):
    """beta = gamma = 0."""

    def direction(self, x, g, memory, k):
        w, rho = memory
        return -(1 + rho) * g, (w, rho)


class Forgetful(AdaGrad):
    """Half of the accumulator is forgotten in every step."""

    def direction(self, x, g, memory, k):
        d, (G,) = super().direction(x, g, memory, k)
        return d, (G / 2,)


class NoUpdate(BFGS):
    """B stays what it was after the first step."""

    def step(self, oracle, state, rng):
        after = super().step(oracle, state, rng)
        return replace(after, B=state.B) if len(state.B) else after


@pytest.mark.parametrize(
    ("name", "solver"),
    [
        ("CG1", NoConjugacy),
        ("OGM", NoOvershoot),
        ("TMM", NoMomentum),
        ("ADA1", Forgetful),
        ("ADA2", Forgetful),
        ("BFGS1", NoUpdate),
        ("BFGS2", NoUpdate),
    ],
)
def test_a_dropped_term(name, solver):
    assert on_witness(find_theorem(name), solver, identity=True).verdict == "VIOLATED"


def test_inner_iterations_that_end_too_early(monkeypatch):
    from ncsolve_second_order import trust_region_krylov
    from ncsolve_theorems.second_order.steihaug import spread

    exact = trust_region_krylov.forcing
    theorem = find_theorem("INEX1")
    request = Request(solver_class("trust-region-krylov"))
    assert verdict_on(theorem, compile(spread()), request).verdict == "HOLDS"
    monkeypatch.setattr(trust_region_krylov, "forcing", lambda size, first: 4 * exact(size, first))
    found = verdict_on(theorem, compile(spread()), request)
    assert (found.verdict, "|Hs + g| <= eta |g|" in found.reason) == ("VIOLATED", True)
