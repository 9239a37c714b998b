"""SAGA."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option
from ncsolve_first_order.mini_batch import batch_or_default, blocks_of, check_batch_size
from ncsolve_stochastic.sgd import step_size_by_curvature

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SAGAState:
    x: Vector
    table: Vector
    """The gradient of each block as last seen, shape (blocks, n)."""
    step_size: float
    epochs: float


@dataclass(frozen=True)
class SAGA:
    """SAGA, x+ = P(x - eta (g_j(x) - T_j + mean T)), then T_j = g_j(x), j random. [Defazio, Bach & Lacoste-Julien 2014]

    grad f is the mean of all g_j, one for each fixed block of B rows of the finite sum; T keeps every g_j as it was
    last seen, which takes N n / B numbers. eta = 1 / (3 L) converges linearly on strongly convex f, L the smoothness of
    the blocks [ibid., Cor. 1]. An iteration is an epoch.
    """

    step_size: float | None = option(
        None, "length eta; none: 1 / (3 L), L the largest curvature of some batches at the start", above=0
    )
    batch_size: int | None = option(None, "B: rows in a block; none: 32, or all where there are fewer", at_least=1)
    inner_steps: int | None = option(None, "updates in one iteration; none: an epoch, N / B", at_least=1)

    name: ClassVar[str] = "saga"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "samples", "bounds"})
    state_type: ClassVar[type] = SAGAState

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> SAGAState:
        check_batch_size(oracle, self.name, self.batch_size)
        B = batch_or_default(self.batch_size, oracle.rows)
        gradient, blocks = oracle.row_gradient(), blocks_of(oracle.rows, B)
        table = np.array([gradient(x0, rows, len(blocks)) for rows in blocks])
        eta = self.step_size or step_size_by_curvature(oracle, x0, B, rng, 1 / 3)
        return SAGAState(x0, table, eta, 1.0)

    def step(self, oracle: Oracle, state: SAGAState, rng: np.random.Generator) -> SAGAState:
        gradient, blocks = oracle.row_gradient(), blocks_of(oracle.rows, batch_or_default(self.batch_size, oracle.rows))
        count, eta, x, table = len(blocks), state.step_size, state.x, state.table.copy()
        mean, seen = table.mean(axis=0), 0
        for j in rng.integers(count, size=self.inner_steps or count):
            change = gradient(x, blocks[j], count)
            g = change.copy()
            change -= table[j]
            x = oracle.project(x - eta * (change + mean))
            mean += change / count
            table[j] = g
            seen += len(blocks[j])
        return SAGAState(x, table, eta, state.epochs + seen / oracle.rows)
