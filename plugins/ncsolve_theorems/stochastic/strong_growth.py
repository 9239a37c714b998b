"""SGD6."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems
from ncsolve_theorems.stochastic.rows import (
    expected_values,
    is_one_row_step,
    one_row_demand,
    row_gradients,
    row_hessians,
    too_many_rows,
)


class StrongGrowth(Theorem):
    """Where one x fits all rows, an update of SGD with eta = 1/(rho L) loses mu/(rho L) of the gap in expectation.

    $$E|g_i|^2 \\le \\rho\\,|\\nabla f|^2: \\quad
    E[f(x_+)] - f_* \\le \\left(1 - \\frac{\\mu}{\\rho L}\\right)(f(x) - f_*)$$

    rho is exact for least squares: the largest eigenvalue of H^-1 (mean H_i^2) H^-1, H > 0. The expectation is a mean
    over all rows at each iterate.

    Proof: E f+ <= f - eta |g|^2 + L eta^2 rho |g|^2 / 2.
    """

    id: ClassVar[str] = "SGD6"
    name: ClassVar[str] = "sgd-strong-growth"
    kind: ClassVar[str] = "expectation"
    solvers: ClassVar[tuple[str, ...]] = ("sgd",)
    constants: ClassVar[tuple[str, ...]] = ("smoothness", "pl", "minimum")
    assumptions: ClassVar[tuple[str, ...]] = ("every row is quadratic", "all rows vanish at x*", "H > 0")
    demand: ClassVar[str] = "batch_size = 1, sampling = uniform, step_size = 1/(rho L)"
    reference: ClassVar[str] = "Vaswani, Bach & Schmidt 2019, Thm 4"
    horizon: ClassVar[int] = 40

    def refusal(self, study: Study) -> str:
        if reason := too_many_rows(study):
            return reason
        if not study.oracle.structure.quadratic or study.least_curvature(study.x0) <= 0:
            return "f is not a quadratic with H > 0."
        left = float(np.abs(row_gradients(study, study.best)).max())
        scale = float(np.abs(row_gradients(study, study.x0)).max())
        return "" if left <= 1e-10 * scale else f"No x fits all rows: a row's gradient at x* is {left:.3g}."

    def growth(self, study: Study) -> float:
        """rho"""
        H, rows = study.hessian(study.x0), row_hessians(study)
        inverse = np.linalg.inv(H)
        return float(np.linalg.eigvalsh(inverse @ (rows @ rows).mean(axis=0) @ inverse)[-1])

    def demands(self, study: Study) -> Mapping[str, Any]:
        return one_row_demand(1 / (self.growth(study) * study.L))

    def identity(self, study: Study) -> Claim | None:
        return is_one_row_step(study)

    def claims(self, study: Study) -> Iterable[Claim]:
        mean, _ = expected_values(study)
        rate = 1 - study.mu * study.option("step_size")
        count = study.comparable
        left, right = (mean - study.minimum)[:count], rate * study.gap[:-1][:count]
        yield Claim.at_most("E f+ - f* <= (1 - mu/(rho L)) (f - f*)", left, right)

    def positive(self) -> Iterable[Case]:
        yield Case(problems.coin, witness=True)
        yield Case(problems.interpolation)

    def controls(self) -> Iterable[Case]:
        yield Case(problems.coin, VIOLATED, sabotage={"step_size": 1.2})
        yield Case(lambda: problems.interpolation(0.3), NOT_APPLICABLE)
