"""CONS2."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study
from ncsolve_theorems import problems
from ncsolve_theorems.common import EPS, PLAIN, Descent


def one_coordinate(study: Study) -> None:
    """The first coordinate moves twice as far, as by a step size of its own."""
    x = study.x[:2].copy()
    x[1, 0] += x[1, 0] - x[0, 0]
    study.x = x


class Balance(Descent):
    """Gradient descent on phi(uv) shrinks u^2 - v^2 by the factor 1 - eta^2 phi'(uv)^2 in every step.

    $$f(u, v) = \\varphi(uv): \\qquad u_+^2 - v_+^2 = (u^2 - v^2)\\,(1 - \\eta^2 \\varphi'(uv)^2)$$

    Proof: u+ = u - eta phi' v, v+ = v - eta phi' u. Under the gradient flow u^2 - v^2 is conserved.
    """

    id: ClassVar[str] = "CONS2"
    name: ClassVar[str] = "gd-balance"
    kind: ClassVar[str] = "identity"
    assumptions: ClassVar[tuple[str, ...]] = ("f is a function of the product of its two variables",)
    demand: ClassVar[str] = "a fixed step_size; 0.1 where none is given"
    reference: ClassVar[str] = "Kunin et al. 2021; proof above"
    horizon: ClassVar[int] = 60

    def refusal(self, study: Study) -> str:
        if study.n != 2:
            return "f is not a function of two variables."
        u, v = study.x0
        for factor in (2.0, -0.5, 3.0):
            for point in (np.array([u, v]), np.array([0.7, 1.3])):
                moved = point * np.array([factor, 1 / factor])
                if not np.isclose(study.oracle.value(point), study.oracle.value(moved), rtol=1e-10):
                    return "f is not a function of the product of its variables."
        return ""

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"step_size": study.options.get("step_size") or 0.1, **PLAIN}

    def claims(self, study: Study) -> Iterable[Claim]:
        (u, v), eta = study.x.T, study.option("step_size")
        square = (study.g[:-1] ** 2).sum(axis=1) / (u**2 + v**2)[:-1]  # phi'^2, as g = phi' (v, u)
        difference = u**2 - v**2
        size = (u**2 + v**2)[1:] + (u**2 + v**2)[:-1]
        right = difference[:-1] * (1 - eta**2 * square)
        yield Claim.equal("u+^2 - v+^2 = (u^2 - v^2)(1 - eta^2 phi'^2)", difference[1:], right, 64 * EPS * size)

    def positive(self) -> Iterable[Case]:
        yield Case(problems.hyperbola, witness=True)
        yield Case(lambda: problems.hyperbola(-0.5, 2.0), options={"step_size": 0.3})

    def controls(self) -> Iterable[Case]:
        yield Case(problems.hyperbola, VIOLATED, mutate=one_coordinate)
        yield Case(problems.saddle_well, NOT_APPLICABLE)
