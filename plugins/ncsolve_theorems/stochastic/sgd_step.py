"""SGD2."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, ClassVar

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve.theory.statistics import expectation_at_most
from ncsolve_theorems import problems
from ncsolve_theorems.stochastic.rows import (
    additive_noise,
    expected_values,
    is_one_row_step,
    louder,
    noise_variance,
    one_row_demand,
    too_many_rows,
    values_after,
)

RUNS, MOMENTS = 60, (5, 25)
few_rows = partial(problems.scatter, 50)


class SGDStep(Theorem):
    """Under the Polyak-Lojasiewicz inequality SGD converges linearly, up to its noise.

    $$E[f(x_+)] - f_* \\le (1 - \\eta\\mu)(f(x) - f_*) + \\frac{L \\eta^2}{2}\\,E|g_i - \\nabla f(x)|^2,
    \\qquad \\eta \\le 1/L;$$

    where the noise g_i - g does not depend on x and has the variance s^2, E f(x_k) - f* <= (1 - eta mu)^k (f0 - f*) +
    eta L s^2 / (2 mu). The expectation of a single update is a mean over all rows at each iterate: no statistics. That
    of many is checked by betting on 60 independent runs.

    Proof: the descent lemma, E g_i = g, and 1 - L eta / 2 >= 1/2.
    """

    id: ClassVar[str] = "SGD2"
    name: ClassVar[str] = "sgd-pl"
    kind: ClassVar[str] = "expectation"
    solvers: ClassVar[tuple[str, ...]] = ("sgd",)
    constants: ClassVar[tuple[str, ...]] = ("smoothness", "pl", "minimum")
    assumptions: ClassVar[tuple[str, ...]] = ("f is L-smooth", "|g|^2 / 2 >= mu (f - f*)", "f is a finite sum")
    demand: ClassVar[str] = "batch_size = 1, sampling = uniform, step_size <= 1/L; 1/L where none is given"
    reference: ClassVar[str] = "Karimi, Nutini & Schmidt 2016, Thm 4 (constant step size); proof above"
    horizon: ClassVar[int] = 25

    def refusal(self, study: Study) -> str:
        return too_many_rows(study)

    def demands(self, study: Study) -> Mapping[str, Any]:
        return one_row_demand(min(study.options.get("step_size") or 1 / study.L, 1 / study.L))

    def identity(self, study: Study) -> Claim | None:
        return is_one_row_step(study)

    def claims(self, study: Study) -> Iterable[Claim]:
        eta = study.option("step_size")
        mean, variance = expected_values(study)
        bound = (1 - eta * study.mu) * study.gap[:-1] + study.L * eta**2 / 2 * variance
        yield Claim.at_most("E f+ - f* <= (1 - eta mu)(f - f*) + L eta^2 s^2 / 2", mean - study.minimum, bound)
        noise = additive_noise(study)
        if noise is None:
            return
        floor = eta * study.L * noise_variance(noise) / (2 * study.mu)
        for k, sample in zip(MOMENTS, values_after(study, RUNS, MOMENTS), strict=True):
            limit = (1 - eta * study.mu) ** k * float(study.gap[0]) + floor
            yield expectation_at_most(f"f - f* after {k} updates", sample, limit, len(MOMENTS), k)

    def positive(self) -> Iterable[Case]:
        yield Case(few_rows, witness=True)
        yield Case(problems.noisy_sine)
        yield Case(lambda: problems.interpolation(0.3))

    def controls(self) -> Iterable[Case]:
        yield Case(few_rows, VIOLATED, sabotage={"step_size": 1.3})
        yield Case(few_rows, VIOLATED, mutate=louder)
        yield Case(few_rows, VIOLATED, constants={"smoothness": 0.3})
        yield Case(problems.pl_sine, NOT_APPLICABLE)
