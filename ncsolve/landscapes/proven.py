"""All critical points of a box with a proof: boxes are divided, zeros certified in balls, what is left is told."""

from __future__ import annotations

import sys
import time
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical import CriticalPoint, classify
from ncsolve.critical.certificate import Certificate, certifier_of, kind_of
from ncsolve.critical.modes import towards_critical
from ncsolve.critical.system import Intervals, intervals_of
from ncsolve.executors import Executor, in_order
from ncsolve.landscapes.look import ZERO
from ncsolve.landscapes.newton import Boxes
from ncsolve.landscapes.orbits import one_of_each_orbit
from ncsolve.landscapes.proof import Proof
from ncsolve.landscapes.regions import touching
from ncsolve.landscapes.result import Landscape, Region
from ncsolve.landscapes.sampling import distinct
from ncsolve.landscapes.search import Budget, Search
from ncsolve.landscapes.surface import points_outward
from ncsolve.landscapes.words import plural
from ncsolve.oracle import Oracle, compile

if TYPE_CHECKING:
    from ncsolve.problem import Problem

__all__ = ["certified_points", "has_morse_sum", "inside_and_edge", "morse_sum", "proven"]

Array = NDArray[np.float64]

ALIKE = 1e-3  # points of undecided regions that are told once, relative to the box
DESCRIBED = 8  # undecided regions in which a point is looked for
TOGETHER = 64  # points that are proven in one go
STARTS = 256  # in what a stopped search leaves open
SAMPLING = 5.0  # seconds there


def proven(problem: Problem, lower: Array, upper: Array, budget: Budget, executor: Executor) -> Landscape:
    """Branch and bound, then certificates in balls. What a stopped search leaves open is sampled, without proof."""
    certifier_of(problem)  # what has no proof is told before the search
    intervals = intervals_of(problem)
    progress = _Progress()
    search = Search(problem, lower, upper, budget, progress.show, executor)
    search.run()
    progress.close()
    oracle = compile(problem)
    certificates, ambiguous = _certificates(search)
    inside, edge = inside_and_edge(certificates, lower, upper)
    outside = [c for c in certificates if all(c is not other for other in (*inside, *edge))]
    zero = search.having(ZERO)
    low = np.concatenate([search.rest.lower, zero.lower[ambiguous], *(c.lower[None] for c in edge)])
    high = np.concatenate([search.rest.upper, zero.upper[ambiguous], *(c.upper[None] for c in edge)])
    points = certified_points(oracle, [*inside, *edge])
    regions = _regions(oracle, intervals, low, high, lower, upper)
    known = [*points, *_others([r.nearby for r in regions if r.nearby is not None], points, upper - lower)]
    if search.stopped:
        known += _others(_in_the_rest(oracle, search.rest, known), known, upper - lower)
    points = sorted(known, key=lambda p: (p.objective, tuple(p.x)))
    complete = not len(low) and not search.stopped and search.ledger.balanced
    expected = 1 if complete and has_morse_sum(intervals, lower, upper) else None
    total = morse_sum(points)
    message = _message(search, regions)
    if complete and expected is not None and total != expected:
        complete, message = False, f"ALARM: the Morse sum is {total} and must be {expected}, a point was missed"
    return Landscape(
        problem, lower, upper, tuple(points), complete, True, tuple(regions), 0.0, message, total, expected,
        search.looked_at, search.stopped == "interrupted", proof=Proof.of(search, ambiguous), outside=tuple(outside),
    )  # fmt: skip


def _message(search: Search, regions: list[Region]) -> str:
    if not search.ledger.balanced:
        return "no: ALARM: boxes were lost in the search"
    if search.stopped:
        share = 100 * sum(region.fraction for region in regions)
        left = f"{plural(search.waiting_count, 'box')} left, {share:.2g} % of the box undecided"
        return f"not proven complete: {search.stopped}, {left}; points that are not proven were sampled there"
    if regions:
        return "no: in the undecided regions f may have degenerate points, kinks, or points on the surface of the box"
    return "yes, proven: every other point of the box is excluded"


