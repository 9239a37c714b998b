"""OGM."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.problem import Problem
from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems
from ncsolve_theorems.common import EPS, PLAIN, convex

STEPS = 20


def factors(count: int) -> np.ndarray:
    """theta_0, ..., theta_N: 1, (1 + sqrt(1 + 4 theta^2)) / 2, and 8 in place of 4 in the last, N = count - 1."""
    theta = np.ones(count)
    for k in range(1, count):
        theta[k] = (1 + np.sqrt(1 + (8 if k == count - 1 else 4) * theta[k - 1] ** 2)) / 2
    return theta


def worst(steps: int = STEPS) -> Problem:
    """Huber's function on which the method attains its bound after so many steps: tau = 1 / theta_N^2."""
    import sympy as sp

    from ncsolve.problem import Minimum

    x, tau = sp.Symbol("x", real=True), float(1 / factors(steps + 1)[-1] ** 2)
    f = sp.Piecewise((x**2 / 2, sp.Abs(x) <= tau), (tau * sp.Abs(x) - tau**2 / 2, True))
    constants = {"smoothness": 1, "minimum": 0}
    return Problem(f, name="huber", start={x: 1.0}, known=[Minimum({x: 0.0}, value=0.0)], constants=constants)


class OptimizedGradient(Theorem):
    """On a convex f the optimised gradient method has f(y_N) - f* <= L R^2 / (2 theta_N^2) after its N steps.

    $$f(y_N) - f_* \\le \\frac{L\\,|x_0 - x_*|^2}{2\\,\\theta_N^2}, \\qquad
    f(y_k) - \\frac{|\\nabla f(y_k)|^2}{2L} - f_* \\le \\frac{L\\,|x_0 - x_*|^2}{4\\,\\theta_k^2}\\ (k < N)$$

    About L R^2 / N^2, half of what Nesterov's method promises; no method that sees N gradients has a better bound
    [Drori 2017]. theta_{k+1} = (1 + sqrt(1 + 4 theta_k^2)) / 2 from theta_0 = 1, in the last step 8 in place of 4.
    """

    id: ClassVar[str] = "OGM"
    name: ClassVar[str] = "ogm-convex"
    kind: ClassVar[str] = "every iterate"
    solvers: ClassVar[tuple[str, ...]] = ("ogm",)
    constants: ClassVar[tuple[str, ...]] = ("smoothness", "strong_convexity", "minimum")
    assumptions: ClassVar[tuple[str, ...]] = ("f is L-smooth", "f is convex (strong_convexity = 0 claims it)")
    demand: ClassVar[str] = "step_size = 1/L, steps = the length of the run, restart = false"
    reference: ClassVar[str] = "Kim & Fessler 2016, Thm 2; d'Aspremont, Scieur & Taylor 2021, Thm 4.4"
    horizon: ClassVar[int] = 60
    nonsmooth: ClassVar[bool] = True  # once differentiable is enough, as Huber's function is

    def refusal(self, study: Study) -> str:
        return convex(study) or ("The problem has a penalty." if study.oracle.penalty is not None else "")

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"step_size": 1 / study.L, "steps": study.horizon, "restart": False, **PLAIN}

    def thetas(self, study: Study) -> np.ndarray:
        return factors(study.horizon + 1)[: len(study.x)]

    def identity(self, study: Study) -> Claim | None:
        theta, y = self.thetas(study), study.x
        z = y - study.g / study.L
        change = z[:-1] - np.vstack([y[:1], z[:-2]])
        beta, gamma = (theta[:-1] - 1) / theta[1:], theta[:-1] / theta[1:]
        after = z[:-1] + beta[:, None] * change + gamma[:, None] * (z[:-1] - y[:-1])
        size = np.abs(z[:-1]).max(axis=1) + np.abs(y[:-1]).max(axis=1)
        return Claim.equal(
            "y+ = z+ + beta (z+ - z) + gamma (z+ - y)", y[1:], after, 64 * EPS * np.maximum.accumulate(size)
        )

    def claims(self, study: Study) -> Iterable[Claim]:
        theta, L, N = self.thetas(study), study.L, study.horizon
        bound = L * study.distance[0] ** 2 / (4 * theta**2)
        lowered = study.gap - study.slope / (2 * L)
        yield Claim.at_most("f(y_k) - |g|^2/2L - f* <= L R^2/(4 theta_k^2)", lowered[:N], bound[:N])
        yield Claim.at_most("f(y_N) - f* <= L R^2/(2 theta_N^2)", study.gap[N:], 2 * bound[N:], first=N)

    def positive(self) -> Iterable[Case]:
        yield Case(worst, constants={"strong_convexity": 0}, horizon=STEPS, witness=True)
        yield Case(lambda: problems.degenerate(1))
        yield Case(problems.root_sum, constants={"strong_convexity": 0})

    def controls(self) -> Iterable[Case]:
        for wrong in ({"step_size": 0.9}, {"steps": 1}):  # too short, no momentum
            yield Case(worst, VIOLATED, constants={"strong_convexity": 0}, horizon=STEPS, sabotage=wrong)
        yield Case(problems.pl_sine, NOT_APPLICABLE)
