"""GD4."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study
from ncsolve_theorems import problems
from ncsolve_theorems.common import PLAIN, Descent, convex


class GDStronglyConvex(Descent):
    """On an m-strongly convex f the distance to the minimiser falls by max(|1 - eta m|, |1 - eta L|) in every step.

    $$|x_k - x_*| \\le \\max(|1 - \\eta m|, |1 - \\eta L|)^k\\, |x_0 - x_*|, \\qquad 0 < \\eta < 2/L$$

    The same factor holds for |g|, and its square for f - f*.
    """

    id: ClassVar[str] = "GD4"
    name: ClassVar[str] = "gd-strongly-convex"
    kind: ClassVar[str] = "every iterate"
    constants: ClassVar[tuple[str, ...]] = ("smoothness", "strong_convexity", "minimum")
    assumptions: ClassVar[tuple[str, ...]] = ("f is L-smooth", "f is m-strongly convex, m > 0")
    demand: ClassVar[str] = "a fixed step_size below 2/L; 2/(L + m) where none is given"
    reference: ClassVar[str] = "Taylor, Hendrickx & Glineur 2018; Nesterov 2018, Thm 2.1.15"

    def refusal(self, study: Study) -> str:
        return convex(study) or ("" if study.constant("strong_convexity") > 0 else "f is convex, but not strongly.")

    def demands(self, study: Study) -> Mapping[str, Any]:
        usual = 2 / (study.L + study.constant("strong_convexity"))
        return {"step_size": study.options.get("step_size") or usual, **PLAIN}

    def claims(self, study: Study) -> Iterable[Claim]:
        factor = np.sqrt(self.rate(study))
        power = factor ** np.arange(len(study.x))
        yield Claim.at_most("|x_k - x*| <= rho^k |x0 - x*|", study.distance, power * study.distance[0])
        yield Claim.at_most("f_k - f* <= rho^2k (f0 - f*)", study.gap, power**2 * study.gap[0])
        size = np.sqrt(study.slope)
        yield Claim.at_most("|g_k| <= rho^k |g0|", size, power * size[0])

    def rate(self, study: Study) -> float:
        eta, L, m = study.option("step_size"), study.L, study.constant("strong_convexity")
        return max(abs(1 - eta * m), abs(1 - eta * L)) ** 2

    def positive(self) -> Iterable[Case]:
        yield Case(lambda: problems.quadratic(1.0, 3.0, 10.0))
        for k in (0, 2):
            yield Case(lambda k=k: problems.quadratic(1.0, 3.0, 10.0, along=k), witness=True)

    def controls(self) -> Iterable[Case]:
        yield Case(lambda: problems.quadratic(1.0, 3.0, 10.0, along=0), VIOLATED, sabotage={"step_size": 0.1})
        yield Case(problems.pl_sine, NOT_APPLICABLE)
