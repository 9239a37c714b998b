"""Bounds that hold x without pushing: the sign of the Hessian on the cone of directions into the box."""

from __future__ import annotations

from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Copositivity", "copositivity"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

LARGEST = 10  # dimension up to which all faces of the cone are looked at


class Copositivity(NamedTuple):
    """v^T S v over v >= 0, v != 0: "positive" for all, "negative" at `direction`, or "open"."""

    kind: Literal["positive", "negative", "open"]
    direction: Vector | None = None


def copositivity(matrix: Matrix, tolerance: float) -> Copositivity:
    """Decide whether S (w, w) is strictly copositive, beyond `tolerance`.

    It is, if and only if no principal submatrix has a positive eigenvector with an eigenvalue <= 0. [Kaplan 2000]
    Above 10 dimensions only a positive definite S is told.
    """
    size = matrix.shape[0]
    if np.linalg.eigvalsh(matrix)[0] > tolerance:
        return Copositivity("positive")
    open_face = size > LARGEST
    for count in range(1, min(size, LARGEST) + 1 if size <= LARGEST else 2):
        for chosen in combinations(range(size), count):
            values, vectors = np.linalg.eigh(matrix[np.ix_(chosen, chosen)])
            for value, vector in zip(values, vectors.T, strict=True):
                if value <= tolerance and (vector * np.sign(vector[0]) > 0).all():
                    if value < -tolerance:
                        direction = np.zeros(size)
                        direction[list(chosen)] = np.abs(vector)
                        return Copositivity("negative", direction)
                    open_face = True
    return Copositivity("open" if open_face else "positive")
