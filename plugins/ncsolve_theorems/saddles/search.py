"""PGD3."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.problem import Problem
from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve.theory.statistics import never
from ncsolve.theory.study import Refused
from ncsolve_theorems import problems
from ncsolve_theorems.common import EPS, runs, values_at
from ncsolve_theorems.saddles.escape import iota_of, parameters

RUNS, FAILURE = 40, 0.1
ROUNDS = 20  # of a run that a check waits for
KNOWN = {"smoothness": 2.0, "hessian_lipschitz": 6.0, "minimum": -0.25}
"""Bounds for all problems of the cases."""


class SaddleSearch(Theorem):
    """Perturbed gradient descent settles at a second-order stationary point, whose rounds each lower f by F/2.

    $$P\\left(|\\nabla f(\\hat x)| \\le \\epsilon, \\quad
    \\lambda_{\\min}(\\hat x) \\ge -\\sqrt{\\rho\\epsilon}\\right) \\ge 1 - \\delta, \\qquad
    (R - 1)\\,\\tfrac12 F + K\\,\\frac{\\epsilon^2}{2l} \\le f(x_0) - f(\\hat x)$$

    x^ is where the noise of round R, the last, did not lower f by F/2 within T steps; K counts the steps outside of
    rounds. f is l-smooth with a rho-Lipschitz Hessian; eta = 1/l, noise uniform in the ball of radius
    eta eps/(400 iota^3), T = l iota/sqrt(rho eps), F = sqrt(eps^3/rho)/(50 iota^3), iota such that N rounds of
    theorem PGD2 fail with probability delta = 0.1, N = 400 (f(x0) - f*) l iota^4/eps^2. Exact binomial test, 40 runs.
    Jin et al. go on for N steps, half of which they prove to be at such points; here the first is handed back.

    Proof: a step from |g| > eps lowers f by eps^2/(2l), a round but the last by F/2, so that there are at most N of
    both; by Lemma 20 and the union bound no round from a point with lambda_min < -sqrt(rho eps) is the last.
    """

    id: ClassVar[str] = "PGD3"
    name: ClassVar[str] = "perturbed-gd-search"
    kind: ClassVar[str] = "distribution"
    solvers: ClassVar[tuple[str, ...]] = ("perturbed-gd",)
    constants: ClassVar[tuple[str, ...]] = ("smoothness", "hessian_lipschitz", "minimum")
    assumptions: ClassVar[tuple[str, ...]] = ("f is l-smooth with a rho-Lipschitz Hessian where the runs are",)
    demand: ClassVar[str] = "noise = fixed, step_size = 1/l; radius, wait and decrease from eps, f(x0) - f* and delta"
    reference: ClassVar[str] = "Jin, Netrapalli, Ge, Kakade & Jordan 2021, Theorem 18 and Lemma 20"

    def refusal(self, study: Study) -> str:
        if study.n > 50:
            return "More than 50 variables: the Hessians where the runs settle cost too much."
        rho = study.constant("hessian_lipschitz")
        return "" if rho > 0 else "rho = 0: claim a positive bound on the change of the Hessian."

    def demands(self, study: Study) -> Mapping[str, Any]:
        L, rho, epsilon = study.L, study.constant("hessian_lipschitz"), study.options.get("epsilon") or 1e-3
        gap = max(float(study.oracle.value(study.x0)) - study.minimum, epsilon**2 / L)
        curved = L / math.sqrt(rho * epsilon)
        iota = math.ceil(iota_of(400 * gap * L / epsilon**2 * curved * math.sqrt(study.n), 6, FAILURE))
        return {"failure": FAILURE, **parameters(L, rho, epsilon, iota)}

    def claims(self, study: Study) -> Iterable[Claim]:
        epsilon, half = study.option("epsilon"), study.option("decrease")
        found = runs(study, RUNS, ROUNDS * study.option("wait"), until=lambda state: not state.exploring)
        open_ = sum(states[-1].exploring for states in found)
        if open_:
            raise Refused(f"{open_} of {RUNS} runs do not settle within {ROUNDS} rounds, which is all that is awaited.")
        f0 = float(study.oracle.value(study.x0))
        fallen = f0 - values_at(study, np.array([states[-1].anchor for states in found]))
        due = [(states[-1].perturbations - 1) * half + outside(states, epsilon) * epsilon**2 / (2 * study.L)
               for states in found]  # fmt: skip
        yield Claim.at_most("(R - 1) F/2 + K eps^2/(2 l) <= f(x0) - f(x^)", due, fallen + 64 * EPS * (1 + abs(f0)))
        failures = sum(not self.is_second_order(study, states[-1].anchor, epsilon) for states in found)
        yield never(f"settled elsewhere in {failures} of {RUNS} runs", failures, RUNS, FAILURE)

    def is_second_order(self, study: Study, x: np.ndarray, epsilon: float) -> bool:
        """|g| <= eps and lambda_min >= -sqrt(rho eps), but for rounding."""
        least = -math.sqrt(study.constant("hessian_lipschitz") * epsilon)
        slope = float(np.linalg.norm(study.oracle.gradient(x)))
        return slope <= epsilon * (1 + 1e-12) and study.least_curvature(x) >= least * (1 + 1e-12)

    def positive(self) -> Iterable[Case]:
        """The first: a step from just above eps along the largest curvature lowers f by eps^2/(2 l) and no more."""
        given: dict[str, Any] = {"constants": KNOWN, "options": {"epsilon": 0.1}}
        yield Case(bowl, witness=True, **given)
        yield Case(problems.saddle_well, x0=[0.0, 0.0], **given)
        yield Case(problems.saddle_well, x0=[0.5, 0.0], seed=1000, **given)
        yield Case(problems.hyperbola, x0=[0.2, -0.2], seed=2000, **given)

    def controls(self) -> Iterable[Case]:
        given: dict[str, Any] = {"constants": KNOWN, "options": {"epsilon": 0.1}}
        yield Case(bowl, VIOLATED, sabotage={"step_size": 1e-11}, **given)
        for sabotage in ({"radius": 1e-300}, {"wait": 5}, {"decrease": 1.0}):
            yield Case(problems.saddle_well, VIOLATED, x0=[0.0, 0.0], sabotage=sabotage, **given)
        yield Case(problems.saddle_well, NOT_APPLICABLE, constants={**KNOWN, "hessian_lipschitz": 0.0})
        yield Case(problems.saddle_well, NOT_APPLICABLE, constants=KNOWN)  # eps = 0.001 needs too many steps


def bowl() -> Problem:
    """x^2 + y^2 / 2, from where |g| is just above 0.1."""
    return problems.quadratic_form(np.diag([2.0, 1.0]), np.array([0.05 * (1 + 2e-10), 0.0]), "bowl")


def outside(states: list[Any], epsilon: float) -> int:
    """Steps from |g| > eps after a round was over, or before the first; the last step settles."""
    return sum(state.since >= state.wait and np.linalg.norm(state.gradient) > epsilon for state in states[:-2])
