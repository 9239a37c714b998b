"""Stochastic variance-reduced gradient."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option
from ncsolve_first_order.mini_batch import batch_or_default, check_batch_size, shuffled, uniform
from ncsolve_stochastic.sgd import step_size_by_curvature

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SVRGState:
    x: Vector
    """The snapshot."""
    objective: float
    gradient: Vector
    step_size: float
    epochs: float = 0.0
    """How often the whole finite sum was looked at."""


@dataclass(frozen=True)
class SVRG:
    """SVRG, x+ = P(x - eta (g_B(x) - g_B(s) + grad f(s))) around a snapshot s. [Johnson & Zhang 2013, Alg. 1]

    The estimate is unbiased and its variance vanishes as x and s near a minimum: a constant eta converges linearly. An
    iteration is one snapshot with m updates. For L-smooth convex terms and a mu-strongly convex sum the expected gap
    falls by 1 / (mu eta (1 - 2 L eta) m) + 2 L eta / (1 - 2 L eta) each time, if the next snapshot is a random one of
    the updates' points [ibid., Thm 1].
    """

    step_size: float | None = option(
        None, "length eta; none: 1 / (4 L), L the largest curvature of some batches at the start", above=0
    )
    batch_size: int | None = option(None, "B: rows in a mini-batch; none: 32, or all where there are fewer", at_least=1)
    sampling: Literal["shuffle", "uniform"] = option("uniform", "how rows are drawn: without replacement, or with it")
    inner_steps: int | None = option(None, "m, updates between snapshots; none: 2 N / B, two epochs", at_least=1)
    snapshot: Literal["last", "random"] = option("last", "which of the updates' points is the next snapshot")

    name: ClassVar[str] = "svrg"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "samples", "bounds"})
    state_type: ClassVar[type] = SVRGState

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> SVRGState:
        check_batch_size(oracle, self.name, self.batch_size)
        B = batch_or_default(self.batch_size, oracle.rows)
        eta = self.step_size or step_size_by_curvature(oracle, x0, B, rng, 0.25)
        return SVRGState(x0, *oracle.value_and_gradient(x0), eta)

    def step(self, oracle: Oracle, state: SVRGState, rng: np.random.Generator) -> SVRGState:
        gradient, N, eta, s, mu = oracle.row_gradient(), oracle.rows, state.step_size, state.x, state.gradient
        B = batch_or_default(self.batch_size, N)
        m = self.inner_steps or 2 * math.ceil(N / B)
        chosen = int(rng.integers(m)) if self.snapshot == "random" else m
        batches = (shuffled if self.sampling == "shuffle" else uniform)(N, B, m, rng)
        x, following, seen = s, s, 0
        for k, (rows, weight) in enumerate(batches):
            if k == chosen:
                following = x
            x = self.land(oracle, x - eta * (gradient(x, rows, weight) - gradient(s, rows, weight) + mu), eta)
            seen += 2 * len(rows)
        following = x if chosen == m else following
        return SVRGState(following, *oracle.value_and_gradient(following), eta, state.epochs + seen / N + 1)

    def land(self, oracle: Oracle, v: Vector, eta: float) -> Vector:
        """Where an update to v ends: P(v)."""
        return oracle.project(v)
