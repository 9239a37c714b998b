"""ULA3."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve.theory.statistics import variance_is
from ncsolve_theorems import problems
from ncsolve_theorems.langevin.gaussian import not_gaussian

CHAINS = 100


class LangevinDistance(Theorem):
    """The unadjusted Langevin algorithm comes close to Gibbs' distribution linearly, in Wasserstein's distance W_2.

    $$m I \\preceq \\beta H \\preceq M I, \\quad h = \\eta/\\beta \\le \\frac{2}{m + M}: \\qquad
    W_2(\\nu_k, \\pi) \\le (1 - m h)^k\\,W_2(\\nu_0, \\pi) + 1.65\\,\\frac{M}{m} \\sqrt{h n}$$

    nu_k is the law of x_k, pi that of Gibbs. On a quadratic, from a point, both are normal with commuting covariances,
    so that W_2^2 is the squared distance of the means and of the standard deviations along the eigenvectors: no
    statistics. That the solver is the one whose law this is, is seen from its noise: (x+ - x + eta g) sqrt(beta/(2
    eta)) is standard normal, chi-square over all steps of 100 chains.
    """

    id: ClassVar[str] = "ULA3"
    name: ClassVar[str] = "langevin-wasserstein"
    kind: ClassVar[str] = "distribution"
    solvers: ClassVar[tuple[str, ...]] = ("langevin",)
    constants: ClassVar[tuple[str, ...]] = ("smoothness", "strong_convexity")
    assumptions: ClassVar[tuple[str, ...]] = ("f is quadratic with H > 0",)
    demand: ClassVar[str] = "chains = 100 from one point, step_size <= 2/(L + m); 0.1/L where none is given"
    reference: ClassVar[str] = "Dalalyan & Karagulyan 2019, Thm 1"
    horizon: ClassVar[int] = 100

    def refusal(self, study: Study) -> str:
        return not_gaussian(study)

    def demands(self, study: Study) -> Mapping[str, Any]:
        longest = 2 / (study.L + study.constant("strong_convexity"))
        step_size = min(study.options.get("step_size") or 0.1 / study.L, longest)
        return {"step_size": step_size, "chains": CHAINS, "scattered": False}

    def claims(self, study: Study) -> Iterable[Claim]:
        eta, beta = study.option("step_size"), study.option("inverse_temperature")
        k = np.arange(study.horizon + 1)
        distance = self.distances(study, k, study.solver.step_size, study.solver.inverse_temperature)
        m, M, h = study.constant("strong_convexity") * beta, study.L * beta, eta / beta
        bound = (1 - m * h) ** k * distance[0] + 1.65 * M / m * np.sqrt(h * study.n)
        what = "W_2 <= (1 - m h)^k W_2(0) + 1.65 (M/m) sqrt(h n)"
        yield Claim.at_most(what, distance[1:], bound[1:], first=1)
        chains = np.array([state.chains for state in study.states])
        gradients = np.array([state.gradients for state in study.states[:-1]])
        noise = (chains[1:] - chains[:-1] + eta * gradients) * np.sqrt(beta / (2 * eta))
        yield variance_is("noise of the steps", noise.ravel(), 1.0)

    def distances(self, study: Study, k: np.ndarray, eta: float, beta: float) -> np.ndarray:
        """W_2(nu_k, pi) of chains with this step and temperature, pi with the demanded one."""
        w, Q = np.linalg.eigh(study.hessian(study.x0))
        q = 1 - eta * w[None, :]
        mean = q ** k[:, None] * ((study.x0 - study.best) @ Q)
        variance = 2 * eta / beta * (1 - q ** (2 * k[:, None])) / (1 - q**2)
        gibbs = 1 / np.sqrt(study.option("inverse_temperature") * w)
        return np.asarray(np.sqrt((mean**2 + (np.sqrt(variance) - gibbs) ** 2).sum(axis=1)))

    def positive(self) -> Iterable[Case]:
        yield Case(lambda: problems.parabola(x0=10.0), witness=True)
        yield Case(lambda: problems.quadratic(1.0, 3.0, 10.0), options={"inverse_temperature": 3.0}, seed=1)
        yield Case(lambda: problems.parabola(x0=10.0), options={"step_size": 1.0}, seed=2)

    def controls(self) -> Iterable[Case]:
        options = {"step_size": 0.01}
        yield Case(lambda: problems.parabola(x0=10.0), VIOLATED, sabotage={"step_size": 2.2})
        yield Case(problems.parabola, VIOLATED, options=options, sabotage={"inverse_temperature": 1 / 1.6**2})
        yield Case(problems.pl_sine, NOT_APPLICABLE)
