"""One curve of critical points by pseudo-arclength continuation, with the places at which an eigenvalue changes sign.

    predict z + h t,  correct in the plane with normal t,  t the null vector of J

The step h grows while Newton's method needs few steps and shrinks where the tangent turns. [Keller 1977]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ncsolve.continuations.family import Family

__all__ = ["Crossing", "Curve", "Vertex", "trace"]

Array = NDArray[np.float64]

FIRST, LONGEST, SHORTEST = 2e-3, 2e-2, 1e-7  # steps h; the range of the parameter has length 1
QUICK, SLOW = 3, 7  # steps of Newton's method
TURN = 0.9  # least cosine between tangents, so that the curve followed is one
FAR = 1e3  # |z|
ZERO = 1e-12  # of F


class Vertex(NamedTuple):
    """A point of a curve with its unit tangent and the eigenvalues there."""

    z: Array
    tangent: Array
    eigenvalues: Array

    @property
    def negative(self) -> int:
        return int(np.count_nonzero(self.eigenvalues < 0))


class Crossing(NamedTuple):
    """Between vertices `place - 1` and `place`: where the curve turns (fold), or the eigenvalues `orders` vanish."""

    place: int
    fold: bool
    orders: tuple[int, ...]
    vertex: Vertex


@dataclass
class Curve:
    """Vertices in the order in which they were met, what happens between them, and why it ends."""

    vertices: list[Vertex] = field(default_factory=list)
    crossings: list[Crossing] = field(default_factory=list)
    end: str = "points"


def vertex_at(family: Family, z: Array, near: Array | None) -> Vertex | None:
    tangent = family.tangent(z, near)
    return None if tangent is None else Vertex(z, tangent, family.eigenvalues(z))


def trace(family: Family, first: Vertex, inside: Callable[[Array], bool], most: int) -> Curve:
    """The curve from a vertex in the sense of its tangent, until it leaves the range, closes, or has `most` points.

    `inside` says whether x is where points are wanted.
    """
    curve, h = Curve([first]), FIRST
    while len(curve.vertices) < most:
        here = curve.vertices[-1]
        found = _next(family, here, h)
        if found is None:
            curve.end = "lost"
            return curve
        vertex, h, quick = found
        value = family.split(vertex.z)[1]
        if not family.low <= value <= family.high:
            _finish(family, curve, vertex)
            return curve
        _note(family, curve, here, vertex)
        curve.vertices.append(vertex)
        if not inside(family.split(vertex.z)[0]) or float(np.linalg.norm(vertex.z)) > FAR:
            curve.end = "far" if inside(family.split(vertex.z)[0]) else "bounds"
            return curve
        if len(curve.vertices) > 10 and _passes(here, vertex, first):
            curve.vertices[-1], curve.end = first, "closed"
            return curve
        h = min(LONGEST, 1.5 * h) if quick else h
    return curve


def _next(family: Family, here: Vertex, h: float) -> tuple[Vertex, float, bool] | None:
    """The next vertex, its distance, and whether it was found quickly."""
    while h >= SHORTEST:
        corrected = family.corrected(here.z + h * here.tangent, here.tangent)
        if corrected is not None and corrected[1] <= SLOW:
            vertex = vertex_at(family, corrected[0], here.tangent)
            if vertex is not None and vertex.tangent @ here.tangent >= TURN and _simple(here, vertex, h):
                return vertex, h, corrected[1] <= QUICK
        h /= 2
    return None


def _simple(here: Vertex, vertex: Vertex, h: float) -> bool:
    """Whether at most one thing happens in between, as far as smaller steps can tell."""
    turned = here.tangent[-1] * vertex.tangent[-1] < 0
    changed = abs(vertex.negative - here.negative)
    return h < 1e-4 or changed <= 1 or (turned and changed == 1)


def _note(family: Family, curve: Curve, here: Vertex, there: Vertex) -> None:
    """Locate what happens between two vertices."""
    low, high = sorted((here.negative, there.negative))
    orders = tuple(range(low, high))
    turned = bool(here.tangent[-1] * there.tangent[-1] < 0)
    fold = turned and len(orders) == 1
    if turned and not orders:  # the eigenvalue came back from zero: another branch passes through
        orders = (int(np.abs(here.eigenvalues).argmin()),)
    if not orders:
        return
    length = float((there.z - here.z) @ here.tangent)

    def at(h: float) -> Vertex:
        corrected = family.corrected(here.z + h * here.tangent, here.tangent)
        z = here.z + h / length * (there.z - here.z) if corrected is None else corrected[0]
        return vertex_at(family, z, here.tangent) or Vertex(z, here.tangent, family.eigenvalues(z))

    def measured(v: Vertex) -> float:
        return float(v.tangent[-1] if turned else v.eigenvalues[orders[len(orders) // 2]])

    vertex = _root(at, measured, here, there, length)
    curve.crossings.append(Crossing(len(curve.vertices), fold, orders, vertex))


def _root(
    at: Callable[[float], Vertex], measured: Callable[[Vertex], float], a: Vertex, b: Vertex, length: float
) -> Vertex:
    """Where a function of opposite signs at the ends vanishes, by Brent's method."""
    from scipy.optimize import brentq

    ends = {0.0: measured(a), length: measured(b)}
    h = brentq(lambda h: ends[h] if h in ends else measured(at(h)), 0.0, length, xtol=1e-10, rtol=1e-12)
    return at(float(h))


def _finish(family: Family, curve: Curve, outside: Vertex) -> None:
    """The last vertex lies at the end of the range exactly."""
    here = curve.vertices[-1]
    limit = family.high if outside.z[-1] > here.z[-1] else family.low
    share = (limit / family.scale[-1] - here.z[-1]) / (outside.z[-1] - here.z[-1])
    guess = here.z + share * (outside.z - here.z)
    guess[-1] = limit / family.scale[-1]
    across = np.zeros(family.n + 1)
    across[-1] = 1.0
    corrected = family.corrected(guess, across)
    if corrected is None and float(np.abs(family.gradient(guess)).max()) <= ZERO:  # a branch point, on a straight curve
        corrected = guess, 0
    last = vertex_at(family, corrected[0], here.tangent) if corrected else None
    if last is not None and float(np.linalg.norm(last.z - guess)) < LONGEST:
        _note(family, curve, here, last)
        curve.vertices.append(last)
    curve.end = "range"


def _passes(here: Vertex, there: Vertex, first: Vertex) -> bool:
    """Whether the curve goes through its first vertex again between two others."""
    before, after = (first.z - here.z) @ first.tangent, (first.z - there.z) @ first.tangent
    near = float(np.linalg.norm(there.z - first.z)) <= 2 * LONGEST
    return bool(near and before >= 0 >= after and there.tangent @ first.tangent > TURN)
