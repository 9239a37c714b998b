"""PROX1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems

RIVALS = 100


def without_prox(study: Study) -> None:
    """Gradient steps alone."""
    eta = study.option("step_size")
    study.x = np.array([study.x0, study.x0 - eta * study.oracle.gradient(study.x0)])


class ProximalPoint(Theorem):
    """A step of the plain proximal gradient method ends where |y - z|^2 / (2 eta) + p(y) is lowest, z = x - eta g.

    $$x_+ \\in \\operatorname{arg\\,min}_y\\ \\tfrac{1}{2\\eta}|y - z|^2 + p(y), \\qquad z = x - \\eta\\nabla f(x)$$

    For the known closed forms, convex or not. Checked against 0, x, z and random rivals, among them single coordinates
    set to 0: none may be lower.
    """

    id: ClassVar[str] = "PROX1"
    name: ClassVar[str] = "prox-gradient-step"
    kind: ClassVar[str] = "every iterate"
    solvers: ClassVar[tuple[str, ...]] = ("prox-gradient",)
    constants: ClassVar[tuple[str, ...]] = ("smoothness",)
    assumptions: ClassVar[tuple[str, ...]] = ("p has an exact proximal operator", "there are no bounds")
    demand: ClassVar[str] = "accelerated = false; step_size = 0.9/L where none is given"
    reference: ClassVar[str] = "Parikh & Boyd 2014; Fan & Li 2001; Zhang 2010; Xu et al. 2012"
    nonsmooth: ClassVar[bool] = True
    horizon: ClassVar[int] = 40

    def refusal(self, study: Study) -> str:
        if study.oracle.lower is not None:
            return "The problem has bounds."
        return "" if study.oracle.penalty is not None else "The problem has no penalty."

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"accelerated": False, "step_size": study.options.get("step_size") or 0.9 / study.L}

    def claims(self, study: Study) -> Iterable[Claim]:
        eta, rng = study.option("step_size"), np.random.default_rng(0)
        reached, lowest = [], []
        for x, g, after in zip(study.x, study.g, study.x[1:], strict=False):
            z = x - eta * g

            def height(y: np.ndarray, z: np.ndarray = z) -> float:
                return float(((y - z) ** 2).sum() / (2 * eta) + study.oracle.penalty_value(y))

            near = after + 10.0 ** rng.uniform(-6, 1, (RIVALS, 1)) * rng.standard_normal((RIVALS, study.n))
            dropped = [np.where(np.arange(study.n) == k, 0.0, after) for k in range(min(study.n, 50))]
            reached.append(height(after))
            lowest.append(min(map(height, [0 * x, x, z, *dropped, *near])))
        yield Claim.at_most("height at x+ <= height at every rival", reached, lowest)

    def positive(self) -> Iterable[Case]:
        yield Case(problems.lasso, witness=True)
        yield Case(problems.hard_threshold, options={"step_size": 0.25})

    def controls(self) -> Iterable[Case]:
        yield Case(problems.lasso, VIOLATED, mutate=without_prox)
        yield Case(problems.pl_sine, NOT_APPLICABLE)
