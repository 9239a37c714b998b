"""ULA2."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems
from ncsolve_theorems.langevin.gaussian import CHAINS, covariance_is, not_gaussian

STEPS = 20


class LangevinCovariance(Theorem):
    """The stationary covariance of the unadjusted Langevin algorithm on a quadratic is not that of Gibbs.

    $$\\Sigma_{k+1} = (I - \\eta H)\\,\\Sigma_k\\,(I - \\eta H) + \\frac{2\\eta}{\\beta} I, \\qquad
    \\Sigma_\\infty = \\frac{1}{\\beta}\\Big[H\\Big(I - \\frac{\\eta}{2} H\\Big)\\Big]^{-1},$$

    where every eigenvalue of H is below 2/eta; where one is not, the variance along its eigenvector grows without
    bound. Gibbs' covariance is H^-1 / beta. 4000 independent chains that start with the stationary covariance must keep
    it; where there is none, they follow the recursion from one point. Chi-square, two-sided, of the whitened variables
    and their sums, which show a covariance.

    Proof: x+ = (I - eta H) x + noise; the fixed point commutes with H, and (1 - (1 - eta l)^2) s = 2 eta / beta for its
    eigenvalue s and that of H, l.
    """

    id: ClassVar[str] = "ULA2"
    name: ClassVar[str] = "langevin-covariance"
    kind: ClassVar[str] = "distribution"
    solvers: ClassVar[tuple[str, ...]] = ("langevin",)
    constants: ClassVar[tuple[str, ...]] = ("smoothness",)
    assumptions: ClassVar[tuple[str, ...]] = ("f is quadratic with H > 0",)
    demand: ClassVar[str] = "chains = 4000; step_size = 1/L where none is given"
    reference: ClassVar[str] = "elementary; Roberts & Tweedie 1996 for the algorithm"

    def refusal(self, study: Study) -> str:
        return not_gaussian(study)

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"step_size": study.options.get("step_size") or 1 / study.L, "chains": CHAINS, "scattered": False}

    def claims(self, study: Study) -> Iterable[Claim]:
        eta, beta = study.option("step_size"), study.option("inverse_temperature")
        H, one, rng = study.hessian(study.x0), np.eye(study.n), np.random.default_rng(study.seed)
        step = one - eta * H
        stable = eta * study.L < 2
        sigma = np.linalg.inv(H @ (one - eta / 2 * H)) / beta if stable else np.zeros_like(H)
        if stable:
            after = step @ sigma @ step + 2 * eta / beta * one
            yield Claim.equal("it solves the recursion", after, sigma, 1e-9 * float(np.abs(sigma).max()))
        end = self.moved(study, rng, rng.standard_normal((CHAINS, study.n)) @ root(sigma))
        for _ in range(STEPS):
            sigma = step @ sigma @ step + 2 * eta / beta * one
        yield from covariance_is("covariance", (end - study.best) @ np.linalg.inv(root(sigma)))

    def moved(self, study: Study, rng: np.random.Generator, offsets: np.ndarray) -> np.ndarray:
        """The chains after some steps from x* and these offsets."""
        state = study.solver.init(study.oracle, study.x0, rng)
        chains = study.best + offsets
        state = replace(state, chains=chains, gradients=study.oracle.gradient(chains))
        for _ in range(STEPS):
            state = study.solver.step(study.oracle, state, rng)
        return np.asarray(state.chains)

    def positive(self) -> Iterable[Case]:
        yield Case(lambda: problems.quadratic(1.0, 3.0, 10.0), options={"inverse_temperature": 3.0}, witness=True)
        yield Case(problems.parabola, options={"step_size": 1.5}, seed=1)
        yield Case(problems.parabola, options={"step_size": 2.1}, seed=2)

    def controls(self) -> Iterable[Case]:
        yield Case(lambda: problems.quadratic(1.0, 3.0, 10.0), VIOLATED, sabotage={"step_size": 0.12})
        yield Case(problems.parabola, VIOLATED, sabotage={"inverse_temperature": 1 / 1.6**2})
        yield Case(problems.pl_sine, NOT_APPLICABLE)


def root(matrix: np.ndarray) -> np.ndarray:
    """The symmetric square root."""
    w, Q = np.linalg.eigh(matrix)
    return np.asarray((Q * np.sqrt(np.maximum(w, 0.0))) @ Q.T)
