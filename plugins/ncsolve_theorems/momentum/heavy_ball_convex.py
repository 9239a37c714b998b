"""HB3."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems
from ncsolve_theorems.common import PLAIN, convex, heavy_ball_update


class HeavyBallConvex(Theorem):
    """With alpha <= 1/L and beta = sqrt((1 - alpha m)(1 - alpha L)) the heavy ball loses 1 - alpha m of the gap a step.

    $$f(x_k) - f_* \\le (1 - \\alpha m)^k (f(x_0) - f_*)$$

    For m-strongly convex, L-smooth f; checked with alpha = 1/(2L).
    """

    id: ClassVar[str] = "HB3"
    name: ClassVar[str] = "momentum-strongly-convex"
    kind: ClassVar[str] = "every iterate"
    solvers: ClassVar[tuple[str, ...]] = ("momentum",)
    constants: ClassVar[tuple[str, ...]] = ("smoothness", "strong_convexity", "minimum")
    assumptions: ClassVar[tuple[str, ...]] = ("f is L-smooth", "f is m-strongly convex, m > 0")
    demand: ClassVar[str] = "step_size = 1/(2L), momentum = sqrt((1 - alpha m)(1 - alpha L))"
    reference: ClassVar[str] = "Ghadimi, Feyzmahdavian & Johansson 2015, Thm 4"

    def refusal(self, study: Study) -> str:
        return convex(study) or ("" if study.constant("strong_convexity") > 0 else "f is convex, but not strongly.")

    def demands(self, study: Study) -> Mapping[str, Any]:
        alpha = 1 / (2 * study.L)
        beta = math.sqrt((1 - alpha * study.constant("strong_convexity")) * (1 - alpha * study.L))
        return {"step_size": alpha, "momentum": beta, **PLAIN}

    def identity(self, study: Study) -> Claim | None:
        return heavy_ball_update(study)

    def claims(self, study: Study) -> Iterable[Claim]:
        gap = study.gap
        bound = self.rate(study) ** np.arange(len(gap)) * gap[0]
        yield Claim.at_most("f_k - f* <= (1 - alpha m)^k (f0 - f*)", gap, bound)

    def rate(self, study: Study) -> float:
        return 1 - study.option("step_size") * study.constant("strong_convexity")

    def positive(self) -> Iterable[Case]:
        yield Case(lambda: problems.quadratic(1.0, 4.0, 20.0))
        yield Case(problems.logistic_ridge)
        yield Case(lambda: problems.quadratic(1.0, 4.0, 20.0, along=0), witness=True)

    def controls(self) -> Iterable[Case]:
        yield Case(lambda: problems.quadratic(1.0, 4.0, 20.0), VIOLATED, sabotage={"momentum": 0.995})
        yield Case(problems.pl_sine, NOT_APPLICABLE)