def prove(problem: Problem, points: Array) -> list[Certificate | None]:
    """A certificate of each, on its own."""
    return certifier_of(problem).prove(points)


def _certificates(search: Search) -> tuple[list[Certificate], NDArray[np.int64]]:
    """One certificate of each zero that the search found, and which boxes have one that could not be certified."""
    found: list[Certificate] = []
    seen = np.empty((2, 0, search.n))
    ambiguous: list[int] = []
    boxes, close = search.zeros()
    slices = [close[k : k + TOGETHER] for k in range(0, len(close), TOGETHER)]
    proofs = in_order(search.executor.run(prove, search.problem, slices))
    for k, c in enumerate(chain.from_iterable(proofs)):
        low, high = boxes.lower[k], boxes.upper[k]
        if c is None or (c.lower < low).any() or (c.upper > high).any():
            ambiguous.append(k)
            continue
        near = np.flatnonzero(np.all((c.lower <= seen[1]) & (c.upper >= seen[0]), axis=1))
        if not len(near):
            found.append(c)
            seen = np.concatenate([seen, np.stack([c.lower, c.upper])[:, None]], axis=1)
        elif not all((seen[0, j] >= low).all() and (seen[1, j] <= high).all() for j in near):
            ambiguous.append(k)
    return found, np.array(ambiguous, dtype=np.int64)


def _in_the_rest(oracle: Oracle, rest: Boxes, known: list[CriticalPoint]) -> list[CriticalPoint]:
    """Critical points in undecided boxes, found from their middles and judged without proof; Ctrl-C ends it."""
    deadline = time.perf_counter() + SAMPLING
    chosen = np.unique(np.linspace(0, len(rest) - 1, min(len(rest), STARTS)).astype(int))
    starts = rest.lower[chosen] / 2 + rest.upper[chosen] / 2
    low, high = rest.lower.min(axis=0), rest.upper.max(axis=0)
    slack = 1e-9 * (high - low)
    found: list[CriticalPoint] = []
    try:
        ends = distinct(towards_critical(oracle, starts, deadline=deadline), high - low)
        there = [np.all((rest.lower - slack <= x) & (x <= rest.upper + slack), axis=1).any() for x in ends]
        every = np.array([*(p.x for p in known), *ends[there]]).reshape(-1, oracle.n)
        for k in one_of_each_orbit(oracle, every):
            if k >= len(known) and time.perf_counter() < deadline:
                found.append(classify(oracle, every[k]))
    except KeyboardInterrupt:
        pass
    return [p for p in found if p.kind != "not-critical"]


def inside_and_edge(
    certificates: list[Certificate], lower: Array, upper: Array
) -> tuple[list[Certificate], list[Certificate]]:
    """Those that are in the box, and those of which rounding leaves it open."""
    near = [c for c in certificates if (c.upper >= lower).all() and (c.lower <= upper).all()]
    sure = [bool((c.lower >= lower).all() and (c.upper <= upper).all()) for c in near]
    return [c for c, s in zip(near, sure, strict=True) if s], [c for c, s in zip(near, sure, strict=True) if not s]


def certified_points(oracle: Oracle, certificates: list[Certificate]) -> list[CriticalPoint]:
    """The middles of what is proven to hold one critical point each, with the kind that is proven."""
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


def has_morse_sum(intervals: Intervals, lower: Array, upper: Array) -> bool:
    """Whether the Morse sum must be 1: f has no pole or kink in the box, and its gradient points out of it."""
    return not intervals.rough(lower, upper) and points_outward(intervals, lower, upper)


def morse_sum(points: list[CriticalPoint]) -> int:
    """sum (-1)^index over the nondegenerate points: 1 for all of a box out of which grad f points. [Milnor 1965, 6]"""
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
            found, waiting = len(search.having(ZERO)), search.waiting_count
            told = f"{search.looked_at} boxes, {waiting} waiting, {found} points, {now - self.began:.1f} s"
            sys.stderr.write(f"\r\033[K{told}")
            sys.stderr.flush()

    def close(self) -> None:
        if self.shown:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
