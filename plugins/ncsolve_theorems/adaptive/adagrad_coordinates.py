"""ADA2."""

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


class AdaGradCoordinates(Theorem):
    """AdaGrad by coordinate brings the mean of |g|^2 down as log(N)/sqrt(N), whatever its step size, convex or not.

    $$\\frac1N \\sum_{k < N} |\\nabla f(x_k)|^2 \\le \\frac{2 R D}{\\eta \\sqrt N}
    + \\frac{4 n R^2 + \\eta n R L}{\\sqrt N} \\ln\\left(1 + \\frac{N R^2}{G_0}\\right), \\qquad
    D = f(x_0) - f_*, \\quad R = \\max_k |\\nabla f(x_k)|_\\infty + \\sqrt{G_0}$$

    That is loose. What it comes from is not, and is checked as well: with b_i^2 = G_0 + sum_k g_i(x_k)^2

    eta sum_i (b_i^2 - G_0)/b_i <= f(x_0) - f(x_N) + eta^2 L / 2 sum_i ln(b_i^2 / G_0).

    Proof: f+ <= f - eta sum g_i^2/b_i + eta^2 L/2 sum g_i^2/b_i^2, the b_i only grow, and a/(A + a) <= ln(1 + a/A).
    """

    id: ClassVar[str] = "ADA2"
    name: ClassVar[str] = "adagrad-coordinates"
    kind: ClassVar[str] = "horizon"
    solvers: ClassVar[tuple[str, ...]] = ("adagrad",)
    constants: ClassVar[tuple[str, ...]] = ("smoothness", "minimum")
    assumptions: ClassVar[tuple[str, ...]] = ("f is L-smooth", "f >= f*")
    demand: ClassVar[str] = "norm = false, epsilon = 0, initial_accumulator > 0; 1 where none is given"
    reference: ClassVar[str] = "Defossez, Bottou, Bach & Usunier 2022, Thm 1; proof above"

    def demands(self, study: Study) -> Mapping[str, Any]:
        start = study.options.get("initial_accumulator") or 1.0
        return {"norm": False, "epsilon": 0.0, "initial_accumulator": start, **PLAIN}

    def identity(self, study: Study) -> Claim | None:
        return adagrad_update(study)

    def claims(self, study: Study) -> Iterable[Claim]:
        eta, start, L, n = study.option("step_size"), study.option("initial_accumulator"), study.L, study.n
        square = start + np.cumsum(study.g[:-1] ** 2, axis=0)
        fall = eta * ((square - start) / np.sqrt(square)).sum(axis=1)
        allowed = study.f[0] - study.f[1:] + eta**2 * L / 2 * np.log(square / start).sum(axis=1)
        yield Claim.at_most("eta sum (b_i^2 - G0)/b_i <= f0 - f + eta^2 L/2 sum ln(b_i^2/G0)", fall, allowed, first=1)
        N = np.arange(1, len(study.x))
        R = np.abs(study.g).max() + np.sqrt(start)
        bound = 2 * R * study.gap[0] / eta + (4 * n * R**2 + eta * n * R * L) * np.log(1 + N * R**2 / start)
        mean = np.cumsum(study.slope[:-1]) / N
        yield Claim.at_most("mean |g|^2 <= (2RD/eta + (4nR^2 + eta nRL) ln)/sqrt(N)", mean, bound / np.sqrt(N), first=1)

    def positive(self) -> Iterable[Case]:
        yield Case(problems.composition, options={"step_size": 1.0})
        yield Case(problems.root_sum)
        yield Case(problems.parabola, options={"step_size": 100.0, "initial_accumulator": 1e4}, witness=True)

    def controls(self) -> Iterable[Case]:
        options = {"step_size": 100.0, "initial_accumulator": 1e4}
        yield Case(problems.parabola, VIOLATED, options=options, sabotage={"step_size": 300.0})
        yield Case(problems.parabola, VIOLATED, options=options, mutate=frozen)
