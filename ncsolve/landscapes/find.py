"""`nc.landscape`: all critical points in a box."""

from __future__ import annotations

import time
from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical import CriticalPoint, classify
from ncsolve.critical.certificate import Certifier
from ncsolve.critical.symmetries import symmetries
from ncsolve.critical.system import intervals_of, refuse
from ncsolve.errors import ProblemError
from ncsolve.executors import Executor, Patient, checked
from ncsolve.landscapes.explore import explored
from ncsolve.landscapes.orbits import completed, one_of_each_orbit, orbits
from ncsolve.landscapes.proven import certified_points, has_morse_sum, inside_and_edge, morse_sum, proven
from ncsolve.landscapes.result import Landscape
from ncsolve.landscapes.sampling import distinct, sampled
from ncsolve.landscapes.search import Budget
from ncsolve.oracle import compile
from ncsolve.problem.checks import checked_bounds

if TYPE_CHECKING:
    from ncsolve.problem import Problem

__all__ = ["box_of", "landscape"]

Array = NDArray[np.float64]

MOST_VARIABLES = 12  # for which boxes are divided


def landscape(
    problem: Problem,
    box: Mapping[Any, Any] | None = None,
    certify: bool = False,
    seed: int = 0,
    max_boxes: int = 400_000,
    max_seconds: float = 60.0,
    connect: bool = True,
    executor: Executor | None = None,
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
    executor
        Where a search with `certify` that lasts looks at boxes: `ncsolve.executors.choose("processes", 4)`, or "dask".
        What is found does not depend on it.

    Raises `ProblemError` for a box that does not fit and an f that has no proof, `MissingExtra` without python-flint.
    """
    refuse(problem)
    spread = Patient(checked(executor))
    began = time.perf_counter()
    if box is None and problem.lower is None and not certify:
        return replace(explored(problem, seed, max_seconds), seconds=time.perf_counter() - began)
    lower, upper = box_of(problem, box)
    free = unbounded(problem)
    if certify and problem.n <= MOST_VARIABLES:
        found = proven(free, lower, upper, Budget(max_boxes, max_seconds), spread)
    else:
        found = _sampled(free, lower, upper, certify, seed, max_seconds)
    found = replace(found, problem=problem)
    if connect and not found.interrupted:
        from ncsolve.landscapes.flow import connections

        found = replace(found, connections=connections(compile(free), found))
    certified = certify and all(p.certified for p in found.points)
    return replace(found, certified=certified, seconds=time.perf_counter() - began)


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


# -- without ---------------------------------------------------------------------------------------------------------


def _sampled(problem: Problem, lower: Array, upper: Array, certify: bool, seed: int, seconds: float) -> Landscape:
    certifier = Certifier(problem) if certify else None
    oracle = compile(problem)
    found, interrupted = sampled(oracle, lower, upper, seed, seconds)
    discrete = symmetries(oracle).discrete
    found = completed(found[one_of_each_orbit(oracle, found)], discrete, lower, upper)
    found = found[one_of_each_orbit(oracle, found)]
    points: list[CriticalPoint] = []
    if certifier is not None:
        certificates = certifier.prove(found)
        inside, _ = inside_and_edge([c for c in certificates if c is not None], lower, upper)
        points = certified_points(oracle, inside)
        found = found[[c is None for c in certificates]]
    points += [p for p in (classify(oracle, x) for x in distinct(found, upper - lower)) if p.kind != "not-critical"]
    points.sort(key=lambda p: (p.objective, tuple(p.x)))
    why = f"{problem.n} variables are too many to divide boxes" if certify else "points were sampled (--certify proves)"
    total = morse_sum(points)
    small = problem.n <= MOST_VARIABLES
    expected = 1 if small and has_morse_sum(intervals_of(problem), lower, upper) else None
    missed = expected is not None and total != expected and all(p.nullity == 0 for p in points)
    message = f"not proven complete: {why}" + ("; ALARM: the Morse sum says that points are missing" if missed else "")
    x = np.array([p.x for p in points]).reshape(-1, problem.n)
    return Landscape(
        problem, lower, upper, tuple(points), False, certify, (), 0.0, message, total, expected,
        interrupted=interrupted, orbits=orbits(x, discrete, upper - lower),
    )  # fmt: skip
