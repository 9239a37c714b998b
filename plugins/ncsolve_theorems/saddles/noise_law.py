"""PGD1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve.theory.statistics import frequencies
from ncsolve_theorems import problems

RUNS, CELLS = 500, 10


class NoiseLaw(Theorem):
    """Perturbed gradient descent leaves a critical point by noise that is uniform in a ball.

    $$u \\sim U(B_r) \\subset R^n: \\qquad (|u| / r)^n \\sim U(0, 1), \\qquad x_1 - x_0 = (I - \\eta H)\\,u$$

    On a quadratic the step from a critical point shows u. Chi-square, 500 independent runs: the radius in ten cells of
    equal probability, and the orthant of u.
    """

    id: ClassVar[str] = "PGD1"
    name: ClassVar[str] = "perturbed-gd-noise"
    kind: ClassVar[str] = "distribution"
    solvers: ClassVar[tuple[str, ...]] = ("perturbed-gd",)
    constants: ClassVar[tuple[str, ...]] = ("smoothness",)
    assumptions: ClassVar[tuple[str, ...]] = ("f is quadratic", "g(x0) = 0", "n <= 5")
    demand: ClassVar[str] = "noise = fixed, step_size = 1/(2L); radius = 0.1 where none is given"
    reference: ClassVar[str] = "Jin, Netrapalli, Ge, Kakade & Jordan 2021, Alg. 4"

    def refusal(self, study: Study) -> str:
        if not study.oracle.structure.quadratic or study.n > 5:
            return "f is not a quadratic of at most five variables."
        g = float(np.abs(study.oracle.gradient(study.x0)).max())
        return "" if g <= 1e-12 else f"x0 is not critical: its gradient is {g:.3g}."

    def demands(self, study: Study) -> Mapping[str, Any]:
        radius = study.options.get("radius") or 0.1
        return {"radius": radius, "noise": "fixed", "step_size": 1 / (2 * study.L)}

    def claims(self, study: Study) -> Iterable[Claim]:
        map_back = np.linalg.inv(np.eye(study.n) - study.option("step_size") * study.hessian(study.x0))
        ends = [study.states_from(study.solver, study.x0, study.seed + 1 + k, 1)[-1].x for k in range(RUNS)]
        u = (np.array(ends) - study.x0) @ map_back.T / study.option("radius")
        level = np.linalg.norm(u, axis=1) ** study.n
        cells = np.minimum((level * CELLS).astype(int), CELLS)  # the last one lies outside of the ball
        law = np.append(np.full(CELLS, 1 / CELLS), 0.0)
        yield Claim.at_most("|u| <= r", level.max(), 1 + 1e-9, statistical=False)
        counts = np.bincount(np.where(level <= 1 + 1e-9, np.minimum(cells, CELLS - 1), CELLS), minlength=CELLS + 1)
        yield frequencies("(|u|/r)^n uniform", counts[:CELLS], law[:CELLS])
        orthant = ((u > 0) * 2 ** np.arange(study.n)).sum(axis=1)
        yield frequencies(
            "orthants of u", np.bincount(orthant, minlength=2**study.n), np.full(2**study.n, 2.0**-study.n)
        )

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
