"""MALA1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import numpy as np

from ncsolve.problem import load
from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems

PAIRS, HALVINGS = 200, 60
RAREST = -40.0
"""Pairs of points that are accepted with a probability below exp of this, in either direction, are left out."""


class Script:
    """Stands in for a random generator: the noise and the uniform numbers are given."""

    def __init__(self, noise: np.ndarray, uniform: np.ndarray) -> None:
        self.noise, self.uniform = noise, uniform

    def standard_normal(self, size: Any) -> np.ndarray:
        return self.noise.reshape(size)

    def random(self, size: Any) -> np.ndarray:
        return self.uniform.reshape(size)


class Metropolis:
    """MALA without q in its ratio: a proposal is accepted with the probability min(1, pi(y) / pi(x))."""

    def __init__(self, solver: Any) -> None:
        self.solver, self.init = solver, solver.init

    def step(self, oracle: Any, state: Any, rng: Any) -> Any:
        eta, beta = state.step_size, self.solver.inverse_temperature
        y = state.chains - eta * state.gradients + np.sqrt(2 * eta / beta) * rng.standard_normal(state.chains.shape)
        accepted = np.log(rng.random(len(y))) < beta * (state.values - oracle.value(y))
        return replace(state, chains=np.where(accepted[:, None], y, state.chains))


def without_proposal_density(study: Study) -> None:
    """The ratio lacks q(x | y) / q(y | x)."""
    study.solver = Metropolis(study.solver)


class DetailedBalance(Theorem):
    """The Metropolis-adjusted Langevin algorithm is in detailed balance with Gibbs' distribution, at any step size.

    $$\\pi(x)\\,q(y \\mid x)\\,a(x, y) = \\pi(y)\\,q(x \\mid y)\\,a(y, x), \\qquad
    \\pi = e^{-\\beta f}, \\quad q(\\cdot \\mid x) = N\\Big(x - \\eta\\nabla f(x), \\frac{2\\eta}{\\beta} I\\Big)$$

    a(x, y) is the probability of accepting y. It is measured on the solver's own step, which is given the noise that
    proposes y, by bisection of the uniform number up to which it accepts: an identity of logarithms at 200 pairs of
    points, no statistics. With detailed balance pi is stationary.

    Proof: with R = pi(y) q(x|y) / (pi(x) q(y|x)) and a(x, y) = min(1, R), both sides are the lesser of pi(x) q(y|x) and
    pi(y) q(x|y).
    """

    id: ClassVar[str] = "MALA1"
    name: ClassVar[str] = "mala-detailed-balance"
    kind: ClassVar[str] = "identity"
    solvers: ClassVar[tuple[str, ...]] = ("mala",)
    constants: ClassVar[tuple[str, ...]] = ("smoothness",)
    assumptions: ClassVar[tuple[str, ...]] = ("there are no bounds",)
    demand: ClassVar[str] = "chains = 200; step_size = 1/L where none is given"
    reference: ClassVar[str] = "Metropolis et al. 1953; Hastings 1970; Roberts & Tweedie 1996"

    def refusal(self, study: Study) -> str:
        return "" if study.oracle.lower is None else "The problem has bounds."

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"step_size": study.options.get("step_size") or 1 / study.L, "chains": PAIRS, "scattered": False}

    def claims(self, study: Study) -> Iterable[Claim]:
        rng, eta, beta = (
            np.random.default_rng(study.seed),
            study.option("step_size"),
            study.option("inverse_temperature"),
        )
        spread = np.sqrt(2 * eta / beta)
        x = study.x0 + rng.standard_normal((PAIRS, study.n))
        y = x - eta * study.oracle.gradient(x) + spread * rng.standard_normal(x.shape)
        there, back = self.log_acceptance(study, x, y), self.log_acceptance(study, y, x)
        kept = (there > RAREST) & (back > RAREST)
        left = (self.log_flow(study, x, y) + there)[kept]
        right = (self.log_flow(study, y, x) + back)[kept]
        size = 1 + np.abs(left)
        yield Claim.equal("log pi(x) q(y|x) a(x,y) is symmetric", left[:, None], right[:, None], 1e-9 * size)

    def log_flow(self, study: Study, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """log of pi(x) q(y | x), without the constants that x and y share."""
        eta, beta = study.option("step_size"), study.option("inverse_temperature")
        miss = y - x + eta * study.oracle.gradient(x)
        return np.asarray(-beta * study.oracle.value(x) - beta / (4 * eta) * (miss**2).sum(axis=1))

    def log_acceptance(self, study: Study, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """log a(x, y), by bisection on the solver's step; each chain holds one pair."""
        oracle, solver = study.oracle, study.solver
        values, gradients = oracle.value_and_gradient(x)
        state = solver.init(oracle, study.x0, np.random.default_rng(0))
        state = replace(state, chains=x, values=values, gradients=gradients)
        eta, beta = study.option("step_size"), study.option("inverse_temperature")
        noise = (y - x + eta * gradients) / np.sqrt(2 * eta / beta)
        low, high = np.full(len(x), 2 * RAREST), np.zeros(len(x))
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            moved = solver.step(oracle, state, Script(noise, np.exp(middle))).chains != x
            low, high = np.where(moved.any(axis=1), middle, low), np.where(moved.any(axis=1), high, middle)
        return low

    def positive(self) -> Iterable[Case]:
        yield Case(problems.pl_sine, x0=[0.0], witness=True)
        yield Case(problems.composition, options={"inverse_temperature": 2.0}, seed=1)

    def controls(self) -> Iterable[Case]:
        yield Case(problems.pl_sine, VIOLATED, x0=[0.0], mutate=without_proposal_density)
        yield Case(problems.pl_sine, VIOLATED, x0=[0.0], sabotage={"inverse_temperature": 1.3})
        yield Case(partial(load, "rastrigin"), NOT_APPLICABLE)
