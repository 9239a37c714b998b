"""RCD1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve.theory.statistics import frequencies
from ncsolve_theorems import problems
from ncsolve_theorems.common import EPS, outcomes, values_at

DRAWS = 400


def first_coordinate(study: Study) -> None:
    """The first coordinate is always the one that moves."""
    stubborn = type("Stubborn", (type(study.solver),), {"coordinate": lambda *_: 0})
    study.solver = stubborn(**asdict(study.solver))


class RandomCoordinate(Theorem):
    """Under the Polyak-Lojasiewicz inequality a step along a random coordinate loses mu/(n L_c) of the gap in the mean.

    $$|H_{ii}| \\le L_c, \\quad \\eta = 1/L_c: \\qquad
    E[f(x_+)] - f_* \\le \\left(1 - \\frac{\\mu}{n L_c}\\right)(f(x) - f_*)$$

    i is uniform; the greedy coordinate, that of the largest |g_i|, promises as much without the E, and f - f+ >=
    max_i g_i^2 / (2 L_c). L_c is exact for a quadratic, else L. The expectation is a mean over all coordinates at each
    iterate; that they are drawn uniformly, chi-square on 400 first steps.

    Proof: f - f(x - eta g_i e_i) >= g_i^2 / (2 L_c), whose mean over i is |g|^2 / (2 n L_c).
    """

    id: ClassVar[str] = "RCD1"
    name: ClassVar[str] = "rcd-pl"
    kind: ClassVar[str] = "expectation"
    solvers: ClassVar[tuple[str, ...]] = ("rcd",)
    constants: ClassVar[tuple[str, ...]] = ("smoothness", "pl", "minimum")
    assumptions: ClassVar[tuple[str, ...]] = ("|H_ii| <= L_c everywhere", "|g|^2 / 2 >= mu (f - f*)")
    demand: ClassVar[str] = "step_size = 1/L_c"
    reference: ClassVar[str] = "Karimi, Nutini & Schmidt 2016, Thm 3"
    horizon: ClassVar[int] = 100

    def refusal(self, study: Study) -> str:
        return "" if study.n <= 200 else "More than 200 variables: enumerating all steps costs too much."

    def smoothness(self, study: Study) -> float:
        """L_c"""
        if study.oracle.structure.quadratic:
            return float(np.abs(np.diag(study.hessian(study.x0))).max())
        return study.L

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"step_size": 1 / self.smoothness(study)}

    def identity(self, study: Study) -> Claim | None:
        step = study.x[1:] - study.x[:-1]
        plain = -study.option("step_size") * study.g[:-1]
        moved = np.abs(step).argmax(axis=1)[:, None] == np.arange(study.n)
        size = np.abs(study.x[:-1]).max(axis=1) + np.abs(plain).max(axis=1)
        return Claim.equal("x+ = x - eta g_i e_i", step, np.where(moved & (step != 0), plain, 0.0), 16 * EPS * size)

    def claims(self, study: Study) -> Iterable[Claim]:
        count = min(study.comparable, len(study.x) - 1)
        gap, rate = study.gap[: count + 1], self.rate(study)
        if study.option("selection") == "greedy":
            fall = (study.g[:count] ** 2).max(axis=1) / 2 * study.option("step_size")
            yield Claim.at_most(
                "f+ <= f - max g_i^2 / (2 L_c)", study.f[1 : count + 1], study.f[:count] - fall, first=1
            )
            yield Claim.at_most("f+ - f* <= (1 - mu/(n L_c)) (f - f*)", gap[1:], rate * gap[:-1], first=1)
            return
        mean = np.array([values_at(study, outcomes(study, state, study.n)).mean() for state in study.states[:count]])
        yield Claim.at_most("E f+ - f* <= (1 - mu/(n L_c)) (f - f*)", mean - study.minimum, rate * gap[:count])
        yield frequencies("coordinates drawn", self.drawn(study), np.full(study.n, 1 / study.n))

    def drawn(self, study: Study) -> np.ndarray:
        """How often each coordinate moves in first steps."""
        rng = np.random.default_rng(study.seed)
        state = study.solver.init(study.oracle, study.x0, rng)
        landed = np.array([study.solver.step(study.oracle, state, rng).x for _ in range(DRAWS)])
        return np.asarray((landed != study.x0).sum(axis=0))

    def rate(self, study: Study) -> float:
        return 1 - study.mu * study.option("step_size") / study.n

    def positive(self) -> Iterable[Case]:
        yield Case(lambda: problems.quadratic(2.0, 2.0, 2.0), witness=True)
        yield Case(problems.composition)
        yield Case(problems.composition, options={"selection": "greedy"})

    def controls(self) -> Iterable[Case]:
        yield Case(lambda: problems.quadratic(2.0, 2.0, 2.0), VIOLATED, sabotage={"step_size": 1.5})
        yield Case(problems.composition, VIOLATED, mutate=first_coordinate)
        yield Case(lambda: problems.chain(300), NOT_APPLICABLE)
