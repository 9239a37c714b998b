"""Which critical points are one: those close to each other, or up to symmetry those with the same value and spectrum.

Where f has a continuous symmetry its critical points are orbits, of which any point may be met. Symmetries that are
isometries (rotations, translations, permutations, signs) leave f and the eigenvalues of its Hessian as they are; other
linear ones leave the inertia.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.lie import is_isometric

if TYPE_CHECKING:
    from ncsolve.critical.symmetry import Generators
    from ncsolve.oracle import Oracle

__all__ = ["Classes"]

Array = NDArray[np.float64]

VALUE, SPECTRUM = 1e-8, 1e-6  # relative to 1 + |f|, and to the largest eigenvalue
CLOSE = 1e-5  # points, relative to the scale of x


class Classes:
    """A growing list of points that are not alike."""

    def __init__(self, oracle: Oracle, symmetries: Generators, scale: float) -> None:
        self.oracle, self.scale = oracle, scale
        self.symmetric, self.isometric = bool(len(symmetries)), is_isometric(symmetries)
        self.points: list[Array] = []
        self.marks = np.empty((0, 0))

    def add(self, x: Array) -> tuple[int, bool]:
        """The place of the point that x (n,) is, and whether it is a new one."""
        mark = self._mark(x)
        if self.points:
            alike = np.flatnonzero(np.abs(self.marks - mark).max(axis=1) <= 1)
            if len(alike):
                return int(alike[0]), False
        self.points.append(x)
        self.marks = np.vstack([self.marks.reshape(-1, mark.size), mark])
        return len(self.points) - 1, True

    def _mark(self, x: Array) -> Array:
        """Numbers that differ by at most 1 for points that are alike."""
        if not self.symmetric:
            return x / (CLOSE * self.scale)
        f, eigenvalues = self.oracle.value(x), np.linalg.eigvalsh(self.oracle.hessian(x, dense=True))
        largest = float(np.abs(eigenvalues).max())
        if self.isometric:
            spectrum = eigenvalues / (SPECTRUM * largest)
        else:
            spectrum = 2 * np.array([np.count_nonzero(eigenvalues < -SPECTRUM * largest)])
        return np.append(f / (VALUE * (1 + abs(f))), spectrum)
