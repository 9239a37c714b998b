"""INEX1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems
from ncsolve_theorems.second_order.steihaug import spread
from ncsolve_theorems.second_order.steps import ACCURACY, Step, steps_of, untouched

LARGE = 1e6


def stopped_early(study: Study) -> None:
    """Conjugate gradients end after their first step."""
    g, H = study.oracle.gradient(study.x0), study.hessian(study.x0)
    study.x = np.array([study.x0, study.x0 - g @ g / (g @ H @ g) * g])


class InexactNewton(Theorem):
    """A Newton step with the residual r = Hs + g, |r| <= eta |g|, takes the gradient to eta |g| + M |s|^2/2 at most.

    $$|H s + \\nabla f| \\le \\eta\\,|\\nabla f|: \\qquad |\\nabla f_+| \\le |r| + \\tfrac{M}{2}|s|^2
    \\le \\eta\\,|\\nabla f| + \\tfrac{M}{2}|s|^2$$

    eta_k = min(1/10, sqrt(|g_k|/|g_0|)), which goes to 0, and convergence is superlinear. Checked of the steps that end
    inside of a trust region which no rejected trial has changed. Proof: Taylor's formula of the gradient.
    """

    id: ClassVar[str] = "INEX1"
    name: ClassVar[str] = "trust-region-krylov-inexact"
    kind: ClassVar[str] = "every iterate"
    solvers: ClassVar[tuple[str, ...]] = ("trust-region-krylov",)
    constants: ClassVar[tuple[str, ...]] = ("hessian_lipschitz",)
    assumptions: ClassVar[tuple[str, ...]] = ("H is M-Lipschitz",)
    demand: ClassVar[str] = "radius = 1e6 where none is given"
    reference: ClassVar[str] = "Dembo, Eisenstat & Steihaug 1982; Nocedal & Wright 2006, Thm 7.1, 7.2"
    horizon: ClassVar[int] = 60

    def refusal(self, study: Study) -> str:
        return "" if study.n <= 500 else "More than 500 variables: the Hessians cost too much."

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"radius": study.options.get("radius") or LARGE}

    def inner(self, study: Study) -> list[Step]:
        """Steps that the radius did not end."""
        free = [step for step in steps_of(study) if untouched(study, step.k)]
        return [step for step in free if study.states[step.k].radius > step.length * (1 + ACCURACY)]

    def claims(self, study: Study) -> Iterable[Claim]:
        size, M = np.sqrt(study.slope), study.constant("hessian_lipschitz")
        steps = self.inner(study)
        k = np.array([step.k for step in steps], dtype=int)
        eta = np.minimum(0.1, np.sqrt(size[k] / size[0]))
        length = np.array([step.length for step in steps])
        residual = np.array([float(np.linalg.norm(step.H @ step.s + step.g)) for step in steps])
        slack = ACCURACY * np.array([step.scale for step in steps]) * length
        yield Claim.at_most("|Hs + g| <= eta |g|, relative", (residual - slack) / size[k], eta)
        yield Claim.at_most("|g+| <= |r| + M |s|^2/2", size[k + 1] - slack, residual + M / 2 * length**2)
        yield Claim.at_most("|g+| <= eta |g| + M |s|^2/2", size[k + 1] - slack, eta * size[k] + M / 2 * length**2)

    def positive(self) -> Iterable[Case]:
        yield Case(lambda: problems.rotated_sum(0.2))
        yield Case(problems.cubic_bowl, witness=True)
        yield Case(spread, witness=True)

    def controls(self) -> Iterable[Case]:
        yield Case(spread, VIOLATED, mutate=stopped_early)
        yield Case(problems.cubic_bowl, VIOLATED, constants={"hessian_lipschitz": 6.0})
