"""Systems of rows that are outer products, formed and solved in native code (extra `jit`)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

_CHUNK = 128
"""Rows whose outer products are summed by one matrix product."""


@njit(cache=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})
def solve_systems(
    rows: Any, begin: Any, other: Any, features: Any, offsets: Any, weights: Any, H: Any, g: Any, y: Any, singular: Any
) -> Any:
    """Move each y[s], (p,), by -A^-1 b in place; True for those that stay, as A is not safely positive definite.

    A = H[s] + sum_k w[k] l l' and b = g[s] + sum_k (offsets[k] + w[k] l'y[s]) l over the rows k of system s, which are
    begin[s], ..., begin[s + 1] - 1; l = features[other[rows[k]]]. H is (m, p, p), or (1, p, p) for one of all systems.
    """
    m, p = y.shape
    A, b, matrix, vector = np.empty((p, p)), np.empty(p), np.empty((p, p)), np.empty(p)
    left, right, slopes = np.empty((_CHUNK, p)), np.empty((_CHUNK, p)), np.empty(_CHUNK)
    stays = np.zeros(m, np.bool_)
    for s in range(m):
        A[:] = H[s if len(H) > 1 else 0]
        b[:] = g[s]
        for start in range(begin[s], begin[s + 1], _CHUNK):
            count = min(_CHUNK, begin[s + 1] - start)
            for k in range(count):
                feature, plain, weighted, w = features[other[rows[start + k]]], left[k], right[k], weights[start + k]
                for a in range(p):
                    plain[a] = feature[a]
                for a in range(p):
                    weighted[a] = w * plain[a]
            np.dot(left[:count].T, right[:count], matrix)
            A += matrix
            np.dot(right[:count], y[s], slopes[:count])
            for k in range(count):
                slopes[k] += offsets[start + k]
            np.dot(left[:count].T, slopes[:count], vector)
            b += vector
        stays[s] = not _factorised(A, b, singular)
        if not stays[s]:
            _substituted(A, b)
            for a in range(p):
                y[s, a] -= b[a]
    return stays


@njit(cache=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})
def _factorised(A: Any, b: Any, singular: float) -> bool:
    """A = R'R into the upper triangle and R'^-1 b into b, row by row of R; False unless the pivots' squares exceed
    `singular`, a part of their largest. Whole rows are combined: that vectorises, as triangles do not."""
    p = len(b)
    least, largest = np.inf, 0.0
    for k in range(p):
        row = A[k]
        for i in range(k):
            above, factor = A[i], A[i, k]
            for j in range(p):
                row[j] -= factor * above[j]
            b[k] -= factor * b[i]
        pivot = row[k]
        least, largest = min(least, pivot), max(largest, pivot)
        if not (pivot > 0 and least > singular * largest):
            return False
        scale = 1 / np.sqrt(pivot)
        for j in range(p):
            row[j] *= scale
        b[k] *= scale
    return True


@njit(cache=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})
def _substituted(R: Any, b: Any) -> None:
    """R^-1 b into b."""
    for k in range(len(b) - 1, -1, -1):
        row, t = R[k], b[k]
        for j in range(k + 1, len(b)):
            t -= row[j] * b[j]
        b[k] = t / row[k]
