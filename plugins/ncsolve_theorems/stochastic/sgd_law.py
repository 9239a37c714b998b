"""SGD1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve.theory.statistics import variance_is
from ncsolve_theorems import problems
from ncsolve_theorems.common import runs
from ncsolve_theorems.stochastic.rows import additive_noise, one_row_demand, too_many_rows

UPDATES, RUNS = 30, 400


class SGDLaw(Theorem):
    """On a parabola with additive noise the law of stochastic gradient descent is known at every step.

    $$x_K \\sim N\\left(q^K x_0,\\ \\eta^2 s^2\\,\\frac{1 - q^{2K}}{1 - q^2}\\right), \\quad q = 1 - \\eta\\lambda;
    \\qquad \\text{stationary variance } \\frac{\\eta s^2}{\\lambda (2 - \\eta\\lambda)}$$

    x counted from the minimiser. Chi-square, two-sided, on the last points of 400 independent runs of 30 updates. The
    noise of the rows must be about normal.
    """

    id: ClassVar[str] = "SGD1"
    name: ClassVar[str] = "sgd-law"
    kind: ClassVar[str] = "distribution"
    solvers: ClassVar[tuple[str, ...]] = ("sgd",)
    constants: ClassVar[tuple[str, ...]] = ("smoothness",)
    assumptions: ClassVar[tuple[str, ...]] = ("f is a parabola", "g_i - g does not depend on x", "it is about normal")
    demand: ClassVar[str] = "batch_size = 1, sampling = uniform; step_size = 1/(2L) where none is given"
    reference: ClassVar[str] = "elementary: x+ = q x + eta noise"

    def refusal(self, study: Study) -> str:
        if study.n != 1 or not study.oracle.structure.quadratic or study.hessian(study.x0)[0, 0] <= 0:
            return "f is not a parabola in one variable."
        if reason := too_many_rows(study):
            return reason
        noise = additive_noise(study)
        if noise is None:
            return "The noise of the rows depends on x."
        kurtosis = float((noise**4).mean() / (noise**2).mean() ** 2) if noise.any() else 0.0
        return (
            ""
            if 2 < kurtosis < 3.2 and len(noise) >= 50
            else f"The noise is not normal: its kurtosis is {kurtosis:.3g}."
        )

    def demands(self, study: Study) -> Mapping[str, Any]:
        return one_row_demand(study.options.get("step_size") or 1 / (2 * study.L), UPDATES)

    def claims(self, study: Study) -> Iterable[Claim]:
        eta, curvature = study.option("step_size"), study.hessian(study.x0)[0, 0]
        noise = additive_noise(study)
        assert noise is not None
        q = 1 - eta * curvature
        variance = eta**2 * (noise**2).mean() * (1 - q ** (2 * UPDATES)) / (1 - q**2)
        mean = study.best[0] + q**UPDATES * (study.x0 - study.best)[0]
        last = np.array([states[-1].x[0] for states in runs(study, RUNS, 1)])
        yield variance_is("mean and variance of x_K", last, float(variance), float(mean))

    def positive(self) -> Iterable[Case]:
        yield Case(problems.scatter, witness=True)
        yield Case(lambda: problems.scatter(100, -3.0), options={"step_size": 0.2}, seed=1)

    def controls(self) -> Iterable[Case]:
        yield Case(problems.scatter, VIOLATED, sabotage={"batch_size": 2})
        yield Case(problems.scatter, VIOLATED, sabotage={"step_size": 0.7})
        yield Case(problems.noisy_sine, NOT_APPLICABLE)
