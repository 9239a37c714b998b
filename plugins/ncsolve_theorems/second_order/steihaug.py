"""TR2."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import ClassVar

import numpy as np

from ncsolve.problem import Problem
from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems
from ncsolve_theorems.second_order.steps import ACCURACY, best_in_ball, cauchy_fall, steps_of, untouched


@cache
def spread(count: int = 10) -> Problem:
    """A quadratic with eigenvalues from 1 to 1000, all of which have an equal share in f(x0)."""
    w = np.geomspace(1.0, 1000.0, count)
    return problems.quadratic_form(np.diag(w), w**-0.5, "spread")


def sideways(study: Study) -> None:
    """The first step goes to the boundary along one eigenvector."""
    g, H = study.oracle.gradient(study.x0), study.hessian(study.x0)
    d = np.linalg.eigh(H)[1][:, 0]
    study.x = np.array([study.x0, study.x0 - np.sign(g @ d) * study.states[0].radius * d])


class TruncatedStep(Theorem):
    """Truncated conjugate gradients promise half of the best step on the boundary, and never less than Cauchy's point.

    $$|s| = \\Delta,\\ H \\succ 0: \\quad m(0) - m(s) \\ge \\tfrac12 \\max_{|p| \\le \\Delta} m(0) - m(p), \\qquad
    m(0) - m(s) \\ge \\max_{t \\ge 0,\\,t|g| \\le \\Delta} m(0) - m(-t g)$$

    m(p) = g'p + p'Hp/2. Half is what Steihaug's step has [Yuan 2000]; the solver goes on along the boundary. A step
    that ends inside, as its residual is small enough, may give away more than half where H is badly conditioned.
    """

    id: ClassVar[str] = "TR2"
    name: ClassVar[str] = "trust-region-krylov-step"
    kind: ClassVar[str] = "every iterate"
    solvers: ClassVar[tuple[str, ...]] = ("trust-region-krylov",)
    assumptions: ClassVar[tuple[str, ...]] = ("f is twice differentiable", "H > 0 for the first claim")
    reference: ClassVar[str] = "Yuan 2000; Steihaug 1983"
    horizon: ClassVar[int] = 60

    def refusal(self, study: Study) -> str:
        return "" if study.n <= 200 else "More than 200 variables: the eigenvalues cost too much."

    def claims(self, study: Study) -> Iterable[Claim]:
        shares, cauchy = [], []
        for step in steps_of(study):
            radius = study.states[step.k].radius if untouched(study, step.k) else step.length
            rounding = ACCURACY * step.scale * step.length**2
            cauchy.append((cauchy_fall(step.g, step.H, radius) - rounding) / max(step.fall, 1e-300))
            on_boundary = untouched(study, step.k) and abs(step.length - radius) <= ACCURACY * radius
            if on_boundary and step.lowest > ACCURACY * step.scale:
                shares.append((step.fall + rounding) / best_in_ball(step.g, step.H, radius))
        yield Claim.at_most("fall at Cauchy's point <= m(0) - m(s), relative", cauchy, 1.0)
        yield Claim.at_most("1/2 <= m(0) - m(s) in the best fall", np.full(len(shares), 0.5), shares)

    def positive(self) -> Iterable[Case]:
        yield Case(spread, options={"radius": 0.3}, witness=True)
        yield Case(spread)
        yield Case(problems.rotated_sum)
        yield Case(problems.logistic_ridge)

    def controls(self) -> Iterable[Case]:
        yield Case(spread, VIOLATED, options={"radius": 0.3}, mutate=sideways)
        yield Case(lambda: spread(201), NOT_APPLICABLE)
