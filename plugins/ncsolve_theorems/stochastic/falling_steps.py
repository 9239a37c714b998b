"""SGD3."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve.theory.statistics import expectation_at_most
from ncsolve_theorems import problems
from ncsolve_theorems.stochastic.rows import (
    additive_noise,
    expected_values,
    is_one_row_step,
    noise_variance,
    one_row_demand,
    too_many_rows,
    values_after,
)

RUNS, MOMENTS = 40, (10, 50)
few_rows = partial(problems.scatter, 50, 0.5)


class FallingSteps(Theorem):
    """Under the Polyak-Lojasiewicz inequality SGD with steps that fall like 2/(mu k) converges like 1/k, noise and all.

    $$\\eta_k = \\frac{2}{\\mu(\\gamma + k)}, \\quad \\gamma = \\lceil 2L/\\mu \\rceil: \\qquad
    E[f(x_k)] - f_* \\le \\frac{\\nu}{\\gamma + k},
    \\quad \\nu = \\max\\left\\{\\frac{2 L s^2}{\\mu^2},\\ \\gamma\\,(f(x_0) - f_*)\\right\\}$$

    s^2 is the variance of a row's gradient, here the same at every x. An update is checked by a mean over all rows, the
    bound by betting on 40 independent runs. The form L C^2 / (2 k mu^2) of Karimi et al. needs E|g_i|^2 <= C^2, which
    no PL function grants everywhere.

    Proof: gamma makes eta_0 <= 1/L, so that an update has E f+ - f* <= (1 - eta_k mu)(f - f*) + L eta_k^2 s^2 / 2; with
    m = gamma + k, (1 - 2/m) nu/m + nu/m^2 <= nu/(m + 1).
    """

    id: ClassVar[str] = "SGD3"
    name: ClassVar[str] = "sgd-falling-steps"
    kind: ClassVar[str] = "expectation"
    solvers: ClassVar[tuple[str, ...]] = ("sgd",)
    constants: ClassVar[tuple[str, ...]] = ("smoothness", "pl", "minimum")
    assumptions: ClassVar[tuple[str, ...]] = (
        "f is L-smooth", "|g|^2 / 2 >= mu (f - f*)", "g_i - g does not depend on x",
    )  # fmt: skip
    demand: ClassVar[str] = (
        "batch_size = 1, sampling = uniform, schedule = 1/k, schedule_steps = gamma, step_size = 2/(mu gamma)"
    )
    reference: ClassVar[str] = (
        "Bottou, Curtis & Nocedal 2018, Thm 4.7; Karimi, Nutini & Schmidt 2016, Thm 4; proof above"
    )
    horizon: ClassVar[int] = 25

    def refusal(self, study: Study) -> str:
        if reason := too_many_rows(study):
            return reason
        return "The variance of a row's gradient depends on x." if additive_noise(study) is None else ""

    def demands(self, study: Study) -> Mapping[str, Any]:
        gamma = math.ceil(2 * study.L / study.mu)
        return {**one_row_demand(2 / (study.mu * gamma)), "schedule": "1/k", "schedule_steps": gamma}

    def identity(self, study: Study) -> Claim | None:
        return is_one_row_step(study, steps_of(study))

    def claims(self, study: Study) -> Iterable[Claim]:
        noise, gap = additive_noise(study), study.gap
        assert noise is not None
        eta, s2 = steps_of(study), noise_variance(noise)
        mean, _ = expected_values(study)
        bound = (1 - eta * study.mu) * gap[:-1] + study.L * eta**2 / 2 * s2
        yield Claim.at_most("E f+ - f* <= (1 - eta_k mu)(f - f*) + L eta_k^2 s^2 / 2", mean - study.minimum, bound)
        gamma = study.option("schedule_steps")
        nu = max(2 * study.L * s2 / study.mu**2, gamma * float(gap[0]))
        for k, sample in zip(MOMENTS, values_after(study, RUNS, MOMENTS), strict=True):
            yield expectation_at_most(f"f - f* after {k} updates", sample, nu / (gamma + k), len(MOMENTS), k)

    def positive(self) -> Iterable[Case]:
        yield Case(few_rows, witness=True)
        yield Case(problems.noisy_sine)

    def controls(self) -> Iterable[Case]:
        yield Case(few_rows, VIOLATED, sabotage={"step_size": 0.05})
        yield Case(few_rows, VIOLATED, sabotage={"schedule": "constant"})
        yield Case(problems.coin, NOT_APPLICABLE)


def steps_of(study: Study) -> np.ndarray:
    """eta_k of every update of the run."""
    sgd = study.declared
    return np.array([sgd.step_size * sgd.factor(k) for k in range(len(study.x) - 1)])
