"""HB1."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems
from ncsolve_theorems.common import PLAIN, convex, heavy_ball_update


class HeavyBallQuadratic(Theorem):
    """On a quadratic with spectrum in [m, L] the heavy ball contracts by (sqrt(K) - 1)/(sqrt(K) + 1), K = L/m.

    $$|x_k - x_*| \\le (1 + k + \\rho k)\\,\\rho^k\\,|x_0 - x_*|, \\qquad \\rho = \\frac{\\sqrt{K} - 1}{\\sqrt{K} + 1}$$

    Proof: with alpha = 4/(sqrt(L) + sqrt(m))^2 and beta = rho^2, the roots of z^2 - (1 + beta - alpha l) z + beta have
    the modulus rho for every l in [m, L]. From rest, x_k = rho^k (U_k - rho U_{k-1}) x_0 in each eigenvector, U_k
    Chebyshev's polynomials of the second kind, |U_k| <= k + 1 on [-1, 1]; attained at l = L.
    """

    id: ClassVar[str] = "HB1"
    name: ClassVar[str] = "momentum-quadratic"
    kind: ClassVar[str] = "every iterate"
    solvers: ClassVar[tuple[str, ...]] = ("momentum",)
    constants: ClassVar[tuple[str, ...]] = ("smoothness", "strong_convexity", "minimum")
    assumptions: ClassVar[tuple[str, ...]] = ("f is quadratic", "m > 0")
    demand: ClassVar[str] = "step_size = 4/(sqrt(L) + sqrt(m))^2, momentum = ((sqrt(K) - 1)/(sqrt(K) + 1))^2"
    reference: ClassVar[str] = "Polyak 1964; Lessard, Recht & Packard 2016, Prop. 1; proof above"

    def refusal(self, study: Study) -> str:
        if not study.oracle.structure.quadratic:
            return "f is not quadratic: its Hessian is not constant."
        return convex(study) or ("" if study.constant("strong_convexity") > 0 else "f is convex, but not strongly.")

    def demands(self, study: Study) -> Mapping[str, Any]:
        L, m = study.L, study.constant("strong_convexity")
        alpha = 4 / (math.sqrt(L) + math.sqrt(m)) ** 2
        return {"step_size": alpha, "momentum": self.rho(study) ** 2, **PLAIN}

    def rho(self, study: Study) -> float:
        root: float = np.sqrt(study.L / study.constant("strong_convexity"))
        return (root - 1) / (root + 1)

    def identity(self, study: Study) -> Claim | None:
        return heavy_ball_update(study)

    def claims(self, study: Study) -> Iterable[Claim]:
        rho, k = self.rho(study), np.arange(len(study.x))
        study.constant("minimum")  # the measured rate is that of f - f*
        bound = (1 + k + rho * k) * rho**k * study.distance[0]
        yield Claim.at_most("|x_k - x*| <= (1 + k + rho k) rho^k |x0 - x*|", study.distance, bound)

    def rate(self, study: Study) -> float:
        return self.rho(study) ** 2

    def positive(self) -> Iterable[Case]:
        yield Case(lambda: problems.quadratic(1.0, 3.0, 100.0))
        yield Case(lambda: problems.quadratic(1.0, 3.0, 100.0, along=2), witness=True)

    def controls(self) -> Iterable[Case]:
        yield Case(lambda: problems.quadratic(1.0, 3.0, 100.0), VIOLATED, sabotage={"step_size": 1 / 100})
        yield Case(problems.pl_sine, NOT_APPLICABLE)
