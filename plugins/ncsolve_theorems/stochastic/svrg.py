"""SVRG1."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve.theory.statistics import expectation_at_most
from ncsolve_theorems import problems
from ncsolve_theorems.common import runs
from ncsolve_theorems.stochastic.rows import row_hessians, too_many_rows

STAGES, RUNS = 3, 12


class VarianceReduction(Theorem):
    """SVRG with a random snapshot loses the same part of the gap in every stage, in expectation, at a constant step.

    $$E[f(\\tilde x_s)] - f_* \\le a^s (f(\\tilde x_0) - f_*), \\qquad
    a = \\frac{1}{\\mu \\eta (1 - 2 L \\eta) m} + \\frac{2 L \\eta}{1 - 2 L \\eta}$$

    L bounds the curvature of every row, which must be convex; f is mu-strongly convex. With eta = 1/(10 L) and m the
    first for which a <= 1/2. Checked by betting on 12 independent runs of 3 stages.
    """

    id: ClassVar[str] = "SVRG1"
    name: ClassVar[str] = "svrg-linear"
    kind: ClassVar[str] = "expectation"
    solvers: ClassVar[tuple[str, ...]] = ("svrg",)
    constants: ClassVar[tuple[str, ...]] = ("strong_convexity", "minimum")
    assumptions: ClassVar[tuple[str, ...]] = ("every row is convex and quadratic", "f is strongly convex")
    demand: ClassVar[str] = (
        "batch_size = 1, sampling = uniform, snapshot = random, step_size = 1/(10 L), inner_steps = m"
    )
    reference: ClassVar[str] = "Johnson & Zhang 2013, Thm 1"

    def refusal(self, study: Study) -> str:
        if reason := too_many_rows(study):
            return reason
        if not study.oracle.structure.quadratic:
            return "The rows are not quadratic: their largest curvature is not known."
        least = float(np.linalg.eigvalsh(row_hessians(study)).min())
        if least < -1e-9 * self.curvature(study):
            return f"A row is not convex: its Hessian has the eigenvalue {least:.3g}."
        if study.constant("strong_convexity") <= 0:
            return "f is convex, but not strongly."
        m = self.inner_steps(study)
        return "" if m <= 5000 else f"The condition is too bad for a check: m = {m}."

    def curvature(self, study: Study) -> float:
        return float(np.linalg.eigvalsh(row_hessians(study)).max())

    def inner_steps(self, study: Study) -> int:
        return math.ceil(4 * 10 * self.curvature(study) / (0.8 * study.constant("strong_convexity")))

    def demands(self, study: Study) -> Mapping[str, Any]:
        eta = 1 / (10 * self.curvature(study))
        kind = {"batch_size": 1, "sampling": "uniform", "snapshot": "random"}
        return {**kind, "step_size": eta, "inner_steps": self.inner_steps(study)}

    def claims(self, study: Study) -> Iterable[Claim]:
        eta, m, L = study.option("step_size"), study.option("inner_steps"), self.curvature(study)
        rest = 1 - 2 * L * eta
        a = 1 / (study.constant("strong_convexity") * eta * rest * m) + 2 * L * eta / rest
        gap = float(study.oracle.value(study.x0)) - study.minimum
        f = np.array([[state.objective for state in states] for states in runs(study, RUNS, STAGES)])
        for s in range(1, STAGES + 1):
            what = f"f - f* after stage {s}"
            yield expectation_at_most(what, np.maximum(f[:, s] - study.minimum, 0), a**s * gap, STAGES, s)

    def positive(self) -> Iterable[Case]:
        yield Case(lambda: problems.interpolation(0.3), witness=True)
        yield Case(lambda: problems.scatter(50))

    def controls(self) -> Iterable[Case]:
        yield Case(lambda: problems.interpolation(0.3), VIOLATED, sabotage={"inner_steps": 2})
        yield Case(problems.noisy_sine, NOT_APPLICABLE)
