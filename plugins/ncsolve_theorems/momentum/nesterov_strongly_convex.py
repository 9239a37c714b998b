"""NAG2."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems
from ncsolve_theorems.common import PLAIN, convex, nesterov_update, values_at


class NesterovStronglyConvex(Theorem):
    """On an m-strongly convex f Nesterov's method with constant momentum loses sqrt(m/L) of the gap in every step.

    $$f(z_k) - f_* \\le \\left(1 - \\sqrt{m/L}\\right)^k \\left(f(x_0) - f_* + \\tfrac{m}{2}|x_0 - x_*|^2\\right)$$

    beta = (1 - sqrt(m/L)) / (1 + sqrt(m/L)); z_k is the point after the gradient step, before the momentum.
    """

    id: ClassVar[str] = "NAG2"
    name: ClassVar[str] = "nag-strongly-convex"
    kind: ClassVar[str] = "every iterate"
    solvers: ClassVar[tuple[str, ...]] = ("nag",)
    constants: ClassVar[tuple[str, ...]] = ("smoothness", "strong_convexity", "minimum")
    assumptions: ClassVar[tuple[str, ...]] = ("f is L-smooth", "f is m-strongly convex, m > 0")
    demand: ClassVar[str] = "step_size = 1/L, strong_convexity = m, restart = false"
    reference: ClassVar[str] = "d'Aspremont, Scieur & Taylor 2021, Cor. 4.15"

    def refusal(self, study: Study) -> str:
        return convex(study) or ("" if study.constant("strong_convexity") > 0 else "f is convex, but not strongly.")

    def demands(self, study: Study) -> Mapping[str, Any]:
        m = study.constant("strong_convexity")
        return {"step_size": 1 / study.L, "momentum": None, "strong_convexity": m, "restart": False, **PLAIN}

    def identity(self, study: Study) -> Claim | None:
        root = math.sqrt(study.constant("strong_convexity") / study.L)
        return nesterov_update(study, np.full(len(study.x) - 1, (1 - root) / (1 + root)))

    def claims(self, study: Study) -> Iterable[Claim]:
        gap = values_at(study, study.x - study.g / study.L) - study.minimum
        k, m = np.arange(1, len(gap) + 1), study.constant("strong_convexity")
        bound = self.rate(study) ** k * (study.gap[0] + m / 2 * study.distance[0] ** 2)
        yield Claim.at_most("f(z_k) - f* <= (1 - sqrt(m/L))^k (f0 - f* + m/2 R^2)", gap, bound, first=1)

    def rate(self, study: Study) -> float:
        root: float = np.sqrt(study.constant("strong_convexity") / study.L)
        return 1 - root

    def positive(self) -> Iterable[Case]:
        yield Case(lambda: problems.quadratic(1.0, 30.0, 400.0))
        yield Case(problems.logistic_ridge)
        yield Case(lambda: problems.quadratic(1.0, 4.0, along=0), witness=True)

    def controls(self) -> Iterable[Case]:
        yield Case(lambda: problems.quadratic(1.0, 30.0, 400.0), VIOLATED, sabotage={"momentum": 0.0})
        yield Case(problems.pl_sine, NOT_APPLICABLE)
