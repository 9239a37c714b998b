"""ADA1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems
from ncsolve_theorems.common import PLAIN, adagrad_update


def frozen(study: Study) -> None:
    """The accumulator does not grow, and the steps are too long: gradient descent with 2.5 / L."""
    x = [study.x0]
    for _ in range(10):
        x.append(x[-1] - 2.5 / study.L * study.oracle.gradient(x[-1]))
    study.x = np.array(x)


class AdaGradNorm(Theorem):
    """AdaGrad-Norm with b0 >= eta L keeps the sum of all |g|^2 bounded: the smallest is of order 1/N, convex or not.

    $$\\sum_{j < N} |\\nabla f(x_j)|^2 \\le \\frac{4 D^2}{\\eta^2} + \\frac{2 b_0 D}{\\eta}, \\qquad D = f(x_0) - f_*$$

    Proof: f_{j+1} <= f_j - eta |g_j|^2 / (2 b_{j+1}), so (b_N^2 - b_0^2)/b_N <= 2D/eta, b_N <= b_0 + 2D/eta, and the
    sum is b_N^2 - b_0^2.
    """

    id: ClassVar[str] = "ADA1"
    name: ClassVar[str] = "adagrad-norm"
    kind: ClassVar[str] = "horizon"
    solvers: ClassVar[tuple[str, ...]] = ("adagrad",)
    constants: ClassVar[tuple[str, ...]] = ("smoothness", "minimum")
    assumptions: ClassVar[tuple[str, ...]] = ("f is L-smooth", "f >= f*")
    demand: ClassVar[str] = "norm = true, epsilon = 0, initial_accumulator = (step_size L)^2"
    reference: ClassVar[str] = "Ward, Wu & Bottou 2019, Thm 2.2, with the constants of the proof above"

    def demands(self, study: Study) -> Mapping[str, Any]:
        b0 = study.options.get("step_size", 0.1) * study.L
        return {"norm": True, "epsilon": 0.0, "initial_accumulator": b0**2, **PLAIN}

    def identity(self, study: Study) -> Claim | None:
        return adagrad_update(study)

    def claims(self, study: Study) -> Iterable[Claim]:
        eta, D = study.option("step_size"), study.gap[0]
        b0 = study.option("initial_accumulator") ** 0.5
        bound = 4 * D**2 / eta**2 + 2 * b0 * D / eta
        yield Claim.at_most("sum |g|^2 <= 4 D^2/eta^2 + 2 b0 D/eta", np.cumsum(study.slope), bound, first=1)

    def positive(self) -> Iterable[Case]:
        yield Case(problems.composition, options={"step_size": 1.0})
        yield Case(problems.composition)
        yield Case(problems.parabola, options={"step_size": 100.0}, witness=True)

    def controls(self) -> Iterable[Case]:
        yield Case(problems.parabola, VIOLATED, options={"step_size": 100.0}, mutate=frozen)
