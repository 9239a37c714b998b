"""Which of many critical points are the same, and how many more there may be."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.modes import finite

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Points = NDArray[np.float64]
Vector = NDArray[np.float64]
FLAT = 1e-6
"""A Hessian with an eigenvalue this small, relative to its largest, is taken to be singular."""
NUMBERS = 2**22
"""Numbers in the Hessians that are held at once: 32 MB."""


def distinct(
    oracle: Oracle, points: Points, values: Vector, tolerance: float, symmetric: bool | None
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of `points` (m, n) that stand for the distinct ones, lowest first, and how many points each stands for.

    Two points are the same when their values agree within tolerance max(1, |f|) and they themselves within tolerance
    max(1, |x|) in every coordinate. Where a symmetry moves them, it suffices that their values and the spectra of their
    Hessians agree: both are invariant under rotations, translations, permutations and reflections. `symmetric` says
    whether there is one; None takes a singular Hessian for its sign, as a continuous symmetry makes every Hessian
    singular along its orbit. Isolated mirror images stay distinct then.
    """
    order = np.lexsort((*points.T[::-1], values))
    points, values = points[order], values[order]
    spectra = _spectra(oracle, points) if symmetric is not False else np.zeros((len(points), 1))
    moved = np.full(len(points), symmetric) if symmetric is not None else _singular(spectra)
    left = np.arange(len(points))
    rows, counts = [], []
    while len(left):
        k = left[0]
        level = values[k] + tolerance * max(1.0, abs(values[k]))
        near = left[: np.searchsorted(values[left], level, side="right")]
        same = np.abs(points[near] - points[k]).max(axis=1) <= tolerance * max(1.0, np.abs(points[k]).max())
        if moved[k]:
            apart = np.abs(spectra[near] - spectra[k]).max(axis=1)
            same |= moved[near] & (apart <= tolerance * max(1.0, np.abs(spectra[k]).max()))
        rows.append(order[k])
        counts.append(np.count_nonzero(same))
        left = np.concatenate([near[~same], left[len(near) :]])
    return np.array(rows, dtype=np.intp), np.array(counts, dtype=np.intp)


def _singular(spectra: Points) -> NDArray[np.bool_]:
    """Whether an eigenvalue, or all of them, vanish beside the others, or beside those of other points."""
    sizes = np.abs(spectra)
    largest = sizes.max(axis=1)
    return (sizes.min(axis=1) <= FLAT * largest) | (largest <= FLAT * largest.max(initial=0.0))


def expected_unseen(found: int, searches: int) -> float:
    """Expected number of minima not yet seen: w (w + 1) / (m - w - 2), w found in m searches; inf for m <= w + 2.

    The posterior mean of the number of minima is w (m - 1) / (m - w - 2), where before any search every number is
    equally likely and the sizes of the basins are uniform on the simplex. [Boender & Rinnooy Kan 1987]
    """
    spare = searches - found - 2
    return found * (found + 1) / spare if spare > 0 else math.inf


def _spectra(oracle: Oracle, points: Points) -> Points:
    """Eigenvalues of the Hessians at the points, ascending, shape (m, n)."""
    size = max(1, NUMBERS // oracle.n**2)
    spectra = np.empty_like(points)
    with oracle.uncounted():
        for k in range(0, len(points), size):
            spectra[k : k + size] = np.linalg.eigvalsh(finite(oracle.hessian(points[k : k + size])))
    return spectra
