"""ULA1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve.theory.statistics import variance_is
from ncsolve_theorems import problems
from ncsolve_theorems.langevin.gaussian import CHAINS, not_gaussian

STEPS = 25


class LangevinLaw(Theorem):
    """On a quadratic the unadjusted Langevin algorithm is normal with a known variance, which is not that of Gibbs.

    $$\\lambda > 0: \\quad x_K \\sim N\\left(q^K x_0, \\frac{2\\eta}{\\beta}\\,\\frac{1 - q^{2K}}{1 - q^2}\\right),
    \\quad q = 1 - \\eta\\lambda; \\qquad \\text{stationary variance } \\frac{2}{\\beta\\lambda(2 - \\eta\\lambda)}$$

    In each eigenvector of the Hessian, counted from the minimiser; Gibbs' variance is 1/(beta lambda). Chi-square,
    two-sided, on the last points of 4000 independent chains.
    """

    id: ClassVar[str] = "ULA1"
    name: ClassVar[str] = "langevin-law"
    kind: ClassVar[str] = "distribution"
    solvers: ClassVar[tuple[str, ...]] = ("langevin",)
    constants: ClassVar[tuple[str, ...]] = ("smoothness",)
    assumptions: ClassVar[tuple[str, ...]] = ("f is quadratic with H > 0", "eta < 2/L")
    demand: ClassVar[str] = "chains = 4000 from one point; step_size = 1/(2L) where none is given"
    reference: ClassVar[str] = "elementary; Roberts & Tweedie 1996 for the algorithm"

    def refusal(self, study: Study) -> str:
        return not_gaussian(study)

    def demands(self, study: Study) -> Mapping[str, Any]:
        eta = study.options.get("step_size") or 1 / (2 * study.L)
        return {"step_size": eta, "chains": CHAINS, "scattered": False}

    def claims(self, study: Study) -> Iterable[Claim]:
        eta, beta = study.option("step_size"), study.option("inverse_temperature")
        w, Q = np.linalg.eigh(study.hessian(study.x0))
        last = study.states_from(study.solver, study.x0, study.seed, STEPS)[-1].chains
        along = (last - study.best) @ Q
        q = 1 - eta * w
        mean = q**STEPS * ((study.x0 - study.best) @ Q)
        variance = 2 * eta / beta * (q[:, None] ** (2 * np.arange(STEPS))).sum(axis=1)
        standard = (along - mean) / np.sqrt(variance)
        count = min(len(w), 3)
        yield variance_is("mean and variance in every eigenvector", standard, 1.0, checks=count + 1)
        for k in range(count):
            yield variance_is(f"eigenvector {k + 1}", standard[:, k], 1.0, checks=count + 1)

    def positive(self) -> Iterable[Case]:
        yield Case(problems.parabola, witness=True)
        yield Case(lambda: problems.quadratic(1.0, 3.0, 10.0), options={"inverse_temperature": 3.0}, seed=1)

    def controls(self) -> Iterable[Case]:
        yield Case(problems.parabola, VIOLATED, sabotage={"inverse_temperature": 1 / 1.21})
        yield Case(problems.parabola, VIOLATED, options={"step_size": 1.0}, sabotage={"step_size": 1.2})
        yield Case(problems.pl_sine, NOT_APPLICABLE)
