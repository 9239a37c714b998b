"""What is known of all critical points in a box."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.point import CriticalPoint
from ncsolve.display import Displayed
from ncsolve.landscapes.tree import merges

if TYPE_CHECKING:
    from ncsolve.critical.certificate import Certificate
    from ncsolve.landscapes.flow import Connection
    from ncsolve.landscapes.proof import Proof
    from ncsolve.problem import Problem

__all__ = ["Landscape", "Region"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Region:
    """A part of the box in which it is not decided what critical points there are."""

    lower: Array
    upper: Array
    boxes: int
    """Number of undecided boxes in it, which touch each other."""
    fraction: float
    """Their part of the whole box."""
    nearby: CriticalPoint | None = None
    """A critical point that was found there, as far as it could be judged."""
    rough: tuple[str, ...] = ()
    """Operations that may be undefined or not smooth there."""


@dataclass(frozen=True, eq=False, repr=False)
class Landscape(Displayed):
    """The critical points of f in a box, lowest first."""

    problem: Problem
    lower: Array
    upper: Array
    points: tuple[CriticalPoint, ...]
    complete: bool
    """Whether it is proven that `points` is all of them."""
    certified: bool
    """Whether each of `points` is proven."""
    undecided: tuple[Region, ...]
    seconds: float
    message: str
    """Why the list is complete, or is not proven to be."""
    morse_sum: int
    """sum of (-1)^index over the nondegenerate points"""
    expected_morse_sum: int | None
    """1 where f is proven smooth and grad f to point outward all over the surface [Poincare-Hopf], else None."""
    boxes: int = 0
    """That were looked at."""
    interrupted: bool = False
    connections: tuple[Connection, ...] = field(default=())
    """For each saddle of index 1 the minima on both sides of it."""
    orbits: tuple[tuple[int, ...], ...] = ()
    """Of a sampled list the places of points that changes of sign and permutations map onto each other."""
    proof: Proof | None = field(default=None)
    """What was shown of each box."""
    outside: tuple[Certificate, ...] = ()
    """Critical points close to the box, but not in it, which the proof met."""

    explored: bool = False
    """Whether `points` are minima and saddles of index 1 met without a box: it is then one around them."""

    @property
    def box(self) -> dict[str, tuple[Any, Any]]:
        """{variable: (low, high)}"""
        low, high = self.problem.unpack(self.lower), self.problem.unpack(self.upper)
        return {name: (low[name], high[name]) for name in low}

    @property
    def counts(self) -> dict[str, int]:
        """{kind: number of points}"""
        kinds = [p.kind for p in self.points]
        return {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}

    @property
    def undecided_fraction(self) -> float:
        """The part of the box that is not decided."""
        return float(sum(region.fraction for region in self.undecided))

    def __repr__(self) -> str:
        return self.summary()

    def to_json(self) -> dict[str, Any]:
        """What `ncsolve landscape --json` prints."""
        return {
            "problem": self.problem.name,
            "box": self._sides(self.lower, self.upper),
            "complete": self.complete,
            "certified": self.certified,
            "seconds": self.seconds,
            "undecided": [
                {"box": self._sides(r.lower, r.upper), "boxes": r.boxes, "fraction": r.fraction, "rough": r.rough,
                 "nearby": None if r.nearby is None else self._point(r.nearby)}
                for r in self.undecided
            ],
            "points": [self._point(p) for p in self.points],
            "message": self.message,
            "morse_sum": self.morse_sum,
            "expected_morse_sum": self.expected_morse_sum,
            "orbits": self.orbits,
            "connections": [c.to_json() for c in self.connections],
            "merges": [{"saddle": b.saddle, "minima": [list(c.minima) for c in b.parts]} for b in merges(self)],
        }  # fmt: skip

    def _sides(self, lower: Array, upper: Array) -> dict[str, list[Any]]:
        low, high = self.problem.unpack(lower), self.problem.unpack(upper)
        return {name: [low[name], high[name]] for name in low}

    def _point(self, p: CriticalPoint) -> dict[str, Any]:
        keys = ("kind", "index", "nullity", "eigenvalues", "certified", "explanation")
        head = {"x": p.x, "values": self.problem.unpack(p.x), "objective": p.objective}
        return {**head, **{key: getattr(p, key) for key in keys}}

    def report(self) -> dict[str, Any]:
        """What is proven, as data for JSON from which `nc.recheck` proves it again. Raises `StoreError` without any."""
        from ncsolve.landscapes.report import report_of_landscape

        return report_of_landscape(self)

    def summary(self) -> str:
        """The points as a table, the barriers, and what is proven."""
        from ncsolve.landscapes.words import summary

        return summary(self)
