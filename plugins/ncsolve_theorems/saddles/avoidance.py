"""LEE1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study
from ncsolve.theory.claim import LEVEL
from ncsolve_theorems import problems
from ncsolve_theorems.common import PLAIN, Descent

RUNS, STEPS = 60, 200
SMALL = 1e-6


def on_the_stable_manifold(study: Study) -> None:
    """All starts have y = 0, from where gradient descent runs into the saddle."""
    study.random_start = lambda rng: np.array([rng.uniform(-1, 1), 0.0])


class SaddleAvoidance(Descent):
    """From a random start gradient descent with eta < 1/L converges to a strict saddle with probability 0.

    $$P\\left(\\lim x_k \\text{ is a strict saddle}\\right) = 0, \\qquad \\eta < 1/L$$

    f is twice differentiable, L-smooth where the runs are; a strict saddle is a critical point with lambda_min(H) < 0.
    60 runs from random starts: none may end within 1e-6 of the critical condition with a negative eigenvalue. That
    bounds the probability, with the level of the test, and proves nothing.
    """

    id: ClassVar[str] = "LEE1"
    name: ClassVar[str] = "gd-avoids-saddles"
    kind: ClassVar[str] = "almost surely"
    constants: ClassVar[tuple[str, ...]] = ("smoothness",)
    assumptions: ClassVar[tuple[str, ...]] = ("f is L-smooth where the runs are", "starts have a density")
    demand: ClassVar[str] = "step_size = 0.99/L"
    reference: ClassVar[str] = "Lee, Simchowitz, Jordan & Recht 2016; Panageas & Piliouras 2017"

    def refusal(self, study: Study) -> str:
        return "" if study.n <= 50 else "More than 50 variables: the Hessians at the ends cost too much."

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"step_size": 0.99 / study.L, **PLAIN}

    def claims(self, study: Study) -> Iterable[Claim]:
        rng = np.random.default_rng(study.seed)
        ends = [self.end(study, study.random_start(rng)) for _ in range(RUNS)]
        settled = [state for state in ends if np.abs(state.gradient).max() <= SMALL]
        stuck = sum(study.least_curvature(state.x) < -1e3 * SMALL for state in settled)
        bound = 1 - LEVEL ** (1 / max(1, len(settled)))
        what = f"saddles among {len(settled)} ends (0 of them: P <= {bound:.2g})"
        if settled:
            yield Claim.at_most(what, float(stuck), 0.0, statistical=True)

    def end(self, study: Study, x0: np.ndarray) -> Any:
        return study.states_from(study.solver, x0, study.seed, STEPS)[-1]

    def positive(self) -> Iterable[Case]:
        yield Case(problems.saddle_well, constants={"smoothness": 11.0}, witness=True)
        yield Case(problems.hyperbola, constants={"smoothness": 30.0})

    def controls(self) -> Iterable[Case]:
        yield Case(problems.saddle_well, VIOLATED, constants={"smoothness": 11.0}, mutate=on_the_stable_manifold)
        yield Case(lambda: problems.quadratic(*range(1, 60)), NOT_APPLICABLE)
