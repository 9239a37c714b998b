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
    for run in sorted(runs, key=height):
        for k, end in enumerate(found):
            if end.kind == run.point.kind and np.abs(end.x - run.x).max() <= NEAR * max(1.0, np.abs(end.x).max()):
                found[k] = replace(end, count=end.count + 1)
                break
        else:
            found.append(End(run.point.kind, run.objective, run.x))
    return found
