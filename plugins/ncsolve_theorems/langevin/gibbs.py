"""MALA2."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems
from ncsolve_theorems.langevin.gaussian import CHAINS, covariance_is, not_gaussian

STEPS = 40


def always_accepted(study: Study) -> None:
    """The proposals of the unadjusted algorithm: what MALA is without its test."""
    oracle, eta = study.oracle, study.option("step_size")

    class Unadjusted:
        def init(self, *arguments: Any) -> Any:
            return study.declared.init(*arguments)

        def step(self, oracle_: Any, state: Any, rng: np.random.Generator) -> Any:
            y = state.chains - eta * state.gradients + np.sqrt(2 * eta) * rng.standard_normal(state.chains.shape)
            values, gradients = oracle.value_and_gradient(y)
            return replace(state, chains=y, values=values, gradients=gradients)

    study.solver = Unadjusted()


class MetropolisGibbs(Theorem):
    """Started in Gibbs' distribution, the Metropolis-adjusted Langevin algorithm stays there, at any step size.

    $$x_0 \\sim e^{-\\beta f} / Z \\ \\Rightarrow\\ x_k \\sim e^{-\\beta f} / Z$$

    On a quadratic Gibbs' distribution is normal with the covariance H^-1 / beta: chi-square, two-sided, on 4000
    independent chains after 40 steps.

    Proof: detailed balance.
    """

    id: ClassVar[str] = "MALA2"
    name: ClassVar[str] = "mala-gibbs"
    kind: ClassVar[str] = "distribution"
    solvers: ClassVar[tuple[str, ...]] = ("mala",)
    constants: ClassVar[tuple[str, ...]] = ("smoothness",)
    assumptions: ClassVar[tuple[str, ...]] = ("f is quadratic with H > 0",)
    demand: ClassVar[str] = "chains = 4000; step_size = 1/L where none is given"
    reference: ClassVar[str] = "Roberts & Tweedie 1996"

    def refusal(self, study: Study) -> str:
        return not_gaussian(study)

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"step_size": study.options.get("step_size") or 1 / study.L, "chains": CHAINS, "scattered": False}

    def claims(self, study: Study) -> Iterable[Claim]:
        w, Q = np.linalg.eigh(study.hessian(study.x0))
        scale = 1 / np.sqrt(study.option("inverse_temperature") * w)
        rng = np.random.default_rng(study.seed)
        state = study.solver.init(study.oracle, study.x0, rng)
        chains = study.best + (rng.standard_normal((CHAINS, study.n)) * scale) @ Q.T
        values, gradients = study.oracle.value_and_gradient(chains)
        state = replace(state, chains=chains, values=values, gradients=gradients)
        for _ in range(STEPS):
            state = study.solver.step(study.oracle, state, rng)
        standard = (state.chains - study.best) @ Q / scale
        yield from covariance_is("Gibbs' covariance along eigenvectors", standard)

    def positive(self) -> Iterable[Case]:
        yield Case(problems.parabola, witness=True)
        yield Case(lambda: problems.quadratic(1.0, 3.0, 10.0), options={"inverse_temperature": 2.0}, seed=1)

    def controls(self) -> Iterable[Case]:
        yield Case(problems.parabola, VIOLATED, mutate=always_accepted)
        yield Case(problems.parabola, VIOLATED, sabotage={"inverse_temperature": 1.3})
        yield Case(problems.pl_sine, NOT_APPLICABLE)
