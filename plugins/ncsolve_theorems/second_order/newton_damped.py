"""NEWT4, damped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study
from ncsolve_theorems import problems
from ncsolve_theorems.second_order.self_concordance import SelfConcordant, barrier, centre


def halved(study: Study) -> None:
    """Half of the first step."""
    start, end = study.x[:2]
    study.x = np.array([start, (start + end) / 2])


class NewtonDamped(SelfConcordant):
    """On a self-concordant f the damped Newton step, of length 1/(1 + lambda), lowers f by lambda - log(1 + lambda).

    $$x_+ = x - \\frac{1}{1 + \\lambda} H^{-1}\\nabla f: \\qquad f(x) - f(x_+) \\ge \\lambda - \\ln(1 + \\lambda),
    \\quad \\lambda = \\sqrt{\\nabla f^T H^{-1} \\nabla f}$$

    |f'''[h, h, h]| <= 2 (h'Hh)^(3/2), as of -log. No line search is needed, and no constant; equality on -log towards
    its pole.
    """

    id: ClassVar[str] = "NEWT4d"
    name: ClassVar[str] = "newton-damped"
    kind: ClassVar[str] = "every iterate"
    assumptions: ClassVar[tuple[str, ...]] = ("f is self-concordant with M <= 1",)
    demand: ClassVar[str] = "line_search = damped"
    reference: ClassVar[str] = "Nesterov & Nemirovski 1994, Thm 2.2.1"

    def refusal(self, study: Study) -> str:
        M = study.constant("self_concordance")
        return f"M = {M:.4g} is larger than 1: multiply f by M^2." if M > 1 else super().refusal(study)

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"line_search": "damped"}

    def promised(self, study: Study) -> np.ndarray:
        """lambda_k of the steps, M = 1."""
        return self.decrements(study)[: len(study.x) - 1] / study.constant("self_concordance")

    def identity(self, study: Study) -> Claim | None:
        residuals = []
        for k, size in enumerate(self.promised(study)):
            step = study.x[k] - np.linalg.solve(study.hessian(study.x[k]), study.g[k]) / (1 + size) - study.x[k + 1]
            residuals.append(np.abs(step).max() / max(1.0, float(np.abs(study.x[k]).max())))
        return Claim.equal("x+ = x - H^-1 g / (1 + lambda)", residuals, np.zeros(len(residuals)), 1e-9)

    def claims(self, study: Study) -> Iterable[Claim]:
        size = self.promised(study)
        f = study.f[: len(size) + 1]
        yield Claim.at_most("lambda - log(1 + lambda) <= f - f+", size - np.log1p(size), f[:-1] - f[1:])

    def positive(self) -> Iterable[Case]:
        yield Case(lambda: barrier(5.0), witness=True)
        yield Case(lambda: centre(0.9))

    def controls(self) -> Iterable[Case]:
        yield Case(lambda: barrier(5.0), VIOLATED, mutate=halved)
        yield Case(lambda: barrier(5.0), NOT_APPLICABLE, constants={"self_concordance": 0.5})
        yield Case(problems.pl_sine, NOT_APPLICABLE, constants={"self_concordance": 1})
