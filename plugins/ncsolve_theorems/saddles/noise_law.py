"""PGD1."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve.theory.statistics import frequencies
from ncsolve_theorems import problems
from ncsolve_theorems.common import runs

RUNS, CELLS = 400, 10
FAR, RARELY = 2.0, 10
"""An escape is seen where the point is FAR radii away, and awaited for |u_1| >= r / RARELY."""
MOST_STEPS = 200


class NoiseLaw(Theorem):
    """Perturbed gradient descent leaves a critical point by noise that is uniform in a ball, after a time of known law.

    $$u \\sim U(B_r) \\subset R^n: \\qquad (|u| / r)^n \\sim U(0, 1), \\qquad x_k - x_0 = (I - \\eta H)^k u,
    \\qquad T = \\left\\lceil \\frac{\\log(Y / |u_1|)}{\\log(1 + \\eta\\gamma)} \\right\\rceil$$

    On a quadratic the first step from a critical point shows u. T is the step at which the point is Y = 2 r away along
    the eigenvector with the eigenvalue -gamma < 0; (u_1/r)^2 has the law Beta(1/2, (n + 1)/2). Chi-square, 400
    independent runs: the radius in ten cells of equal probability, the orthant of u, and T.

    Proof: the volume of a ball grows like r^n; along an eigenvector a step multiplies by 1 - eta lambda.
    """

    id: ClassVar[str] = "PGD1"
    name: ClassVar[str] = "perturbed-gd-noise"
    kind: ClassVar[str] = "distribution"
    solvers: ClassVar[tuple[str, ...]] = ("perturbed-gd",)
    constants: ClassVar[tuple[str, ...]] = ("smoothness",)
    assumptions: ClassVar[tuple[str, ...]] = ("f is quadratic", "g(x0) = 0", "n <= 5")
    demand: ClassVar[str] = "noise = fixed, step_size = 1/(2L), wait = 400; radius = 0.1 where none is given"
    reference: ClassVar[str] = "Jin, Netrapalli, Ge, Kakade & Jordan 2021, Alg. 4"

    def refusal(self, study: Study) -> str:
        if not study.oracle.structure.quadratic or study.n > 5:
            return "f is not a quadratic of at most five variables."
        g = float(np.abs(study.oracle.gradient(study.x0)).max())
        return "" if g <= 1e-12 else f"x0 is not critical: its gradient is {g:.3g}."

    def demands(self, study: Study) -> Mapping[str, Any]:
        radius = study.options.get("radius") or 0.1
        return {"radius": radius, "noise": "fixed", "step_size": 1 / (2 * study.L), "wait": 2 * MOST_STEPS}

    def claims(self, study: Study) -> Iterable[Claim]:
        w, Q = np.linalg.eigh(study.hessian(study.x0))
        growth = 1 - study.option("step_size") * w
        law = escape_law(study.n, float(growth[0]))
        x = np.array([[state.x for state in states] for states in runs(study, RUNS, max(1, len(law)))]) - study.x0
        u = (x[:, 1] @ Q / growth) @ Q.T / study.option("radius")
        level = np.linalg.norm(u, axis=1) ** study.n
        yield Claim.at_most("|u| <= r", level.max(), 1 + 1e-9)
        cells = np.minimum((level * CELLS).astype(int), CELLS - 1)
        yield frequencies("(|u|/r)^n uniform", np.bincount(cells, minlength=CELLS), np.full(CELLS, 1 / CELLS), 3)
        orthant = ((u > 0) * 2 ** np.arange(study.n)).sum(axis=1)
        corners = 2**study.n
        yield frequencies("orthants of u", np.bincount(orthant, minlength=corners), np.full(corners, 1 / corners), 3)
        if len(law):
            far = np.abs(x[:, 1:] @ Q[:, 0]) >= FAR * study.option("radius")
            steps = np.where(far.any(axis=1), far.argmax(axis=1), len(law) - 1)
            yield frequencies("T", np.bincount(steps, minlength=len(law)), law, 3)

    def positive(self) -> Iterable[Case]:
        yield Case(lambda: problems.quadratic(-1.0, 2.0, 3.0), x0=[0.0, 0.0, 0.0], witness=True)
        yield Case(lambda: problems.quadratic(-1.0, 2.0), x0=[0.0, 0.0], options={"radius": 0.5}, seed=1000)

    def controls(self) -> Iterable[Case]:
        for factor in (1.3, 0.8):
            yield Case(
                lambda: problems.quadratic(-1.0, 2.0, 3.0), VIOLATED, x0=[0.0, 0.0, 0.0], options={"radius": 0.1},
                sabotage={"radius": 0.1 * factor},
            )  # fmt: skip
        yield Case(problems.saddle_well, NOT_APPLICABLE)


def escape_law(n: int, growth: float) -> np.ndarray:
    """P(T = k), k = 1, 2, ..., the last one that T is at least k; empty where there is no escape, or a very slow one.

    T <= k where |u_1| growth^k >= FAR r.
    """
    from scipy.stats import beta

    count = math.ceil(math.log(FAR * RARELY) / math.log(growth)) if growth > 1 else MOST_STEPS
    if count >= MOST_STEPS:
        return np.zeros(0)
    reached = beta.sf(np.minimum(1.0, FAR / growth ** np.arange(1, count)) ** 2, 0.5, (n + 1) / 2)
    return np.diff(np.concatenate([[0.0], reached, [1.0]]))
