"""NEWT2."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, ClassVar

import numpy as np

from ncsolve.problem import Minimum, Problem
from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems


@cache
def root(x0: float = 0.9) -> Problem:
    """sqrt(1 + x^2): convex, with one minimum."""
    import sympy as sp

    x = sp.Symbol("x", real=True)
    return Problem(sp.sqrt(1 + x**2), name="root", start={x: x0}, known=[Minimum({x: 0.0}, value=1.0)])


class NewtonCube(Theorem):
    """Newton's method without a line search diverges on a convex f from |x0| > 1: on sqrt(1 + x^2), x+ = -x^3.

    $$f = \\sqrt{1 + x^2}: \\qquad x_+ = -x^3, \\qquad x_k \\to 0 \\iff |x_0| < 1$$

    Proof: f' = x (1 + x^2)^(-1/2) and f'' = (1 + x^2)^(-3/2), so x - f'/f'' = x - x (1 + x^2). With a line search the
    method converges from everywhere, and this is not what it does.
    """

    id: ClassVar[str] = "NEWT2"
    name: ClassVar[str] = "newton-cube"
    kind: ClassVar[str] = "identity"
    solvers: ClassVar[tuple[str, ...]] = ("newton",)
    assumptions: ClassVar[tuple[str, ...]] = ("f = sqrt(1 + x^2) + a constant", "|x0| != 0, 1")
    demand: ClassVar[str] = "line_search = none"
    reference: ClassVar[str] = "proof above"
    horizon: ClassVar[int] = 5

    def refusal(self, study: Study) -> str:
        at = np.array([-0.5, 1.0, 3.0])
        if study.n != 1:
            return "f is not sqrt(1 + x^2)."
        slopes = [study.oracle.gradient(np.array([x]))[0] for x in at]
        if not np.allclose(slopes, at / np.sqrt(1 + at**2)):
            return "f is not sqrt(1 + x^2)."
        return "x0 is 0, 1 or -1." if abs(study.x0[0]) in (0.0, 1.0) else ""

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"line_search": None}

    def claims(self, study: Study) -> Iterable[Claim]:
        x = study.x[:, 0]
        size = np.abs(x[:-1]) * (1 + x[:-1] ** 2)
        yield Claim.equal("x+ = -x^3", x[1:], -(x[:-1] ** 3), 1e-13 * size)
        low, high = (x[1:], x[:-1]) if abs(x[0]) < 1 else (x[:-1], x[1:])
        yield Claim.at_most("|x+| < |x| iff |x0| < 1", np.abs(low), np.abs(high))

    def positive(self) -> Iterable[Case]:
        yield Case(root, witness=True)
        yield Case(lambda: root(-1.1), witness=True)

    def controls(self) -> Iterable[Case]:
        yield Case(root, VIOLATED, sabotage={"line_search": "damped"})
        yield Case(lambda: root(-1.1), VIOLATED, sabotage={"line_search": "wolfe"})
        yield Case(problems.pl_sine, NOT_APPLICABLE)
