"""GD2."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import numpy as np

from ncsolve.theory import VIOLATED, Case, Claim, Study
from ncsolve_theorems import problems
from ncsolve_theorems.common import UnitStep


class GDGradientNorm(UnitStep):
    """The smallest gradient of N steps of length 1/L is of order 1/sqrt(N) on an L-smooth f, convex or not.

    $$\\min_{0 \\le i \\le N} |\\nabla f(x_i)|^2 \\le \\frac{4L\\,(f_0 - f_*)}{3N + 2}$$

    Proof: sum GD1 over N steps, and f_N - f* >= |g_N|^2 / 2L.
    """

    id: ClassVar[str] = "GD2"
    name: ClassVar[str] = "gd-gradient-norm"
    kind: ClassVar[str] = "horizon"
    constants: ClassVar[tuple[str, ...]] = ("smoothness", "minimum")
    assumptions: ClassVar[tuple[str, ...]] = ("f is L-smooth", "f >= f*")
    reference: ClassVar[str] = "Abbaszadehpeivasti, de Klerk & Zamani 2021; Taylor 2017, p. 190"

    def claims(self, study: Study) -> Iterable[Claim]:
        N = np.arange(len(study.x))
        bound = 4 * study.L * study.gap[0] / (3 * N + 2)
        yield Claim.at_most("min |g_i|^2 <= 4 L (f0 - f*) / (3 N + 2)", np.minimum.accumulate(study.slope), bound)

    def positive(self) -> Iterable[Case]:
        yield Case(problems.composition)
        yield Case(lambda: problems.log_square(5.0))
        yield Case(problems.parabola, witness=True)

    def controls(self) -> Iterable[Case]:
        yield Case(lambda: problems.log_square(1.5), VIOLATED, sabotage={"step_size": 0.02 / 2})
        yield Case(lambda: problems.log_square(5.0), VIOLATED, constants={"smoothness": 0.02})
