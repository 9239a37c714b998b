"""TR2."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import ClassVar

import numpy as np

from ncsolve.problem import Problem
from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems
from ncsolve_theorems.second_order.steps import ACCURACY, best_in_ball, steps_of, untouched


@cache
def spread(count: int = 10) -> Problem:
    """A quadratic with eigenvalues from 1 to 1000, all of which have an equal share in f(x0)."""
    w = np.geomspace(1.0, 1000.0, count)
    return problems.quadratic_form(np.diag(w), w**-0.5, "spread")


def cauchy_point(study: Study) -> None:
    """The first step goes to the minimum of the model along -g only."""
    g, H = study.oracle.gradient(study.x0), study.hessian(study.x0)
    study.x = np.array([study.x0, study.x0 - min(g @ g / (g @ H @ g), study.states[0].radius / np.linalg.norm(g)) * g])


class TruncatedStep(Theorem):
    """Where H > 0, conjugate gradients in a trust region promise at least half of what the best step does.

    $$m(0) - m(s) \\ge \\tfrac12 \\max_{|p| \\le \\Delta} m(0) - m(p), \\qquad
    m(p) = g^T p + \\tfrac12 p^T H p,\\ H \\succ 0$$

    Steihaug's step, where it ends on the boundary [Yuan 2000]. One that ends inside, as its residual is small enough,
    gives away part of it, too; the solver goes on along the boundary where there is more to be had.
    """

    id: ClassVar[str] = "TR2"
    name: ClassVar[str] = "trust-region-krylov-half"
    kind: ClassVar[str] = "every iterate"
    solvers: ClassVar[tuple[str, ...]] = ("trust-region-krylov",)
    assumptions: ClassVar[tuple[str, ...]] = ("H > 0 at an iterate of the run",)
    reference: ClassVar[str] = "Yuan 2000; Steihaug 1983"
    horizon: ClassVar[int] = 60

    def refusal(self, study: Study) -> str:
        return "" if study.n <= 200 else "More than 200 variables: the eigenvalues cost too much."

    def claims(self, study: Study) -> Iterable[Claim]:
        shares = []
        for step in steps_of(study):
            if step.lowest <= ACCURACY * step.scale:
                continue
            radius = study.states[step.k].radius if untouched(study, step.k) else step.length
            fall = step.fall + ACCURACY * step.scale * step.length**2
            shares.append(best_in_ball(step.g, step.H, radius) / 2 / fall)
        yield Claim.at_most("half of the best fall <= m(0) - m(s), relative", shares, 1.0)

    def positive(self) -> Iterable[Case]:
        yield Case(spread, witness=True)
        yield Case(spread, options={"radius": 0.3})
        yield Case(problems.rotated_sum)
        yield Case(problems.logistic_ridge)

    def controls(self) -> Iterable[Case]:
        yield Case(spread, VIOLATED, mutate=cauchy_point)
        yield Case(lambda: spread(201), NOT_APPLICABLE)
