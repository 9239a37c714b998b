"""TMM."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems
from ncsolve_theorems.common import EPS, PLAIN, convex, values_at


class TripleMomentum(Theorem):
    """On an m-strongly convex f triple momentum loses the factor rho^2 = (1 - sqrt(m/L))^2 in every step.

    $$f(x_k) - f_* \\le \\rho^{2k}\\,\\frac{L^2}{2m}\\,|x_0 - x_*|^2, \\qquad \\rho = 1 - \\sqrt{m/L}$$

    x_k = u_k + delta (u_k - u_{k-1}), delta = rho^2 / (1 - rho^2), is made of the points u_k of the method, whose
    gradients are taken at y_k = u_k + gamma (u_k - u_{k-1}), the iterates of the run. The rate is twice that of
    Nesterov's method, in its exponent; the constant is larger.
    """

    id: ClassVar[str] = "TMM"
    name: ClassVar[str] = "tmm-strongly-convex"
    kind: ClassVar[str] = "every iterate"
    solvers: ClassVar[tuple[str, ...]] = ("tmm",)
    constants: ClassVar[tuple[str, ...]] = ("smoothness", "strong_convexity", "minimum")
    assumptions: ClassVar[tuple[str, ...]] = ("f is L-smooth", "f is m-strongly convex, 0 < m < L")
    demand: ClassVar[str] = "step_size = 1/L, strong_convexity = m"
    reference: ClassVar[str] = "Van Scoy, Freeman & Lynch 2018, Thm 1"

    def refusal(self, study: Study) -> str:
        if reason := convex(study):
            return reason
        m = study.constant("strong_convexity")
        return "" if 0 < m < study.L else f"f is not m-strongly convex with 0 < m < L: m = {m:.4g}."

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"step_size": 1 / study.L, "strong_convexity": study.constant("strong_convexity"), **PLAIN}

    def rho(self, study: Study) -> Any:
        return 1 - np.sqrt(study.constant("strong_convexity") / study.L)

    def points(self, study: Study) -> tuple[np.ndarray, float, float]:
        """u_{-1}, u_0, u_1, ... from the iterates y, and beta and gamma."""
        rho = self.rho(study)
        beta = rho**2 / (2 - rho)
        gamma = beta / (1 + rho)
        u = np.vstack([study.x[:1], study.x])
        for k in range(2, len(u)):
            u[k] = (u[k] + gamma * u[k - 1]) / (1 + gamma)
        return u, beta, gamma

    def identity(self, study: Study) -> Claim | None:
        u, beta, gamma = self.points(study)
        step = (1 + self.rho(study)) / study.L * study.g[:-1]
        ahead = u[1:-1] + beta * (u[1:-1] - u[:-2]) - step
        size = np.abs(study.x[:-1]).max(axis=1) + np.abs(step).max(axis=1)
        slack = 64 * EPS * np.maximum.accumulate(size)
        return Claim.equal("y+ = u+ + gamma (u+ - u)", study.x[1:], ahead + gamma * (ahead - u[1:-1]), slack)

    def claims(self, study: Study) -> Iterable[Claim]:
        (u, _, _), rho, L = self.points(study), self.rho(study), study.L
        x = u[1:] + rho**2 / (1 - rho**2) * (u[1:] - u[:-1])
        bound = rho ** (2 * np.arange(len(x))) * L**2 / (2 * study.constant("strong_convexity"))
        gap = values_at(study, x) - study.minimum
        yield Claim.at_most("f(x_k) - f* <= rho^2k L^2/(2m) R^2", gap, bound * study.distance[0] ** 2)

    def rate(self, study: Study) -> float:
        return float(self.rho(study) ** 2)

    def positive(self) -> Iterable[Case]:
        yield Case(problems.logistic_ridge)
        yield Case(lambda: problems.quadratic(1.0, 30.0, 400.0))
        yield Case(lambda: problems.quadratic(1.0, 1.5, along=1), witness=True)

    def controls(self) -> Iterable[Case]:
        for problem in (lambda: problems.quadratic(1.0, 30.0, 400.0), lambda: problems.quadratic(1.0, 4.0, along=0)):
            yield Case(problem, VIOLATED, sabotage={"strong_convexity": 400.0})  # no momentum
        yield Case(problems.pl_sine, NOT_APPLICABLE)
