"""NEWT3."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems
from ncsolve_theorems.common import newton_steps


class NewtonLocal(Theorem):
    """Near a minimum with H(x*) >= m I, Newton's step takes the distance r to M r^2 / (2 (m - M r)) at most.

    $$|x_+ - x_*| \\le \\frac{M\\,r^2}{2\\,(m - M r)}, \\qquad r = |x - x_*| < \\frac{2m}{3M}$$

    The Hessian is M-Lipschitz; m is its least eigenvalue at x*. Checked at every iterate whose step is Newton's own, of
    length 1; the first must be one.
    """

    id: ClassVar[str] = "NEWT3"
    name: ClassVar[str] = "newton-quadratic-convergence"
    kind: ClassVar[str] = "every iterate"
    solvers: ClassVar[tuple[str, ...]] = ("newton",)
    constants: ClassVar[tuple[str, ...]] = ("hessian_lipschitz",)
    assumptions: ClassVar[tuple[str, ...]] = ("H is M-Lipschitz", "x* is known, H(x*) > 0", "|x0 - x*| < 2m/(3M)")
    reference: ClassVar[str] = "Nesterov 2004, Thm 1.2.5"
    horizon: ClassVar[int] = 20

    def refusal(self, study: Study) -> str:
        m, M = study.least_curvature(study.best), study.constant("hessian_lipschitz")
        r = float(np.linalg.norm(study.x0 - study.best))
        if m <= 0:
            return f"H(x*) has the eigenvalue {m:.4g}."
        if M * r >= 2 * m / 3:
            return f"x0 is {r:.4g} away from x*, and 2m/(3M) = {2 * m / (3 * M):.4g}."
        return ""

    def claims(self, study: Study) -> Iterable[Claim]:
        m, M, r = study.least_curvature(study.best), study.constant("hessian_lipschitz"), study.distance
        pure = newton_steps(study)
        count = len(pure) if pure.all() else int(np.argmin(pure))
        near = r[:count]
        yield Claim.at_most("r+ <= M r^2 / (2 (m - M r))", r[1 : count + 1], M * near**2 / (2 * (m - M * near)))

    def positive(self) -> Iterable[Case]:
        yield Case(lambda: problems.pl_sine(0.44))
        yield Case(lambda: problems.rotated_sum(0.1))
        yield Case(problems.cubic_bowl, witness=True)

    def controls(self) -> Iterable[Case]:
        yield Case(problems.cubic_bowl, VIOLATED, constants={"hessian_lipschitz": 6.0})
        yield Case(lambda: problems.pl_sine(1.2), NOT_APPLICABLE)
