"""Saddle-free Newton."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option
from ncsolve_second_order.factor import largest_entry
from ncsolve_second_order.krylov import lanczos
from ncsolve_second_order.newton import DescentState, descend
from ncsolve_second_order.paths import free_direction, held_by_bounds

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]

DENSE = 500
"""Variables up to which all eigenvectors are computed."""
FLAT = 1e-10
"""Eigenvalues below FLAT times the largest are raised to it."""


@dataclass(frozen=True)
class SaddleFreeNewton:
    """Newton's method with |H| in place of H: saddles repel. [Dauphin et al. 2014]

    d = -|H|^-1 g, |H| = V |Lambda| V': along each eigenvector the step of Newton's method, always downhill, so that
    directions of negative curvature lead away from a saddle as fast as Newton's method would lead to it. The length is
    found by a strong Wolfe search. Beyond 500 variables |H| is taken in the Krylov space of H and g that `rank` vectors
    span, as in the paper. Variables that a bound holds back keep out of H [Bertsekas 1982].
    """

    rank: int = option(100, "vectors of the Krylov space, for more than 500 variables", at_least=1)

    name: ClassVar[str] = "saddle-free-newton"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "hessian", "bounds"})
    state_type: ClassVar[type] = DescentState

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> DescentState:
        return DescentState(x0, *oracle.value_and_gradient(x0))

    def step(self, oracle: Oracle, state: DescentState, rng: np.random.Generator) -> DescentState:
        held = held_by_bounds(oracle, state.x, state.gradient)
        return descend(oracle, state, free_direction(state.gradient, oracle.hessian(state.x), held, self.direction))

    def direction(self, g: Vector, H: Any) -> Vector:
        """-|H|^-1 g"""
        size = largest_entry(H)
        if not np.isfinite(size) or size == 0:
            return -g
        if len(g) <= DENSE:
            w, V = np.linalg.eigh((H if isinstance(H, np.ndarray) else H.toarray()) / size)
        else:
            w, V = lanczos(lambda v: np.asarray(H @ v) / size, g, self.rank)
        curvature = np.maximum(np.abs(w), FLAT * np.abs(w).max()) * size
        return np.asarray(-(V @ ((V.T @ g) / curvature)))
