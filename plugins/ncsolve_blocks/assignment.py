"""One pass of Lloyd's algorithm over the points: who is nearest to which centre, and what that sums to."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ncsolve.extras import installed

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

CHUNK = 1024
"""Points of one chunk: their distances to all centres stay in the cache."""


class Assignment(NamedTuple):
    """Of each point the nearest centre and a lower bound on the distance to every other one, (N,); of each centre the
    sum of its points, (k, d), and their number, (k,); the sum of squared distances; how many points changed."""

    labels: Labels
    others: Array
    sums: Array
    counts: Array
    sse: float
    changed: int


def assign(points: Array, centres: Array, before: Assignment | None = None, moved: Array | None = None) -> Assignment:
    """The assignment to centres that have moved by these distances, (k,), since the one `before`, if there was any.

    With numba, a point stays where it is, its other distances unseen, if its centre is nearer than every other one can
    be: than half the way from that centre to the next, or than the old bound less the longest move [Hamerly 2010].
    """
    n, k = len(points), len(centres)
    if before is None or moved is None:
        labels, others, moved = np.zeros(n, dtype=np.int64), np.full(n, -1.0), np.zeros(k)
    else:
        labels, others = before.labels.copy(), before.others.copy()
    sums, counts = np.zeros_like(centres), np.zeros(k)
    if not installed("numba"):
        sse, changed = _pass(points, centres, labels, sums, counts)
    else:
        from ncsolve_blocks.native import hamerly_pass

        half, longest = 0.5 * _gaps(centres), _longest_other(moved)
        middle = centres.mean(axis=0)
        sse, changed = hamerly_pass(points, centres, middle, half, longest, labels, others, sums, counts)
    return Assignment(labels, others, sums, counts, float(sse), n if before is None else int(changed))


def _pass(points: Array, centres: Array, labels: Labels, sums: Array, counts: Array) -> tuple[float, int]:
    """One pass in NumPy: |a|^2 - 2 a'c + |c|^2 for the choice, around the mean of the centres, where it loses least to
    cancellation, and |a - c|^2 itself for the sum."""
    from scipy.sparse import csc_array

    middle, k = centres.mean(axis=0), len(centres)
    shifted = centres - middle
    twice, offset = -2.0 * shifted.T, np.einsum("kd,kd->k", shifted, shifted)
    sse, changed = 0.0, 0
    for start in range(0, len(points), CHUNK):
        a, own = points[start : start + CHUNK], labels[start : start + CHUNK]
        distance = (a - middle) @ twice
        distance += offset
        nearest = distance.argmin(axis=1)
        changed += int((nearest != own).sum())
        own[...] = nearest
        sse += float(_squared(a, centres.take(nearest, axis=0)).sum())
        members: Any = csc_array((np.ones(len(a)), nearest, np.arange(len(a) + 1)), shape=(k, len(a)))
        sums += members @ a
        counts += np.bincount(nearest, minlength=k)
    return sse, changed


def seeds(points: Array, centres: Array, empty: NDArray[np.bool_], rng: np.random.Generator) -> Array:
    """Centres with the empty ones drawn anew from the points, each with probability D(a)^2 / sum D^2, one by one.

    D(a) is the distance to the nearest centre so far; all centres empty is k-means++ [Arthur & Vassilvitskii 2007].
    Where fewer points differ than there are centres, the rest stay where they are.
    """
    centres = centres.copy()
    nearest = np.full(len(points), math.inf)
    for k in np.flatnonzero(~empty):
        nearest = np.minimum(nearest, _squared(points, centres[k]))
    for k in np.flatnonzero(empty):
        total = float(nearest.sum())
        if total == 0:
            break
        if math.isfinite(total):
            chosen = int(np.searchsorted(np.cumsum(nearest), rng.random() * total, side="right"))
        else:
            chosen = int(rng.integers(len(points)))
        centres[k] = points[min(chosen, len(points) - 1)]
        nearest = np.minimum(nearest, _squared(points, centres[k]))
    return centres


def _squared(a: Array, b: Array) -> Array:
    difference = a - b
    return np.asarray(np.einsum("nd,nd->n", difference, difference))


def _gaps(centres: Array) -> Array:
    """The distance of each centre to the next one."""
    squared = np.array([_squared(centres, c) for c in centres])
    np.fill_diagonal(squared, math.inf)
    return np.sqrt(squared.min(axis=1))


def _longest_other(moved: Array) -> Array:
    """For each centre the longest move of any other one."""
    if len(moved) == 1:
        return np.zeros(1)
    order = np.argsort(moved)
    longest = np.full(len(moved), moved[order[-1]])
    longest[order[-1]] = moved[order[-2]]
    return longest
