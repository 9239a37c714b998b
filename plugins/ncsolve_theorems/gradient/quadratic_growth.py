"""GD8."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import numpy as np

from ncsolve.theory import VIOLATED, Case, Claim, Study
from ncsolve_theorems import problems
from ncsolve_theorems.common import UnitStep


class GDGrowth(UnitStep):
    """The Polyak-Lojasiewicz inequality gives quadratic growth: what is left of the path is bounded by f - f*.

    $$f(x) - f_* \\ge \\frac{\\mu}{2}\\,\\mathrm{dist}(x, X_*)^2, \\qquad
    |\\nabla f(x)| \\ge \\mu\\,\\mathrm{dist}(x, X_*)$$

    Checked where the minimisers are known: f is a convex quadratic, or has one variable and a known minimiser with a
    positive curvature, which under the inequality is the only one.
    """

    id: ClassVar[str] = "GD8"
    name: ClassVar[str] = "gd-quadratic-growth"
    kind: ClassVar[str] = "every iterate"
    constants: ClassVar[tuple[str, ...]] = ("smoothness", "pl", "minimum")
    assumptions: ClassVar[tuple[str, ...]] = ("|g|^2 / 2 >= mu (f - f*)", "the minimisers are known")
    reference: ClassVar[str] = "Karimi, Nutini & Schmidt 2016, Thm 2"

    def refusal(self, study: Study) -> str:
        known = study.oracle.structure.quadratic or (study.n == 1 and study.least_curvature(study.best) > 0)
        return "" if known else "The set of minimisers is not known: f is not quadratic and has several variables."

    def claims(self, study: Study) -> Iterable[Claim]:
        mu, distance = study.mu, self.distances(study)
        yield Claim.at_most("mu/2 dist^2 <= f - f*", mu / 2 * distance**2, study.gap)
        yield Claim.at_most("mu dist <= |g|", mu * distance, np.sqrt(study.slope))

    def distances(self, study: Study) -> np.ndarray:
        if not study.oracle.structure.quadratic:
            return study.distance
        H = study.hessian(study.x0)
        return np.linalg.norm(study.g @ np.linalg.pinv(H, rcond=1e-12, hermitian=True), axis=1)

    def positive(self) -> Iterable[Case]:
        yield Case(problems.pl_sine)
        yield Case(lambda: problems.degenerate(1), witness=True)

    def controls(self) -> Iterable[Case]:
        yield Case(lambda: problems.degenerate(1), VIOLATED, constants={"pl": 2.0})
