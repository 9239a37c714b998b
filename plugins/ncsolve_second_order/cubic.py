"""Cubic regularisation of Newton's method."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option
from ncsolve_second_order.cubic_model import cubic_inside, cubic_trial, first_sigma
from ncsolve_second_order.line_search import NOISE
from ncsolve_second_order.ratio import has_gradient, too_short
from ncsolve_second_order.secular import curved_model

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class CubicState:
    x: Vector
    objective: float
    gradient: Vector
    constant: float
    """M, the Hessian's Lipschitz constant or its estimate; nan before the first step."""
    stalled: bool = False


@dataclass(frozen=True)
class Cubic:
    """Cubic regularisation of Newton's method. [Nesterov & Polyak 2006]

    x+ minimises f + g'p + p'Hp/2 + M |p|^3 / 6 over p = x+ - x. If H is M-Lipschitz, f(x+) is at most the model's value
    and f falls by M |p|^3 / 12 at least [Lemma 4]; the best gradient of k steps is O(k^-2/3), the best least eigenvalue
    -O(k^-1/3) [Thm 1]. Without a known M the first of M/2, M, 2M, ... is taken for which f(x+) is at most the model's
    value [section 5.2]. With bounds the step of the same length is found face by face.
    """

    regularization: float | None = option(
        None, "M, the Hessian's Lipschitz constant; every step is taken then. none: found on the way", above=0
    )

    name: ClassVar[str] = "cubic"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "hessian", "bounds"})
    state_type: ClassVar[type] = CubicState

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> CubicState:
        return CubicState(x0, *oracle.value_and_gradient(x0), self.regularization or math.nan)

    def step(self, oracle: Oracle, state: CubicState, rng: np.random.Generator) -> CubicState:
        x, f, M = state.x, state.objective, state.constant
        model = curved_model(state.gradient, oracle.hessian(x), max(1.0, float(np.abs(x).max())))
        if self.regularization is not None:
            y = oracle.project(x + cubic_inside(oracle, model, x, M / 2))
            return CubicState(y, *oracle.value_and_gradient(y), M)
        M = 4 * first_sigma(model, x) if math.isnan(M) else M
        M = max(M / 2, float(np.finfo(float).tiny))
        while found := cubic_trial(oracle, model, x, f, M / 2):
            trial = found.trial
            if trial.rho >= 1 - NOISE and has_gradient(oracle, trial.x):
                return CubicState(trial.x, trial.f, oracle.gradient(trial.x), M)
            if too_short(found.length, x):
                break
            M *= 2
        return replace(state, constant=M, stalled=True)
