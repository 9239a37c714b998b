"""PGD2."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve.theory.statistics import never
from ncsolve.theory.study import Refused
from ncsolve_theorems import problems
from ncsolve_theorems.common import runs, values_at

RUNS, LONGEST = 100, 1000
FAILURE = 0.02


class SaddleEscape(Theorem):
    """From a point of small slope and enough negative curvature perturbed gradient descent falls by F/2 in T steps.

    $$|\\nabla f(x)| \\le \\epsilon, \\quad \\lambda_{\\min} \\le -\\sqrt{\\rho\\epsilon}: \\qquad
    P\\left(f(x_T) - f(x) \\le -\\tfrac12 F\\right) \\ge
    1 - \\frac{l \\sqrt n}{\\sqrt{\\rho\\epsilon}}\\,\\iota^2\\,2^{8 - \\iota}$$

    f is l-smooth with a rho-Lipschitz Hessian; eta = 1/l, noise uniform in the ball of radius eta eps/(400 iota^3),
    T = l iota/sqrt(rho eps), F = sqrt(eps^3/rho)/(50 iota^3). eps is the largest that fits the point, or the option
    `epsilon`; iota such that the probability is 0.98. Exact binomial test of the failures of 100 independent runs.
    """

    id: ClassVar[str] = "PGD2"
    name: ClassVar[str] = "perturbed-gd-escape"
    kind: ClassVar[str] = "distribution"
    solvers: ClassVar[tuple[str, ...]] = ("perturbed-gd",)
    constants: ClassVar[tuple[str, ...]] = ("smoothness", "hessian_lipschitz")
    assumptions: ClassVar[tuple[str, ...]] = (
        "f is l-smooth with a rho-Lipschitz Hessian where the runs are",
        "|g(x0)| <= eps, lambda_min(x0) <= -sqrt(rho eps)",
    )
    demand: ClassVar[str] = "noise = fixed, step_size = 1/l; radius, wait and decrease from eps and iota"
    reference: ClassVar[str] = "Jin, Netrapalli, Ge, Kakade & Jordan 2021, Lemma 20 and Eq. (6)"

    def refusal(self, study: Study) -> str:
        curvature, rho = study.least_curvature(study.x0), study.constant("hessian_lipschitz")
        if curvature >= 0:
            return f"The least eigenvalue at x0 is {curvature:.4g}: x0 is no saddle."
        if rho == 0:
            return "rho = 0: claim a positive bound on the change of the Hessian."
        g, most = self.slope(study), curvature**2 / rho
        return "" if g <= most else f"|g(x0)| = {g:.4g} is above lambda_min^2 / rho = {most:.4g}: no eps fits x0."

    def slope(self, study: Study) -> float:
        """|g(x0)|"""
        return float(np.linalg.norm(study.oracle.gradient(study.x0)))

    def demands(self, study: Study) -> Mapping[str, Any]:
        L, rho = study.L, study.constant("hessian_lipschitz")
        least, most = self.slope(study), study.least_curvature(study.x0) ** 2 / rho
        epsilon = study.options.get("epsilon") or most
        if not least <= epsilon <= most * (1 + 1e-12):
            raise Refused(f"epsilon = {epsilon:.4g} does not fit x0: it must lie between {least:.4g} and {most:.4g}.")
        iota = iota_of(L * math.sqrt(study.n) / math.sqrt(rho * epsilon), 2, FAILURE)
        return parameters(L, rho, epsilon, iota)

    def claims(self, study: Study) -> Iterable[Claim]:
        T, half = study.option("wait"), study.option("decrease")
        ends = np.array([states[-1].x for states in runs(study, RUNS, T)])
        fallen = float(study.oracle.value(study.x0)) - values_at(study, ends)
        failures = int((~(fallen >= half)).sum())
        yield never(f"f(x_T) - f(x) > -F/2 in {failures} of {RUNS} runs, T = {T}", failures, RUNS, FAILURE)

    def positive(self) -> Iterable[Case]:
        known = {"smoothness": 2.0, "hessian_lipschitz": 6.0}
        yield Case(problems.saddle_well, x0=[0.0, 0.0], constants=known, options={"epsilon": 0.1}, witness=True)
        yield Case(problems.saddle_well, x0=[0.05, -0.02], constants=known, seed=1000)
        yield Case(problems.hyperbola, x0=[0.0, 0.0], constants=known, seed=2000)

    def controls(self) -> Iterable[Case]:
        known = {"smoothness": 2.0, "hessian_lipschitz": 6.0}
        yield Case(problems.saddle_well, VIOLATED, x0=[0.0, 0.0], constants=known, sabotage={"radius": 1e-300})
        yield Case(problems.saddle_well, VIOLATED, x0=[0.0, 0.0], constants=known, sabotage={"step_size": 0.05})
        yield Case(problems.saddle_well, NOT_APPLICABLE, x0=[0.0, 1.0], constants=known)
        yield Case(problems.saddle_well, NOT_APPLICABLE, x0=[0.5, 0.0], constants=known)


def parameters(L: float, rho: float, epsilon: float, iota: float) -> dict[str, Any]:
    """eta, the radius of the noise in x, T and F/2 [Jin et al. 2021, Alg. 4]. Raises Refused where T is too long."""
    wait = math.ceil(L * iota / math.sqrt(rho * epsilon))
    if wait > LONGEST:
        raise Refused(f"T = {wait} steps are too many for a check: choose a larger epsilon.")
    return {
        "epsilon": epsilon,
        "step_size": 1 / L,
        "radius": epsilon / (400 * iota**3) / L,
        "wait": wait,
        "decrease": math.sqrt(epsilon**3 / rho) / (50 * iota**3) / 2,
        "noise": "fixed",
    }


def iota_of(scale: float, power: int, failure: float) -> float:
    """The iota >= 9 with scale iota^power 2^(8 - iota) = failure, by bisection; for power <= 6 it falls from there."""
    low, high = 9.0, 200.0
    for _ in range(60):
        middle = (low + high) / 2
        too_likely = scale * middle**power * 2 ** (8 - middle) > failure
        low, high = (middle, high) if too_likely else (low, middle)
    return high
