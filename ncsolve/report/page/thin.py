"""Fewer rows of a trace, without losing what a curve shows."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["packed", "thinned"]


def thinned(columns: Sequence[NDArray[Any]], most: int) -> NDArray[np.int64]:
    """Places of about `most` rows: the ends of buckets, and where each column is lowest and highest in each.

    A curve through them covers the same pixels as one through all rows, on a linear and on a logarithmic axis, since
    half of the buckets have equal lengths and half equal ratios. [Jugel et al. 2014, M4]
    """
    rows = len(columns[0])
    if rows <= most:
        return np.arange(rows)
    half = max(most // (2 * len(columns) + 1) // 2, 1)
    edges = np.unique(np.concatenate([np.linspace(0, rows, half + 1), np.geomspace(1, rows, half)]).astype(int))
    kept = [0, rows - 1]
    for low, high in pairwise(edges):
        kept.append(int(low))
        for column in columns:
            part = column[low:high]
            finite = np.isfinite(part)
            if finite.any():
                kept += [low + int(np.where(finite, part, np.inf).argmin())]
                kept += [low + int(np.where(finite, part, -np.inf).argmax())]
    return np.unique(kept)


def packed(values: NDArray[Any], kind: str = "f4") -> str:
    """Little-endian numbers in base 64, without a limit on what is finite."""
    with np.errstate(over="ignore"):
        return base64.b64encode(np.ascontiguousarray(values, dtype=f"<{kind}").tobytes()).decode()
