"""ARC1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems
from ncsolve_theorems.second_order.steps import ACCURACY, steps_of, zero

ACCEPTED = 1e-4


def growing(study: Study) -> None:
    """sigma doubles in every step."""
    first = study.option("sigma")
    study.states = [replace(state, sigma=first * 2**k) for k, state in enumerate(study.states[:6])]


def half_step(study: Study) -> None:
    """Half of the first step."""
    start, end = study.x[:2]
    study.x = np.array([start, (start + end) / 2])


class AdaptiveCubic(Theorem):
    """Adaptive cubic regularisation minimises its model exactly, and keeps its weight below max(sigma_0, L).

    $$(H + \\lambda I)\\,s = -\\nabla f, \\quad \\lambda = \\sigma |s|, \\quad H + \\lambda I \\succeq 0, \\qquad
    \\sigma_k \\le \\sigma \\le \\max(\\sigma_0, L), \\qquad f(x) - f(x_+) \\ge 10^{-4}\\,(f(x) - m(s))$$

    L is the Lipschitz constant of H, sigma the weight with which the step was taken, and f(x) - m(s) =
    s'(H + lambda I)s/2 + lambda |s|^2/6. Proof: with sigma >= L/2 the model lies above f and the step is accepted; a
    rejected sigma < L/2 becomes the one with which the model would have met f, at most L/2, or twice itself.
    """

    id: ClassVar[str] = "ARC1"
    name: ClassVar[str] = "arc-sigma"
    kind: ClassVar[str] = "every iterate"
    solvers: ClassVar[tuple[str, ...]] = ("arc",)
    constants: ClassVar[tuple[str, ...]] = ("hessian_lipschitz",)
    assumptions: ClassVar[tuple[str, ...]] = ("H is L-Lipschitz",)
    demand: ClassVar[str] = "a first sigma, 0.001 where none is given; subproblem = exact"
    reference: ClassVar[str] = "Cartis, Gould & Toint 2011, Thm 3.1, Lemma 5.2, with the constants of the proof above"
    horizon: ClassVar[int] = 60

    def refusal(self, study: Study) -> str:
        return "" if study.n <= 200 else "More than 200 variables: the eigenvalues cost too much."

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"sigma": study.options.get("sigma") or 1e-3, "subproblem": "exact"}

    def claims(self, study: Study) -> Iterable[Claim]:
        sigma, f = np.array([state.sigma for state in study.states]), study.f
        bound = max(study.option("sigma"), study.constant("hessian_lipschitz"))
        yield Claim.at_most("sigma_k <= max(sigma_0, L)", sigma[1:], bound, first=1)
        steps = [step for step in steps_of(study) if step.k + 1 < min(len(sigma), study.comparable)]
        weights = np.array([step.shift / step.length for step in steps])
        before = sigma[[step.k for step in steps]]
        low = np.array([ACCURACY * step.scale / step.length for step in steps])  # what rounding may do to lambda / |s|
        yield zero("(H + lambda I) s = -g", [step.residual(step.shift) for step in steps])
        yield zero("H + lambda I >= 0", [max(-(step.lowest + step.shift) / step.scale, 0.0) for step in steps])
        yield Claim.at_most("sigma of the step <= max(sigma_0, L)", weights - low, bound)
        yield Claim.at_most("sigma_k <= sigma of the step", before - low, weights)
        bend = np.array([step.s @ step.H @ step.s / 2 + 2 / 3 * step.shift * step.length**2 for step in steps])
        fall = np.array([f[step.k] - f[step.k + 1] for step in steps])
        yield Claim.at_most("1e-4 (f - m(s)) <= f - f+", ACCEPTED * bend, fall)

    def positive(self) -> Iterable[Case]:
        yield Case(problems.rotated_sum)
        yield Case(problems.pl_sine, options={"sigma": 1.0})
        yield Case(problems.rotated_sum, options={"sigma": 100.0}, witness=True)

    def controls(self) -> Iterable[Case]:
        yield Case(problems.rotated_sum, VIOLATED, options={"sigma": 100.0}, mutate=growing)
        yield Case(problems.rotated_sum, VIOLATED, mutate=half_step)
        yield Case(problems.pl_sine, VIOLATED, options={"sigma": 1.0}, sabotage={"sigma": 200.0})
