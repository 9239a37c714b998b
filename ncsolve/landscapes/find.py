"""`nc.landscape`: all critical points in a box."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical import CriticalPoint, classify
from ncsolve.critical.certificate import Certificate, Certifier, kind_of
from ncsolve.critical.system import Intervals, refuse, system_of
from ncsolve.errors import ProblemError
from ncsolve.landscapes.explore import explored
from ncsolve.landscapes.regions import touching
from ncsolve.landscapes.result import Landscape, Region
from ncsolve.landscapes.sampling import distinct, sampled, towards_critical
from ncsolve.landscapes.search import Budget, Search
from ncsolve.landscapes.surface import points_outward
from ncsolve.landscapes.words import plural
from ncsolve.oracle import Oracle, compile
from ncsolve.problem.checks import checked_bounds

if TYPE_CHECKING:
    from ncsolve.problem import Problem

__all__ = ["box_of", "landscape"]

Array = NDArray[np.float64]

MOST_VARIABLES = 12  # for which boxes are divided
ALIKE = 1e-3  # points of undecided regions that are told once, relative to the box
DESCRIBED = 8  # undecided regions in which a point is looked for


def landscape(
    problem: Problem,
    box: Mapping[Any, Any] | None = None,
    certify: bool = False,
    seed: int = 0,
    max_boxes: int = 400_000,
    max_seconds: float = 60.0,
    connect: bool = True,
) -> Landscape:
    """Find the critical points of f in a box: where it is differentiable and grad f = 0.

    Parameters
    ----------
    box
        {variable: (low, high)}, finite; without it the problem's bounds. That f may be restricted to bounds is ignored:
        minima of f on a face of them are not critical points. Without box, bounds and `certify`, minima and the saddles
        of index 1 between them are explored from random starts; what is alike up to symmetry is listed once.
    certify
        Prove each point, its index, and that there are no others: by branch and bound, for at most 12 variables.
        Without it, points are sampled and the list is never called complete.
    seed
        Of the sampled starts.
    max_boxes, max_seconds
        What the search may cost; what is not decided then is told in `undecided`. Ctrl-C ends it in the same way.
    connect
        Follow the gradient flow from the saddles of index 1 down to the minima on both sides.

    Raises `ProblemError` for a box that does not fit and an f that has no proof, `MissingExtra` without python-flint.
    """
    refuse(problem)
    began = time.perf_counter()
    if box is None and problem.lower is None and not certify:
        return replace(explored(problem, seed, max_seconds), seconds=time.perf_counter() - began)
    lower, upper = box_of(problem, box)
    free = unbounded(problem)
    if certify and problem.n <= MOST_VARIABLES:
        found = _proven(free, lower, upper, Budget(max_boxes, max_seconds))
    else:
        found = _sampled(free, lower, upper, certify, seed, max_seconds)
    found = replace(found, problem=problem)
    if connect and not found.interrupted:
        from ncsolve.landscapes.flow import connections

        found = replace(found, connections=connections(compile(free), found))
    proven = certify and all(p.certified for p in found.points)
    return replace(found, certified=proven, seconds=time.perf_counter() - began)


def box_of(problem: Problem, box: Mapping[Any, Any] | None) -> tuple[Array, Array]:
    """A finite box (n,) with a width in every variable, or the error that says what is wrong with it."""
    given, lower, upper = (problem.bounds, problem.lower, problem.upper)
    if box is not None:
        given, lower, upper = checked_bounds(box, problem.variables, "box")
    missing = [v.name for v in problem.variables if v.name not in given]
    if missing or lower is None or upper is None:
        names = ", ".join(missing or [v.name for v in problem.variables])
        raise ProblemError(f"box: nothing is given for {names}. Every variable needs a finite low and high.")
    for k in range(problem.n):
        name = problem.variables.entry(k)
        if not np.isfinite([lower[k], upper[k]]).all():
            sides = f"{lower[k]:g} to {upper[k]:g}"
            raise ProblemError(f"box: '{name}' is unbounded: {sides}. Give it a finite low and high.")
        if lower[k] == upper[k]:
            raise ProblemError(f"box: '{name}' has no width: low and high are both {lower[k]:g}.")
    return np.array(lower, dtype=float), np.array(upper, dtype=float)


def unbounded(problem: Problem) -> Problem:
    """The same objective on all of R^n. It shares what was derived."""
    if problem.lower is None:
        return problem
    other = copy(problem)
    other.__dict__.update(lower=None, upper=None, bounds={}, known=(), derived=problem.derived)
    return other


# -- with a proof ------------------------------------------------------------------------------------------------------


def _proven(problem: Problem, lower: Array, upper: Array, budget: Budget) -> Landscape:
    certifier = Certifier(problem)
    intervals = Intervals(system_of(problem))
    progress = _Progress()
    search = Search(intervals, lower, upper, budget, progress.show)
    search.run()
    progress.close()
    oracle = compile(problem)
    certificates, ambiguous = _certificates(certifier, search)
    inside, edge = _inside(certificates, lower, upper)
    open_ends = [*ambiguous, *((c.lower, c.upper) for c in edge)]
    low = np.concatenate([search.rest.lower, *(ends[0][None] for ends in open_ends)])
    high = np.concatenate([search.rest.upper, *(ends[1][None] for ends in open_ends)])
    proven = _points(oracle, [*inside, *edge])
    regions = _regions(oracle, intervals, low, high, lower, upper)
    points = proven + _others([r.nearby for r in regions if r.nearby is not None], proven, upper - lower)
    points.sort(key=lambda p: (p.objective, tuple(p.x)))
    complete = not len(low) and not search.stopped and search.ledger.balanced
    expected = 1 if complete and _has_morse_sum(intervals, lower, upper) else None
    total = _morse_sum(points)
    message = _message(search, regions)
    if complete and expected is not None and total != expected:
        complete, message = False, f"ALARM: the Morse sum is {total} and must be {expected}, a point was missed"
    return Landscape(
        problem, lower, upper, tuple(points), complete, True, tuple(regions), 0.0, message, total, expected,
        search.looked_at, search.stopped == "interrupted",
    )  # fmt: skip


def _message(search: Search, regions: list[Region]) -> str:
    if not search.ledger.balanced:
        return "no: ALARM: boxes were lost in the search"
    if search.stopped:
        return f"no: {search.stopped}, {plural(len(search.waiting), 'box')} left"
    if regions:
        return "no: in the undecided regions f may have degenerate points, kinks, or points on the surface of the box"
    return "yes, proven: every other point of the box is excluded"


def _certificates(certifier: Certifier, search: Search) -> tuple[list[Certificate], list[tuple[Array, Array]]]:
    """One certificate of each zero that the search found, and boxes whose zero could not be certified."""
    found: list[Certificate] = []
    seen = np.empty((2, 0, search.n))
    ambiguous: list[tuple[Array, Array]] = []
    boxes, close = search.zeros()
    for low, high, c in zip(boxes.lower, boxes.upper, certifier.prove(close), strict=True):
        if c is None or (c.lower < low).any() or (c.upper > high).any():
            ambiguous.append((low, high))
            continue
        near = np.flatnonzero(np.all((c.lower <= seen[1]) & (c.upper >= seen[0]), axis=1))
        if not len(near):
            found.append(c)
            seen = np.concatenate([seen, np.stack([c.lower, c.upper])[:, None]], axis=1)
        elif not all((seen[0, k] >= low).all() and (seen[1, k] <= high).all() for k in near):
            ambiguous.append((low, high))
    return found, ambiguous


def _inside(certificates: list[Certificate], lower: Array, upper: Array) -> tuple[list[Certificate], list[Certificate]]:
    """Those that are in the box, and those of which rounding leaves it open."""
    near = [c for c in certificates if (c.upper >= lower).all() and (c.lower <= upper).all()]
    sure = [bool((c.lower >= lower).all() and (c.upper <= upper).all()) for c in near]
    return [c for c, s in zip(near, sure, strict=True) if s], [c for c, s in zip(near, sure, strict=True) if not s]


def _points(oracle: Oracle, certificates: list[Certificate]) -> list[CriticalPoint]:
    if not certificates:
        return []
    x = np.array([c.center for c in certificates])
    with oracle.uncounted():
        values, gradients = oracle.value_and_gradient(x)
        eigenvalues = np.linalg.eigvalsh(oracle.hessian(x, dense=True))
    return [
        CriticalPoint(
            kind=kind_of(c.index, oracle.n), index=c.index, nullity=0, eigenvalues=eigenvalues[k], tolerance=0.0,
            explanation=f"{kind_of(c.index, oracle.n)}: proven in ball arithmetic to within {c.width:.1g} in x.",
            x=x[k], objective=float(values[k]), gradient_norm=float(np.abs(gradients[k]).max()), certified=True,
            certificate=c,
        )
        for k, c in enumerate(certificates)
    ]  # fmt: skip


def _regions(oracle: Oracle, intervals: Intervals, low: Array, high: Array, lower: Array, upper: Array) -> list[Region]:
    regions = []
    for k, group in enumerate(touching(low, high)):
        inner_low, inner_high = np.maximum(low[group], lower), np.minimum(high[group], upper)
        share = float(np.prod(np.maximum(inner_high - inner_low, 0) / (upper - lower), axis=1).sum())
        ends = inner_low.min(axis=0), inner_high.max(axis=0)
        nearby = _judged(oracle, inner_low / 2 + inner_high / 2, *ends) if k < DESCRIBED else None
        rough = tuple(intervals.rough(*ends)) if k < DESCRIBED else ()
        regions.append(Region(*ends, len(group), share, nearby, rough))
    return regions


def _others(nearby: list[CriticalPoint], proven: list[CriticalPoint], width: Array) -> list[CriticalPoint]:
    """Those that are not in the list, nor each other."""
    kept: list[CriticalPoint] = []
    for p in nearby:
        if all(np.abs((p.x - q.x) / width).max() > ALIKE for q in (*proven, *kept)):
            kept.append(p)
    return kept


def _judged(oracle: Oracle, centers: Array, low: Array, high: Array) -> CriticalPoint | None:
    """A critical point close to one of the boxes, judged without proof: the first of a few that is one."""
    centers = centers[:: max(1, len(centers) // 16)]
    slack = 1e-3 * (high - low) + 1e-5 * (1 + np.abs(high))
    for x in towards_critical(oracle, centers, 100):
        if ((x >= low - slack) & (x <= high + slack)).all():
            point = classify(oracle, x)
            if point.kind != "not-critical":
                return point
    return None


# -- without ---------------------------------------------------------------------------------------------------------


def _sampled(problem: Problem, lower: Array, upper: Array, certify: bool, seed: int, seconds: float) -> Landscape:
    certifier = Certifier(problem) if certify else None
    oracle = compile(problem)
    found, interrupted = sampled(oracle, lower, upper, seed, seconds)
    points: list[CriticalPoint] = []
    if certifier is not None:
        proven = certifier.prove(found)
        inside, _ = _inside([c for c in proven if c is not None], lower, upper)
        points = _points(oracle, inside)
        found = found[[c is None for c in proven]]
    points += [p for p in (classify(oracle, x) for x in distinct(found, upper - lower)) if p.kind != "not-critical"]
    points.sort(key=lambda p: (p.objective, tuple(p.x)))
    why = f"{problem.n} variables are too many to divide boxes" if certify else "points were sampled (--certify proves)"
    total = _morse_sum(points)
    small = problem.n <= MOST_VARIABLES
    expected = 1 if small and _has_morse_sum(Intervals(system_of(problem)), lower, upper) else None
    missed = expected is not None and total != expected and all(p.nullity == 0 for p in points)
    message = f"not proven complete: {why}" + ("; ALARM: the Morse sum says that points are missing" if missed else "")
    return Landscape(
        problem, lower, upper, tuple(points), False, certify, (), 0.0, message, total, expected,
        interrupted=interrupted,
    )  # fmt: skip


def _has_morse_sum(intervals: Intervals, lower: Array, upper: Array) -> bool:
    """Whether the Morse sum must be 1: f has no pole or kink in the box, and its gradient points out of it."""
    return not intervals.rough(lower, upper) and points_outward(intervals, lower, upper)


def _morse_sum(points: list[CriticalPoint]) -> int:
    return sum((-1) ** p.index for p in points if not p.nullity)


class _Progress:
    """Tells on a terminal how far the search is, after half a second."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.due = self.began + 0.5 if sys.stderr.isatty() else np.inf
        self.shown = False

    def show(self, search: Search) -> None:
        now = time.perf_counter()
        if now >= self.due:
            self.due, self.shown = now + 0.2, True
            found, waiting = sum(map(len, search.unique)), len(search.waiting)
            told = f"{search.looked_at} boxes, {waiting} waiting, {found} points, {now - self.began:.1f} s"
            sys.stderr.write(f"\r\033[K{told}")
            sys.stderr.flush()

    def close(self) -> None:
        if self.shown:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
