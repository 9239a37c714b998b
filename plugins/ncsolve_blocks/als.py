"""Alternating least squares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import OptionError
from ncsolve_blocks.newton_step import newton_step

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]

ROUNDING = 1e-12


@dataclass(frozen=True)
class BlockState:
    x: Vector
    objective: float
    gradient: Vector
    stalled: bool = False

    message: ClassVar[str] = "no block can be improved by more than rounding"


@dataclass(frozen=True)
class AlternatingLeastSquares:
    """Exact minimisation over one block of variables after the other. [Harshman 1970; Zhou et al. 2008; Tseng 2001]

    One iteration is a sweep: x_b = argmin f(x_1, ..., ., ..., x_B) for every block b in which f is quadratic, one small
    linear system for each independent part of the block (for a matrix factorisation: one r x r system per row). Within
    bounds each system is solved by cyclic coordinates (HALS). A block in which f is not quadratic takes a truncated
    Newton step. f never rises; limit points of sweeps with unique minimisers are critical [Tseng 2001, Thm 4.1].
    """

    name: ClassVar[str] = "als"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "hvp", "blocks", "bounds"})
    state_type: ClassVar[type] = BlockState

    def check(self, oracle: Oracle) -> None:
        """Raise OptionError where f is quadratic in none of its blocks."""
        blocks = oracle.structure.blocks
        if not any(block.quadratic for block in blocks):
            shown = " | ".join(", ".join(block.names) for block in blocks)
            raise OptionError(
                f"Solver 'als' needs a block of variables in which the objective is quadratic; in problem "
                f"'{oracle.problem.name}' it is so in none of {shown}. Use 'bcd'."
            )

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> BlockState:
        return BlockState(x0, *oracle.value_and_gradient(x0))

    def step(self, oracle: Oracle, state: BlockState, rng: np.random.Generator) -> BlockState:
        x = state.x
        for k, block in enumerate(oracle.structure.blocks):
            y = oracle.minimise_block(x, k)
            x = newton_step(oracle, x, block) if y is None else oracle.project(y)
        f, g = oracle.value_and_gradient(x)
        if f > state.objective + ROUNDING * abs(state.objective):
            return BlockState(state.x, state.objective, state.gradient, stalled=True)
        return BlockState(x, f, g)
