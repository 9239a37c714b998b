"""Curves joined at branch points into one network: each is followed once, from both sides of where it was met."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ncsolve.continuations.curve import FIRST, LONGEST, Crossing, Curve, Vertex, trace, vertex_at
from ncsolve.continuations.diagram import Branch, Segment, Special
from ncsolve.continuations.family import Family
from ncsolve.continuations.singular import meeting

if TYPE_CHECKING:
    from ncsolve.problem import Problem

__all__ = ["Network"]

Array = NDArray[np.float64]

SAME = 1e-5  # points that are one, in scaled unknowns
ASIDE = 1e-3  # of a branch point, along the parameter
CLEAR = 12  # vertices further on, branches that meet in a special point are told apart
ALIKE = 1e-6  # values and eigenvalues of points that a symmetry maps onto each other, relative


class _Line:
    """A branch as vertices in a row, with what happens between them."""

    def __init__(self, ends: tuple[str, str]) -> None:
        self.vertices: list[Vertex] = []
        self.crossings: list[Crossing] = []
        self.ends = ends


class Network:
    """All that is known of the branches, and what is left to be followed."""

    def __init__(self, family: Family, problem: Problem, max_points: int, max_branches: int) -> None:
        self.family, self.problem = family, problem
        self.max_points, self.max_branches = max_points, max_branches
        self.lines: list[_Line] = []
        self.special: list[tuple[Special, Array]] = []
        self.waiting: list[tuple[Array, Array]] = []
        self.across = np.append(np.zeros(family.n), 1.0)

    def start(self, z: Array) -> None:
        """Follow the branch through a critical point in both senses, if it is a new one.

        From a branch point the branch that goes on beside it is followed.
        """
        vertex = vertex_at(self.family, z, None)
        for aside in (ASIDE, -ASIDE):
            if vertex is None:
                beside = self.family.corrected(z + aside * self.across, self.across)
                vertex = None if beside is None else vertex_at(self.family, beside[0], None)
        if vertex is None or len(self.lines) >= self.max_branches or self.is_known(vertex.z):
            return
        if not self._is_new(vertex):
            return
        one = trace(self.family, vertex, self.inside, self.max_points)
        closed = one.end == "closed"
        back = Vertex(z, -vertex.tangent, vertex.eigenvalues)
        other = Curve([back], end="closed") if closed else trace(self.family, back, self.inside, self.max_points)
        self._add(other, one)

    def grow(self) -> None:
        """Follow what leaves the branch points, and the branch points of that."""
        while self.waiting and len(self.lines) < self.max_branches:
            z, direction = self.waiting.pop(0)
            vertex = self._off(z, direction)
            if vertex is not None and self._is_new(vertex):
                root = Vertex(z, direction, vertex.eigenvalues)
                self._add(Curve([root], end="branch point"), trace(self.family, vertex, self.inside, self.max_points))

    def _is_new(self, vertex: Vertex) -> bool:
        """Whether no known branch goes where this one does, a little further on: at a special point many are close."""
        return not self.is_known(trace(self.family, vertex, self.inside, CLEAR).vertices[-1].z)

    def _off(self, z: Array, direction: Array) -> Vertex | None:
        """A first vertex of a new branch, a little off a branch point."""
        for h in (FIRST, 10 * FIRST, FIRST / 10):
            corrected = self.family.corrected(z + h * direction, direction)
            if corrected is None or float(np.linalg.norm(corrected[0] - z)) > 10 * h:
                continue
            at = corrected[0]
            vertex = vertex_at(self.family, at, (at - z) / float(np.linalg.norm(at - z)))
            if vertex is not None and self.family.low <= self.family.split(at)[1] <= self.family.high:
                return vertex
        return None

    def inside(self, x: Array) -> bool:
        lower, upper = self.problem.lower, self.problem.upper
        return lower is None or upper is None or bool(((x >= lower) & (x <= upper)).all())

    def is_known(self, z: Array) -> bool:
        """Whether a critical point lies on a branch, or is the image of such a one under a continuous symmetry."""
        mark = self._mark(z)
        for line in self.lines:
            heights = np.array([v.z[-1] for v in line.vertices]) - z[-1]
            for k in np.flatnonzero(heights[:-1] * heights[1:] <= 0):
                a, b = line.vertices[k].z, line.vertices[k + 1].z
                share = heights[k] / (heights[k] - heights[k + 1]) if heights[k] != heights[k + 1] else 0.0
                guess = a + share * (b - a)
                guess[-1] = z[-1]
                if not len(self.family.symmetries) and float(np.linalg.norm(guess - z)) > LONGEST:
                    continue
                corrected = self.family.corrected(guess, self.across)
                on = guess if corrected is None else corrected[0]
                if float(np.abs(self._mark(on) - mark).max()) <= 1:
                    return True
        return False

    def _mark(self, z: Array) -> Array:
        """Numbers that differ by at most 1 for points that are one."""
        if not len(self.family.symmetries):
            return z / SAME
        f = self.family.value(z)
        eigenvalues = self.family.eigenvalues(z)
        size = float(np.abs(eigenvalues).max()) if self.family.isometric else np.inf
        return np.append(eigenvalues / (ALIKE * size), f / (ALIKE * (1 + abs(f))))

    # -- what a new curve brings -----------------------------------------------------------------------------------

    def _add(self, back: Curve, forth: Curve) -> None:
        """A line from the two halves of a curve, its special points, and what leaves them."""
        count = len(back.vertices) - 1
        turned = [Vertex(v.z, -v.tangent, v.eigenvalues) for v in reversed(back.vertices)]
        joint = turned[:-1] + ([turned[-1]] if back.end == "branch point" else []) + forth.vertices
        shift = count + (1 if back.end == "branch point" else 0)
        crossings = [c._replace(place=count + 1 - c.place) for c in reversed(back.crossings)]
        crossings += [c._replace(place=c.place + shift) for c in forth.crossings]
        line = _Line((back.end, forth.end))
        self.lines.append(line)
        for k, vertex in enumerate(joint):
            for c in (c for c in crossings if c.place == k):
                exact = self._special(c)
                line.crossings.append(c._replace(place=len(line.vertices), vertex=exact))
                line.vertices.append(exact)
            line.vertices.append(vertex)

    def _special(self, c: Crossing) -> Vertex:
        """Note a special point; its exact vertex."""
        z, kind, leaving = c.vertex.z, "fold", np.empty((0, len(c.vertex.z)))
        if not (c.fold and len(c.orders) == 1):
            met = meeting(self.family, z, c.vertex.tangent, len(c.orders))
            z, kind, leaving = met.z, met.kind, met.directions
        place = len(self.lines) - 1
        for k, (known, at) in enumerate(self.special):
            if float(np.abs(at - z).max()) <= 10 * SAME:
                branches = tuple(sorted({*known.branches, place}))
                self.special[k] = replace(known, branches=branches), at
                return c.vertex._replace(z=at)
        x, value = self.family.split(z)
        self.special.append((Special(kind, value, x, self.family.value(z), len(c.orders), (place,)), z))
        self.waiting += [(z, direction) for direction in leaving]
        return c.vertex._replace(z=z)

    # -- what it looks like ------------------------------------------------------------------------------------------

    def branches(self) -> tuple[tuple[Branch, ...], tuple[Special, ...]]:
        """All branches with their segments, and all special points by the value of the parameter."""
        found = []
        for line in self.lines:
            points = [self.family.split(v.z) for v in line.vertices]
            values = np.array([self.family.value(v.z) for v in line.vertices])
            found.append(
                Branch(np.array([p[1] for p in points]), np.array([p[0] for p in points]), values,
                       tuple(self._segments(line)), line.ends)
            )  # fmt: skip
        special = [self._with_roots(s, z) for s, z in self.special]
        return tuple(found), tuple(sorted(special, key=lambda s: s.parameter))

    def _segments(self, line: _Line) -> list[Segment]:
        last = len(line.vertices) - 1
        cuts = sorted({0, last, *(c.place for c in line.crossings)})
        segments = []
        for a, b in pairwise(cuts):
            inner = line.vertices[(a + b) // 2] if b > a + 1 else line.vertices[b if b == last else a]
            full = self.family.n - self.family.tangents(inner.z).shape[1]
            kind = "minimum" if inner.negative == 0 else "maximum" if inner.negative == full else "saddle"
            segments.append(Segment(kind, inner.negative, a, b))
        return segments

    def _with_roots(self, special: Special, z: Array) -> Special:
        """With the branches that begin at it."""
        roots = {
            k for k, line in enumerate(self.lines)
            if line.ends[0] == "branch point" and float(np.abs(line.vertices[0].z - z).max()) <= 10 * SAME
        }  # fmt: skip
        branches = tuple(sorted(roots | set(special.branches)))
        return replace(special, branches=branches)
