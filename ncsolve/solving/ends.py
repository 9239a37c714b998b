"""The distinct points at which the runs from several starts ended."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ncsolve.solving.result import Result

__all__ = ["End", "ends_of", "height"]

NEAR = 1e-4
"""Relative distance of iterates that stand for one point: they stop where the gradient is small."""
FEW = 10
"""Coordinates by which most points are told apart, all at once."""


@dataclass(frozen=True)
class End:
    """A point at which `count` runs ended, and its kind."""

    kind: str
    objective: float
    x: NDArray[np.float64]
    count: int = 1

    def to_json(self) -> Mapping[str, Any]:
        return {"kind": self.kind, "objective": self.objective, "x": self.x, "count": self.count}


def height(run: Result) -> float:
    """Its objective; nothing is higher than one that is undefined."""
    return math.inf if math.isnan(run.objective) else run.objective


def ends_of(runs: Sequence[Result]) -> list[End]:
    """Each once, the lowest first."""
    found: list[End] = []
    width = min(FEW, runs[0].x.size) if runs else 0
    heads, reach = np.empty((len(runs), width)), np.empty(len(runs))
    for run in sorted(runs, key=height):
        m, x = len(found), run.x
        near = np.flatnonzero(np.abs(heads[:m] - x[:width]).max(axis=1) <= reach[:m])
        same = (k for k in near if found[k].kind == run.point.kind and np.abs(found[k].x - x).max() <= reach[k])
        if (k := next(same, None)) is not None:
            found[k] = replace(found[k], count=found[k].count + 1)
            continue
        heads[m], reach[m] = x[:width], NEAR * max(1.0, float(np.abs(x).max()))
        found.append(End(run.point.kind, run.objective, x))
    return found
