"""SGD4."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve.theory.statistics import expectation_at_most
from ncsolve_theorems import problems
from ncsolve_theorems.common import runs
from ncsolve_theorems.stochastic.rows import additive_noise, noise_variance, one_row_demand, too_many_rows

UPDATES, RUNS = 40, 60


class SGDGradient(Theorem):
    """The mean of |g|^2 over T updates of SGD is 2 (f0 - f*)/(eta T) + L eta s^2 at most, convex or not.

    $$\\frac{1}{T} \\sum_{t < T} E|\\nabla f(x_t)|^2 \\le \\frac{2 (f(x_0) - f_*)}{\\eta T} + L \\eta s^2,
    \\qquad \\eta \\le 1/L$$

    s^2 is the variance of a row's gradient, here the same at every x. Checked by betting on 60 independent runs of 40
    updates.

    Proof: sum the descent lemma over the updates.
    """

    id: ClassVar[str] = "SGD4"
    name: ClassVar[str] = "sgd-gradient-norm"
    kind: ClassVar[str] = "expectation"
    solvers: ClassVar[tuple[str, ...]] = ("sgd",)
    constants: ClassVar[tuple[str, ...]] = ("smoothness", "minimum")
    assumptions: ClassVar[tuple[str, ...]] = ("f is L-smooth", "g_i - g does not depend on x")
    demand: ClassVar[str] = "batch_size = 1, sampling = uniform, step_size <= 1/L; 1/(2L) where none is given"
    reference: ClassVar[str] = "Ghadimi & Lan 2013; proof above"

    def refusal(self, study: Study) -> str:
        if reason := too_many_rows(study):
            return reason
        return "The variance of a row's gradient depends on x." if additive_noise(study) is None else ""

    def demands(self, study: Study) -> Mapping[str, Any]:
        return one_row_demand(min(study.options.get("step_size") or 1 / (2 * study.L), 1 / study.L))

    def claims(self, study: Study) -> Iterable[Claim]:
        eta, noise = study.option("step_size"), additive_noise(study)
        assert noise is not None
        gap = float(study.oracle.value(study.x0)) - study.minimum
        bound = 2 * gap / (eta * UPDATES) + study.L * eta * noise_variance(noise)
        means = []
        for states in runs(study, RUNS, UPDATES - 1):
            x = np.array([state.x for state in states])
            means.append((study.oracle.gradient(x) ** 2).sum(axis=1).mean())
        yield expectation_at_most("mean of |g|^2 over the updates", means, bound)

    def positive(self) -> Iterable[Case]:
        yield Case(problems.scatter, witness=True)
        yield Case(problems.noisy_sine)

    def controls(self) -> Iterable[Case]:
        yield Case(problems.scatter, VIOLATED, sabotage={"step_size": 1.9})
        yield Case(problems.pl_sine, NOT_APPLICABLE)
