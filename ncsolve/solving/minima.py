"""The distinct points at which the local runs of one solver ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical import CriticalPoint, classify
from ncsolve.oracle import Oracle, compile

if TYPE_CHECKING:
    from ncsolve.problem import Problem

__all__ = ["Found", "found_by"]


@dataclass(frozen=True)
class Found:
    """A point at which `count` local runs ended, a `share` of all that ended somewhere: the size of its basin."""

    x: NDArray[np.float64]
    """Shape (n,)."""
    objective: float
    count: int
    share: float
    problem: Problem = field(repr=False)

    @cached_property
    def point(self) -> CriticalPoint:
        """What kind of point it is, decided by the core when first asked for."""
        with np.errstate(all="ignore"):
            return classify(compile(self.problem), self.x)

    def to_json(self) -> Mapping[str, Any]:
        """Plain data but for arrays: x, values, objective, count, share."""
        data = {key: getattr(self, key) for key in ("x", "objective", "count", "share")}
        return {**data, "values": self.problem.unpack(self.x)}


def found_by(oracle: Oracle, state: Any) -> tuple[Found, ...]:
    """The points in a state's `minima` (k, n), with `counts` (k,), lowest first; () where it has none."""
    minima = getattr(state, "minima", None)
    if minima is None or not len(minima):
        return ()
    runs = int(state.counts.sum())
    with oracle.uncounted():
        values = oracle.value(minima)
    return tuple(
        Found(x, float(f), int(count), int(count) / runs, oracle.problem)
        for x, f, count in zip(minima, values, state.counts, strict=True)
    )
