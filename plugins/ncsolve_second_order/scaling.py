"""Variables in units of their curvature: z = D x."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]

SPAN = 1e3
"""Units are changed where the variables' curvatures span more than SPAN^2."""
FLAT = 1e-8


class ScaledOracle:
    """The objective and its bounds in z = D x."""

    def __init__(self, oracle: Oracle, D: Vector) -> None:
        self.oracle, self.D = oracle, D
        self.lower = None if oracle.lower is None else D * oracle.lower
        self.upper = None if oracle.upper is None else D * oracle.upper

    def point(self, z: Vector) -> Vector:
        """x, inside the bounds in spite of rounding."""
        return self.oracle.project(z / self.D)

    def project(self, z: Vector) -> Vector:
        return z if self.lower is None or self.upper is None else np.clip(z, self.lower, self.upper)

    def value(self, z: Vector) -> float:
        return float(self.oracle.value(self.point(z)))

    def gradient(self, z: Vector) -> Vector:
        return np.asarray(self.oracle.gradient(self.point(z)) / self.D)


def scaled_hessian(H: Any, D: Vector) -> Any:
    """The Hessian in z: D^-1 H D^-1."""
    if isinstance(H, np.ndarray):
        return H / np.outer(D, D)
    from scipy.sparse import diags_array

    inverse = diags_array(1 / D)
    return (inverse @ H @ inverse).tocsr()


def units(H: Any, before: Vector | None = None) -> Vector:
    """D_i = sqrt(|H_ii|), never less than before [More 1978, section 6]; 1 where H_ii is nearly zero."""
    D = np.sqrt(np.abs(np.asarray(H.diagonal(), dtype=float)))
    D = np.where(np.isfinite(D) & (FLAT * np.nanmax(D, initial=0.0) < D), D, 0.0 if before is not None else 1.0)
    return D if before is None else np.maximum(before, D)


def is_badly_scaled(H: Any) -> bool:
    """Whether the curvatures of the variables differ so much that a ball makes no sense."""
    D = units(H)
    return bool(D.max() > SPAN * D.min())
