"""BFGS1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems
from ncsolve_theorems.second_order.steps import ACCURACY, conjugate_gradients, zero

DAMPED = 0.2
CONDITION = 1e3


def off(study: Study) -> None:
    """Each step is a tenth too long."""
    x = [study.x0]
    for before, after in zip(study.x, study.x[1:], strict=False):
        x.append(x[-1] + 1.1 * (after - before))
    study.x = np.array(x)


class FiniteTermination(Theorem):
    """BFGS with an exact line search goes through the iterates of conjugate gradients: n steps on a convex quadratic.

    $$x_k = x_k^{CG}, \\qquad B_k s_j = y_j\\ (j < k), \\qquad x_n = x_*, \\quad B_n = H$$

    As long as no step is damped, that is where s'y >= s'Bs/5. Proof: by induction the steps are conjugate, s_i'Hs_j =
    0, and every update keeps the earlier secant equations.
    """

    id: ClassVar[str] = "BFGS1"
    name: ClassVar[str] = "bfgs-quadratic"
    kind: ClassVar[str] = "identity"
    solvers: ClassVar[tuple[str, ...]] = ("bfgs",)
    assumptions: ClassVar[tuple[str, ...]] = (
        "f is quadratic with H > 0, of a condition up to 1e3 and at most 20 variables",
    )
    demand: ClassVar[str] = "line_search = exact"
    reference: ClassVar[str] = "Nocedal & Wright 2006, Thm 6.4; Nazareth 1979"
    horizon: ClassVar[int] = 20  # beyond, rounding has cost the conjugacy

    def refusal(self, study: Study) -> str:
        if not study.oracle.structure.quadratic or study.n > self.horizon:
            return f"f is not a quadratic of at most {self.horizon} variables."
        w = np.linalg.eigvalsh(study.hessian(study.x0))
        if w[0] <= 0 or w[-1] > CONDITION * w[0]:
            return f"The eigenvalues of H go from {w[0]:.4g} to {w[-1]:.4g}: not positive, or rounding would win."
        return ""

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"line_search": "exact"}

    def undamped(self, study: Study) -> int:
        """How many steps are taken with matrices that no damped update has touched."""
        for k, (before, after) in enumerate(zip(study.states, study.states[1:], strict=False)):
            s, y = after.x - before.x, after.gradient - before.gradient
            if len(before.B) and s @ y < DAMPED * (s @ before.B @ s):
                return k + 1
        return len(study.states) - 1

    def claims(self, study: Study) -> Iterable[Claim]:
        H, g = study.hessian(study.x0), study.g[0]
        wanted = conjugate_gradients(H, g, study.x0, study.n)
        count = min(self.undamped(study), len(wanted) - 1, len(study.x) - 1)
        size = float(np.linalg.norm(np.linalg.solve(H, g)))
        away = np.linalg.norm(study.x[: count + 1] - wanted[: count + 1], axis=1) / size
        yield zero("x_k = those of conjugate gradients", list(away))
        s, y = np.diff(study.x[: count + 1], axis=0), np.diff(study.g[: count + 1], axis=0)
        B = study.states[count].B
        if count and len(B):
            secants = np.linalg.norm(s @ B - y, axis=1) / np.linalg.norm(y, axis=1)
            yield Claim.equal("B_n s_j = y_j, relative", secants, np.zeros(count), 1e2 * ACCURACY, first=count)
        if count == len(wanted) - 1:
            yield zero("x_n = x*", [float(np.linalg.norm(study.g[count]) / np.linalg.norm(g))], first=count)
        if count == study.n:
            away = [float(np.linalg.norm(B - H) / np.linalg.norm(H))]
            yield Claim.equal("B_n = H, relative", away, [0.0], 1e4 * ACCURACY, first=count)

    def positive(self) -> Iterable[Case]:
        yield Case(lambda: problems.quadratic(1.0, 2.0, 3.0, 5.0, 7.0, 10.0), witness=True)
        yield Case(lambda: problems.quadratic(1.0, 2.0, 2.0, 2.0, 5.0))
        yield Case(lambda: problems.quadratic(*np.linspace(1.0, 8.0, 12)))

    def controls(self) -> Iterable[Case]:
        quadratic = problems.quadratic
        yield Case(lambda: quadratic(1.0, 2.0, 3.0, 5.0, 7.0, 10.0), VIOLATED, sabotage={"line_search": "wolfe"})
        yield Case(lambda: quadratic(1.0, 2.0, 3.0, 5.0, 7.0, 10.0), VIOLATED, mutate=off)
        yield Case(problems.pl_sine, NOT_APPLICABLE)
