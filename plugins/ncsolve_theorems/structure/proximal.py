"""PROX2."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems


class ProximalDescent(Theorem):
    """A proximal gradient step d lowers F = f + p by (1/(2 eta) - L/2) |d|^2, convex or not, whatever p is.

    $$F(x_+) \\le F(x) - \\left(\\frac{1}{2\\eta} - \\frac{L}{2}\\right) |x_+ - x|^2, \\qquad \\eta < 1/L$$

    Proof: p(x+) + g'd + |d|^2 / (2 eta) <= p(x), since x+ minimises the left side, and f(x+) <= f(x) + g'd + L|d|^2/2.
    """

    id: ClassVar[str] = "PROX2"
    name: ClassVar[str] = "prox-gradient-descent"
    kind: ClassVar[str] = "every iterate"
    solvers: ClassVar[tuple[str, ...]] = ("prox-gradient",)
    constants: ClassVar[tuple[str, ...]] = ("smoothness",)
    assumptions: ClassVar[tuple[str, ...]] = ("f is L-smooth", "p has an exact proximal operator")
    demand: ClassVar[str] = "accelerated = false; step_size = 0.9/L where none is given"
    reference: ClassVar[str] = "Attouch, Bolte & Svaiter 2013, section 5.1; proof above"
    nonsmooth: ClassVar[bool] = True

    def refusal(self, study: Study) -> str:
        return "" if study.oracle.penalty is not None else "The problem has no penalty: see gd-descent."

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"accelerated": False, "step_size": study.options.get("step_size") or 0.9 / study.L}

    def claims(self, study: Study) -> Iterable[Claim]:
        eta = study.option("step_size")
        F = study.f + np.array([study.oracle.penalty_value(x) for x in study.x])
        square = (np.diff(study.x, axis=0) ** 2).sum(axis=1)
        least = (1 / (2 * eta) - study.L / 2) * square
        yield Claim.at_most("(1/(2 eta) - L/2) |d|^2 <= F - F+", least, F[:-1] - F[1:])

    def positive(self) -> Iterable[Case]:
        yield Case(problems.lasso)
        yield Case(problems.hard_threshold, options={"step_size": 0.25}, witness=True)

    def controls(self) -> Iterable[Case]:
        yield Case(problems.lasso, VIOLATED, sabotage={"step_size": 0.25})
        yield Case(problems.pl_sine, NOT_APPLICABLE)
