"""NAG1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems
from ncsolve_theorems.common import PLAIN, convex, nesterov_update, values_at


def momenta(count: int) -> np.ndarray:
    """t_1 = 1, t_{k+1} = (1 + sqrt(1 + 4 t_k^2)) / 2."""
    t = np.ones(count)
    for k in range(1, count):
        t[k] = (1 + np.sqrt(1 + 4 * t[k - 1] ** 2)) / 2
    return t


class NesterovConvex(Theorem):
    """On a convex f Nesterov's method has f(z_k) - f* <= L R^2 / (2 t_k^2) <= 2 L R^2 / (k + 1)^2.

    $$f(z_k) - f_* \\le \\frac{L\\,|x_0 - x_*|^2}{2\\,t_k^2}, \\qquad t_{k+1} = \\frac{1 + \\sqrt{1 + 4 t_k^2}}{2}$$

    Proof: t_k^2 (f(z_k) - f*) + L/2 |t_k z_k - (t_k - 1) z_{k-1} - x*|^2 never rises; that is checked, too. z_k is the
    point after the gradient step, before the momentum.
    """

    id: ClassVar[str] = "NAG1"
    name: ClassVar[str] = "nag-convex"
    kind: ClassVar[str] = "every iterate"
    solvers: ClassVar[tuple[str, ...]] = ("nag",)
    constants: ClassVar[tuple[str, ...]] = ("smoothness", "strong_convexity", "minimum")
    assumptions: ClassVar[tuple[str, ...]] = ("f is L-smooth", "f is convex (strong_convexity = 0 claims it)")
    demand: ClassVar[str] = "step_size = 1/L, restart = false, momentum by the convex schedule"
    reference: ClassVar[str] = "Beck & Teboulle 2009, Thm 4.4"
    nonsmooth: ClassVar[bool] = True

    def refusal(self, study: Study) -> str:
        if study.oracle.penalty is not None:
            return "The problem has a penalty."
        if study.oracle.constants.get("strong_convexity"):
            return "The problem declares strong convexity: 'nag' takes the constant momentum of nag-strongly-convex."
        return convex(study)

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"step_size": 1 / study.L, "momentum": None, "strong_convexity": None, "restart": False, **PLAIN}

    def identity(self, study: Study) -> Claim | None:
        t = momenta(len(study.x))
        return nesterov_update(study, (t[:-1] - 1) / t[1:])

    def claims(self, study: Study) -> Iterable[Claim]:
        z = study.x - study.g / study.L
        t, gap = momenta(len(z)), values_at(study, z) - study.minimum
        before = np.vstack([study.x0, z[:-1]])
        u = t[:, None] * z - (t - 1)[:, None] * before - study.best
        R, L = study.distance[0], study.L
        potential = t**2 * gap + L / 2 * (u**2).sum(axis=1)
        yield Claim.at_most("f(z_k) - f* <= L R^2 / (2 t_k^2)", gap, L * R**2 / (2 * t**2), first=1)
        yield Claim.at_most("the potential never rises", potential[1:], potential[:-1], first=2)

    def positive(self) -> Iterable[Case]:
        yield Case(lambda: problems.huber(60), constants={"strong_convexity": 0}, horizon=60, witness=True)
        yield Case(problems.chain, horizon=80, witness=True)

    def controls(self) -> Iterable[Case]:
        yield Case(
            lambda: problems.huber(60), VIOLATED, constants={"strong_convexity": 0}, horizon=60,
            sabotage={"momentum": 0.0},
        )  # fmt: skip
        yield Case(problems.pl_sine, NOT_APPLICABLE)
