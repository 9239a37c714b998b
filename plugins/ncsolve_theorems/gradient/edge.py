"""GD6, near a minimum."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import VIOLATED, Case, Claim, Study
from ncsolve.theory.claim import LEVEL
from ncsolve_theorems import problems
from ncsolve_theorems.common import PLAIN, Descent

RUNS, STEPS = 50, 250
SMALL = 1e-9
NEAR = 1e-3
"""Part by which the curvature at an end may exceed 2/eta: convergence at the edge is slow."""


class GDEdge(Descent):
    """From a random start gradient descent with the step eta converges only to points with curvatures up to 2/eta.

    $$P\\left(\\lim x_k = x_*,\\ \\lambda_{\\max}(H(x_*)) > 2/\\eta\\right) = 0$$

    Proof: with a larger eigenvalue the map x - eta g(x) expands along its eigenvector, |1 - eta lambda| > 1, and what
    it takes to x* is a set of measure 0, as at a saddle. Among many minima it chooses flat ones. Checked on 50 runs
    from random starts; runs that do not settle say nothing.
    """

    id: ClassVar[str] = "GD6e"
    name: ClassVar[str] = "gd-edge-of-stability"
    kind: ClassVar[str] = "almost surely"
    assumptions: ClassVar[tuple[str, ...]] = ("f is twice differentiable", "starts have a density")
    demand: ClassVar[str] = "a fixed step_size; 0.1 where none is given"
    reference: ClassVar[str] = "Panageas & Piliouras 2017, for the stable manifold; proof above"
    horizon: ClassVar[int] = 60

    def refusal(self, study: Study) -> str:
        return "" if study.n <= 50 else "More than 50 variables: the Hessians at the ends cost too much."

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"step_size": study.options.get("step_size") or 0.1, **PLAIN}

    def claims(self, study: Study) -> Iterable[Claim]:
        rng = np.random.default_rng(study.seed)
        runs = [study.states_from(study.solver, study.random_start(rng), study.seed, STEPS) for _ in range(RUNS)]
        ends = [states[-1] for states in runs if states]  # f may not be finite at a start
        settled = [state.x for state in ends if np.abs(state.gradient).max() <= SMALL]
        limit = 2 / study.option("step_size") * (1 + NEAR)
        sharp = sum(float(np.linalg.eigvalsh(study.hessian(x))[-1]) > limit for x in settled)
        bound = 1 - LEVEL ** (1 / max(1, len(settled)))
        what = f"curvatures beyond 2/eta among {len(settled)} ends (0 of them: P <= {bound:.2g})"
        if settled:
            yield Claim.at_most(what, float(sharp), 0.0, statistical=True)

    def positive(self) -> Iterable[Case]:
        yield Case(problems.hyperbola, options={"step_size": 0.5}, witness=True)
        yield Case(lambda: problems.hyperbola(-2.0, 0.5), options={"step_size": 0.3}, seed=1)

    def controls(self) -> Iterable[Case]:
        yield Case(problems.hyperbola, VIOLATED, options={"step_size": 0.5}, sabotage={"step_size": 0.1})
