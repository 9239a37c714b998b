"""CUB1."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import numpy as np

from ncsolve.theory import VIOLATED, Case, Claim, Study
from ncsolve_theorems import problems
from ncsolve_theorems.second_order.steps import CubicStep


def half_step(study: Study) -> None:
    """Half of the first step."""
    start, end = study.x[:2]
    study.x = np.array([start, (start + end) / 2])


class CubicRegularisation(CubicStep):
    """With M = L, the Hessian's Lipschitz constant, a cubic step of length r falls by M r^3 / 12, and more is promised.

    $$f - f_+ \\ge \\frac{M r^3}{12}, \\quad |\\nabla f_+| \\le \\frac{L + M}{2} r^2, \\quad
    \\lambda_{\\min}(H_+) \\ge -\\left(L + \\frac{M}{2}\\right) r, \\quad H + \\frac{M r}{2} I \\ge 0$$

    Over k steps the least of mu_i = max(sqrt(2 |g_i|/(L + M)), -2 lambda_min(H_i)/(2L + M)) is at most
    (12 (f0 - f*)/(M k))^(1/3), where f* is known.
    """

    id: ClassVar[str] = "CUB1"
    name: ClassVar[str] = "cubic-descent"
    kind: ClassVar[str] = "every iterate"
    constants: ClassVar[tuple[str, ...]] = ("hessian_lipschitz",)
    assumptions: ClassVar[tuple[str, ...]] = ("H is L-Lipschitz",)
    reference: ClassVar[str] = "Nesterov & Polyak 2006, Prop. 1, Lemmas 3 to 5, Thm 1"
    horizon: ClassVar[int] = 60

    def claims(self, study: Study) -> Iterable[Claim]:
        M = L = study.constant("hessian_lipschitz")
        r = np.linalg.norm(np.diff(study.x, axis=0), axis=1)
        size = np.sqrt(study.slope)
        lowest = np.array([study.least_curvature(x) for x in study.x])
        yield Claim.at_most("M r^3 / 12 <= f - f+", M * r**3 / 12, study.f[:-1] - study.f[1:])
        yield Claim.at_most("|g+| <= (L + M) r^2 / 2", size[1:], (L + M) / 2 * r**2)
        yield Claim.at_most("-lambda_min(H+) <= (L + M/2) r", -lowest[1:], (L + M / 2) * r)
        yield Claim.at_most("-lambda_min(H) <= M r / 2", -lowest[:-1], M * r / 2)
        if "minimum" in study.known:
            mu = np.maximum(np.sqrt(2 * size / (L + M)), -2 * lowest / (2 * L + M))[1:]
            bound = (12 * study.gap[0] / (M * np.arange(1, len(mu) + 1))) ** (1 / 3)
            yield Claim.at_most("min mu_i <= (12 D / (M k))^(1/3)", np.minimum.accumulate(mu), bound, first=1)

    def positive(self) -> Iterable[Case]:
        yield Case(problems.rotated_sum)
        yield Case(problems.pl_sine)
        yield Case(problems.cubic_hill, witness=True)

    def controls(self) -> Iterable[Case]:
        yield Case(problems.cubic_hill, VIOLATED, mutate=half_step)
        yield Case(problems.rotated_sum, VIOLATED, sabotage={"regularization": 0.05 * 12})
