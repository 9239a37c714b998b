"""Block coordinate descent with second-order steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncsolve_blocks.als import BlockState
from ncsolve_blocks.newton_step import newton_step

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class BlockCoordinateDescent:
    """A truncated Newton step in one block of variables after the other. [Grippo & Sciandrone 2000]

    The blocks are the declared ones, or those that were found. Each step solves H_bb d = -g_b by conjugate gradients as
    far as is worth it, follows negative curvature where it meets any, and goes back along the projected path until f
    falls by Armijo's condition.
    """

    name: ClassVar[str] = "bcd"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "hvp", "bounds"})
    state_type: ClassVar[type] = BlockState

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> BlockState:
        return BlockState(x0, *oracle.value_and_gradient(x0))

    def step(self, oracle: Oracle, state: BlockState, rng: np.random.Generator) -> BlockState:
        x = state.x
        for block in oracle.structure.blocks:
            x = newton_step(oracle, x, block)
        return BlockState(x, *oracle.value_and_gradient(x), stalled=x is state.x)
