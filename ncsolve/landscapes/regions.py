"""Undecided boxes that touch each other, put together into regions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["touching"]

Array = NDArray[np.float64]

CELLS = 128  # along each axis, at most, into which many boxes are collected first
MANY = 4000
NEAR = 3.0  # boxes touch that are as close as they are wide


def touching(lower: Array, upper: Array) -> list[NDArray[np.int64]]:
    """The groups of boxes (m, n), as indices, largest first. Boxes in one small cell of the whole are one group."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not len(lower):
        return []
    cell = np.arange(len(lower))
    low, high = lower, upper
    if len(lower) > MANY:
        low, high, cell = _collected(lower, upper)
    rows, columns = _pairs(low, high)
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(len(low), len(low)))
    labels = connected_components(graph, directed=False)[1][cell]
    groups = [np.flatnonzero(labels == label) for label in range(labels.max() + 1)]
    return sorted(groups, key=len, reverse=True)


def _collected(lower: Array, upper: Array) -> tuple[Array, Array, NDArray[np.int64]]:
    """The hulls of the boxes in each cell, and the cell of each box."""
    start = lower.min(axis=0)
    cells, number = 2 * CELLS, MANY + 1
    while number > MANY:
        cells //= 2
        width = np.maximum((upper.max(axis=0) - start) / max(cells, 0.5), np.finfo(float).tiny)
        place = np.floor((lower / 2 + upper / 2 - start) / width)
        _, cell = np.unique(place, axis=0, return_inverse=True)
        cell = cell.ravel()
        number = int(cell.max()) + 1
    low = np.full((cell.max() + 1, lower.shape[1]), np.inf)
    high = -low
    np.minimum.at(low, cell, lower)
    np.maximum.at(high, cell, upper)
    return low, high, cell


def _pairs(low: Array, high: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which touch, by a sweep along the first axis."""
    center, radius = low / 2 + high / 2, NEAR * (high - low) / 2
    order = np.argsort(center[:, 0] - radius[:, 0])
    starts = (center - radius)[order, 0]
    pairs = []
    for k, i in enumerate(order):
        last = np.searchsorted(starts, center[i, 0] + radius[i, 0], side="right")
        others = order[k + 1 : last]
        near = np.all(np.abs(center[others] - center[i]) <= radius[others] + radius[i], axis=1)
        pairs.append(np.stack([np.full(int(near.sum()), i), others[near]]))
    rows, columns = np.concatenate(pairs, axis=1)
    return rows, columns
