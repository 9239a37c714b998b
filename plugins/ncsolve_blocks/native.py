"""The pass over the points in native code (extra `jit`)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

SLACK = 1e-9
"""By how much a bound must be clear of rounding before it is trusted."""
CHUNK = 256
"""Points whose distances to all centres are one matrix product."""


@njit(cache=True, fastmath={"reassoc", "contract", "nnan", "nsz"})
def hamerly_pass(
    points: Any, centres: Any, middle: Any, half: Any, longest: Any, labels: Any, others: Any, sums: Any, counts: Any
) -> tuple[float, int]:
    """Update labels and bounds in place, fill sums and counts; return the sum of squares and how many points changed.

    `half` is half the distance of each centre to the next, `longest` the longest move of any other. A point that keeps
    its centre by the bounds costs one distance; any other one k of them, as |c|^2 - 2 a'c + |a|^2 around `middle`.
    """
    (n, d), k = points.shape, len(centres)
    shifted = centres - middle
    columns, offset = np.ascontiguousarray(-2 * shifted.T), (shifted * shifted).sum(axis=1)
    asked, searched, products = np.empty(CHUNK, np.int64), np.empty((CHUNK, d)), np.empty((CHUNK, k))
    sse, changed = 0.0, 0
    for start in range(0, n, CHUNK):
        stop, m = min(start + CHUNK, n), 0
        for i in range(start, stop):
            own, nearest = labels[i], 0.0
            for j in range(d):
                nearest += (points[i, j] - centres[own, j]) ** 2
            others[i] -= longest[own]
            bound = max(half[own], others[i]) * (1 - SLACK)
            if not (bound > 0 and nearest < bound * bound):
                asked[m] = i
                for j in range(d):
                    searched[m, j] = points[i, j] - middle[j]
                m += 1
        np.dot(searched[:m], columns, products[:m])
        for q in range(m):
            i, size = asked[q], 0.0
            for j in range(d):
                size += searched[q, j] ** 2
            best, second, found = np.inf, np.inf, 0
            for c in range(k):
                value = products[q, c] + offset[c]
                if value < second:
                    if value < best:
                        best, second, found = value, best, c
                    else:
                        second = value
            others[i] = np.sqrt(max(second + (1 - 1e-12) * size, 0.0))
            changed += found != labels[i]
            labels[i] = found
        for i in range(start, stop):
            own = labels[i]
            for j in range(d):
                difference = points[i, j] - centres[own, j]
                sse += difference * difference
                sums[own, j] += points[i, j]
            counts[own] += 1
    return sse, changed
