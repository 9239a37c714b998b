"""NEWT4."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study
from ncsolve_theorems import problems
from ncsolve_theorems.common import newton_steps
from ncsolve_theorems.second_order.self_concordance import SelfConcordant, barrier, centre


def halved(study: Study) -> None:
    """Half of the first step."""
    start, end = study.x[:2]
    study.x = np.array([start, (start + end) / 2])


class NewtonSelfConcordant(SelfConcordant):
    """On a self-concordant f a full Newton step squares the decrement, whatever the condition number of the Hessian.

    $$\\lambda(x_+) \\le \\left(\\frac{\\lambda(x)}{1 - \\lambda(x)}\\right)^2, \\qquad
    \\lambda(x) = M \\sqrt{\\nabla f^T H^{-1} \\nabla f} < 1$$

    |f'''[h, h, h]| <= 2 M (h'Hh)^(3/2), M = 1 for -log. Checked while the decrement is below 1.
    """

    id: ClassVar[str] = "NEWT4"
    name: ClassVar[str] = "newton-self-concordant"
    kind: ClassVar[str] = "every iterate"
    assumptions: ClassVar[tuple[str, ...]] = ("f is self-concordant", "lambda(x0) < 1")
    demand: ClassVar[str] = "line_search = none"
    reference: ClassVar[str] = "Nesterov & Nemirovski 1994, Thm 2.2.2"

    def refusal(self, study: Study) -> str:
        if reason := super().refusal(study):
            return reason
        g = study.oracle.gradient(study.x0)
        size = study.constant("self_concordance") * float(np.sqrt(g @ np.linalg.solve(study.hessian(study.x0), g)))
        return "" if size < 1 else f"lambda(x0) = {size:.4g} is not below 1."

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"line_search": None}

    def identity(self, study: Study) -> Claim | None:
        wrong = ~newton_steps(study)[: len(self.decrements(study)) - 1]
        return Claim.equal("x+ = x - H^-1 g", wrong.astype(float), np.zeros(len(wrong)), 0.0)

    def claims(self, study: Study) -> Iterable[Claim]:
        size = self.decrements(study)
        near = size[:-1]
        bound = np.where(near < 1, (near / np.maximum(1 - near, 1e-300)) ** 2, np.inf)
        yield Claim.at_most("lambda+ <= (lambda/(1 - lambda))^2", size[1:], bound, first=1)

    def positive(self) -> Iterable[Case]:
        yield Case(barrier)
        yield Case(lambda: centre(0.1))
        yield Case(lambda: barrier(1.1), witness=True)

    def controls(self) -> Iterable[Case]:
        yield Case(lambda: barrier(1.1), VIOLATED, mutate=halved)
        yield Case(barrier, NOT_APPLICABLE, constants={"self_concordance": 0.5})
        yield Case(problems.pl_sine, NOT_APPLICABLE, constants={"self_concordance": 1})
