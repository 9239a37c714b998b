"""ARC1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems


def growing(study: Study) -> None:
    """sigma doubles in every step."""
    first = study.option("sigma")
    study.states = [replace(state, sigma=first * 2**k) for k, state in enumerate(study.states[:6])]


class AdaptiveCubic(Theorem):
    """Adaptive cubic regularisation keeps its weight below max(sigma_0, L), L the Hessian's Lipschitz constant.

    $$\\sigma_k \\le \\max(\\sigma_0, L), \\qquad f(x_{k+1}) \\le f(x_k)$$

    Proof: with sigma >= L/2 the model lies above f and the step is accepted; a rejected sigma < L/2 becomes the one
    with which the model would have met f, at most L/2, or twice itself.
    """

    id: ClassVar[str] = "ARC1"
    name: ClassVar[str] = "arc-sigma"
    kind: ClassVar[str] = "every iterate"
    solvers: ClassVar[tuple[str, ...]] = ("arc",)
    constants: ClassVar[tuple[str, ...]] = ("hessian_lipschitz",)
    assumptions: ClassVar[tuple[str, ...]] = ("H is L-Lipschitz",)
    demand: ClassVar[str] = "a first sigma; 0.001 where none is given"
    reference: ClassVar[str] = "Cartis, Gould & Toint 2011, Lemma 5.2, with the constants of the proof above"
    horizon: ClassVar[int] = 60

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"sigma": study.options.get("sigma") or 1e-3}

    def claims(self, study: Study) -> Iterable[Claim]:
        sigma = np.array([state.sigma for state in study.states])
        bound = max(study.option("sigma"), study.constant("hessian_lipschitz"))
        yield Claim.at_most("sigma_k <= max(sigma_0, L)", sigma[1:], bound, first=1)
        yield Claim.at_most("f+ <= f", study.f[1:], study.f[:-1], first=1)

    def positive(self) -> Iterable[Case]:
        yield Case(problems.rotated_sum)
        yield Case(problems.pl_sine, options={"sigma": 1.0})
        yield Case(problems.rotated_sum, options={"sigma": 100.0}, witness=True)

    def controls(self) -> Iterable[Case]:
        yield Case(problems.rotated_sum, VIOLATED, options={"sigma": 100.0}, mutate=growing)
