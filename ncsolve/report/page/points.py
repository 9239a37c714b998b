"""The critical points of a page: those of a search, where runs ended, and those that were known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.report.page.runs import Run

if TYPE_CHECKING:
    from ncsolve.landscapes import Landscape
    from ncsolve.problem import Problem

__all__ = ["Shown", "all_points"]

NEAR = 1e-3
"""Relative distance at which a run has ended at a point: iterates stop where the gradient is small."""
NOWHERE = ("", "not-critical", "undecided")


@dataclass(eq=False)
class Shown:
    """A point with its kind, where that came from, and who ended there."""

    kind: str
    x: NDArray[np.float64]
    objective: float | None
    index: int | None = None
    nullity: int | None = None
    eigenvalues: Sequence[float] | None = None
    proof: str = ""
    """proven, found, or declared"""
    runs: list[int] = field(default_factory=list)
    """Places of the runs that ended there."""


def all_points(problem: Problem, runs: Sequence[Run], landscape: Landscape | None) -> list[Shown]:
    """Each once; those of the landscape first, in its order, so that places agree with its connections."""
    points = [] if landscape is None else list(_searched(landscape))
    for known in problem.known:
        x = problem.pack(known.point)
        if _at(x, points) is None:
            points.append(Shown(known.kind, x, known.value, known.index, proof="declared"))
    for place, run in enumerate(runs):
        x_end = run.x
        if x_end is None or x_end.shape != (problem.n,) or run.kind in NOWHERE:
            continue
        found = _at(x_end, points)
        if found is None or found.proof == "declared":
            found = _ended(run, x_end, found, points)
        found.runs.append(place)
    return points


def _searched(landscape: Landscape) -> Iterable[Shown]:
    for p in landscape.points:
        proof = "proven" if p.certified else "found"
        yield Shown(p.kind, p.x, p.objective, p.index, p.nullity, list(p.eigenvalues), proof)


def _ended(run: Run, x: NDArray[np.float64], known: Shown | None, points: list[Shown]) -> Shown:
    """The point of a run, in place of one that was only declared."""
    p: Any = run.point
    found = Shown(run.kind, x, run.data.get("objective"), p.get("index"), p.get("nullity"), p.get("eigenvalues"))
    found.proof = "proven" if p.get("certified") else "found"
    if known is None or known.kind != found.kind:
        points.append(found)
        return found
    known.__dict__.update(found.__dict__)
    return known


def _at(x: NDArray[np.float64], points: Iterable[Shown]) -> Shown | None:
    """The nearest point, if x has arrived at it."""
    away = [(float(np.abs(p.x - x).max(initial=0.0)), p) for p in points]
    distance, point = min(away, key=lambda pair: pair[0], default=(np.inf, None))
    return point if distance <= NEAR * max(1.0, float(np.abs(x).max(initial=0.0))) else None
