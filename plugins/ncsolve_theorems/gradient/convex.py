"""GD5."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study
from ncsolve_theorems import problems
from ncsolve_theorems.common import UnitStep, convex


class GDConvex(UnitStep):
    """On a convex f gradient descent with 1/L has f_k - f* <= L R^2 / (4k + 2), R the distance to a minimiser.

    $$f(x_k) - f_* \\le \\frac{L\\,|x_0 - x_*|^2}{4k + 2}$$
    """

    id: ClassVar[str] = "GD5"
    name: ClassVar[str] = "gd-convex"
    kind: ClassVar[str] = "every iterate"
    constants: ClassVar[tuple[str, ...]] = ("smoothness", "strong_convexity", "minimum")
    assumptions: ClassVar[tuple[str, ...]] = ("f is L-smooth", "f is convex (strong_convexity = 0 claims it)")
    reference: ClassVar[str] = "Drori & Teboulle 2014, Thm 3.1"
    nonsmooth: ClassVar[bool] = True  # once differentiable is enough, as Huber's function is

    def refusal(self, study: Study) -> str:
        return convex(study) or ("The problem has a penalty." if study.oracle.penalty is not None else "")

    def claims(self, study: Study) -> Iterable[Claim]:
        k = np.arange(len(study.x))
        bound = study.L * study.distance[0] ** 2 / (4 * k + 2)
        yield Claim.at_most("f_k - f* <= L R^2 / (4k + 2)", study.gap, bound)

    def positive(self) -> Iterable[Case]:
        yield Case(lambda: problems.huber(10), constants={"strong_convexity": 0}, horizon=10, witness=True)
        yield Case(lambda: problems.degenerate(1))
        yield Case(problems.root_sum, constants={"strong_convexity": 0})

    def controls(self) -> Iterable[Case]:
        yield Case(
            lambda: problems.huber(10), VIOLATED, constants={"strong_convexity": 0}, horizon=10,
            sabotage={"step_size": 0.9},
        )  # fmt: skip
        yield Case(problems.pl_sine, NOT_APPLICABLE)
