"""What continuation finds: branches of critical points, and the special points at which they turn or meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ncsolve.problem import Problem

__all__ = ["Branch", "Diagram", "Segment", "Special"]

Array = NDArray[np.float64]
SHOWN = 40


@dataclass(frozen=True)
class Segment:
    """A part of a branch between two special points or ends, on which the kind does not change."""

    kind: str
    """minimum, saddle or maximum."""
    index: int
    start: int
    stop: int
    """First and last place in the branch; neighbours share a place."""


@dataclass(frozen=True, eq=False)
class Special:
    """A point at which an eigenvalue of the Hessian passes through zero."""

    kind: str
    """fold; pitchfork or transcritical, where two branches cross; branch point, where more do or it is not decided."""
    parameter: float
    x: Array
    objective: float
    nullity: int
    """Eigenvalues that vanish, besides those of symmetries."""
    branches: tuple[int, ...]
    """Places in `Diagram.branches`."""


@dataclass(frozen=True, eq=False)
class Branch:
    """A curve of critical points, in the order in which it was followed."""

    parameter: Array
    """(k,)"""
    x: Array
    """(k, n)"""
    objective: Array
    """(k,)"""
    segments: tuple[Segment, ...]
    ends: tuple[str, str]
    """Why the curve ends on both sides: "range", "branch point", "closed", "bounds", "far", "points" or "lost"."""


@dataclass(frozen=True, eq=False, repr=False)
class Diagram:
    """The branches of critical points that were met; nothing proves that there are no others."""

    problem: Problem
    parameter: str
    low: float
    high: float
    branches: tuple[Branch, ...]
    special: tuple[Special, ...]
    seconds: float
    interrupted: bool = False

    def __repr__(self) -> str:
        return self.summary()

    def to_json(self) -> dict[str, Any]:
        """What `ncsolve continue --json` prints."""
        name = self.problem.variables
        return {
            "problem": self.problem.name,
            "parameter": self.parameter,
            "range": [self.low, self.high],
            "variables": [name.entry(k) for k in range(self.problem.n)],
            "branches": [
                {"parameter": b.parameter, "x": b.x, "objective": b.objective, "ends": list(b.ends),
                 "segments": [vars(s) for s in b.segments]}
                for b in self.branches
            ],
            "special": [vars(s) for s in self.special],
            "seconds": self.seconds,
            "interrupted": self.interrupted,
        }  # fmt: skip

    def summary(self) -> str:
        """Special points and branches as two tables."""
        name = self.parameter
        plural = "" if len(self.special) == 1 else "s"
        lines = [
            f"{len(self.branches)} branches of critical points of '{self.problem.name}' "
            f"for {name} from {self.low:g} to {self.high:g}, {len(self.special)} special point{plural}"
        ]
        for s in self.special[:SHOWN]:
            met = ", ".join(map(str, s.branches))
            lines.append(f"  {s.kind:<13} {name} = {s.parameter:<16.12g} f = {s.objective:<14.8g} branches {met}")
        for k, b in enumerate(self.branches[:SHOWN]):
            lines += ["", f"  branch {k}, {len(b.parameter)} points; ends: {b.ends[0]}, {b.ends[1]}"]
            for part in b.segments:
                ends = b.parameter[[part.start, part.stop]] + 0.0
                lines.append(f"    {name} = {ends[0]:<12.8g} to {ends[1]:<12.8g} {part.kind}, index {part.index}")
        more = max(len(self.branches), len(self.special)) - SHOWN
        lines += [f"  ... (--json lists everything: {more} more)"] if more > 0 else []
        stopped = "; interrupted" if self.interrupted else ""
        return "\n".join([*lines, "", f"  time {self.seconds:.2f} s{stopped}; there may be other branches"])
