"""Points that are one up to the known symmetries of f: found by them, and told as one.

Changes of sign and permutations map critical points to critical points, so that the image of one in the box is another.
Along a continuous symmetry a point is one of infinitely many, of which one is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.modes import finite
from ncsolve.critical.symmetries import symmetries
from ncsolve.landscapes.sampling import CLOSE, distinct

if TYPE_CHECKING:
    from ncsolve.critical.discrete import Discrete
    from ncsolve.oracle import Oracle

__all__ = ["completed", "one_of_each_orbit", "orbits"]

Array = NDArray[np.float64]
Places = NDArray[np.int64]

LEVEL = 1e-8  # values of f that are one
FLAT = 1e-6  # eigenvalues that count as zero, relative to the largest
ROUNDS = 20
MOST = 20_000  # points


def completed(points: Array, discrete: Sequence[Discrete], lower: Array, upper: Array) -> Array:
    """The points (m, n) and their images under the group that the symmetries generate, in the box."""
    for _ in range(ROUNDS):
        images = [image[((image >= lower) & (image <= upper)).all(axis=1)] for image in (g(points) for g in discrete)]
        more = distinct(np.concatenate([points, *images]), upper - lower)
        if len(more) == len(points) or len(more) > MOST:
            break
        points = more
    return points


def orbits(points: Array, discrete: Sequence[Discrete], widths: Array) -> tuple[tuple[int, ...], ...]:
    """Places of points (m, n) that symmetries map onto each other, in their order; () without any symmetry."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    if not discrete or not len(points):
        return ()
    tree = cKDTree(points / widths)
    pairs = []
    for g in discrete:
        away, place = tree.query(g(points) / widths)
        pairs.append(np.stack([np.arange(len(points)), place])[:, away <= CLOSE * np.sqrt(points.shape[1])])
    rows, columns = np.concatenate(pairs, axis=1)
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(len(points), len(points)))
    label = connected_components(graph, directed=False)[1]
    _, first = np.unique(label, return_index=True)
    return tuple(tuple(map(int, np.flatnonzero(label == label[k]))) for k in sorted(first))


def one_of_each_orbit(oracle: Oracle, points: Array) -> Places:
    """Places of the points (m, n) to keep: all, but where f has a continuous symmetry one of each orbit.

    Degenerate points with the same value and index are taken for one orbit.
    """
    everything = np.arange(len(points))
    if not len(points) or not len(symmetries(oracle).generators):
        return everything
    with oracle.uncounted():
        f, eigenvalues = oracle.value(points), np.linalg.eigvalsh(finite(oracle.hessian(points, dense=True)))
    zero = FLAT * np.abs(eigenvalues).max(axis=1, keepdims=True)
    flat, index = (np.abs(eigenvalues) <= zero).any(axis=1), (eigenvalues < -zero).sum(axis=1)
    kept: list[int] = []
    for k in everything:
        others = [j for j in kept if flat[k] and flat[j] and index[j] == index[k]]
        if not (np.abs(f[others] - f[k]) <= LEVEL * (1 + np.abs(f[k]))).any():
            kept.append(int(k))
    return np.array(kept, dtype=np.int64)
