"""Does a box contain a point at which an operation is undefined? Enclosures exclude it, points prove it.

The search goes over the places of the operation's index space, many at once, and only over the variables that are read
there. Boxes in which the operation cannot be undefined are dropped and the others halved, until none is left
(excluded), a point or a change of sign is found (certain), or the budget is used up (open).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ncsolve.graph.enclosures import Boxes, Enclosures, Places
from ncsolve.graph.intervals import Array, Flags, Interval
from ncsolve.graph.nodes import Index
from ncsolve.graph.program import MATRIX
from ncsolve.graph.singular import JUMPS, Guards, Singularity, covers, facts, has_zero, holds, restricted, singularities

_PLACES = 512  # searched at once
_MOST_VARIABLES = 16  # that a box is halved along
_MOST_ROWS = 1024
_MOST_ROUNDS = 64
_MOST_EVALUATIONS = 60_000  # of boxes, for one operation
_RANDOM_POINTS = 24
_LOCATING = 80  # bisections along a segment


@dataclass(frozen=True)
class Rows:
    """Boxes (m, s) in the variables `columns` (m, s), each at its own place of the operation's index space."""

    places: Places
    columns: NDArray[np.int64]
    lower: Array
    upper: Array

    def __len__(self) -> int:
        return len(self.lower)

    def take(self, which: NDArray[np.int64] | Flags) -> Rows:
        places = {i: at[which] for i, at in self.places.items()}
        return Rows(places, self.columns[which], self.lower[which], self.upper[which])

    @property
    def boxes(self) -> Boxes:
        return Boxes(self.lower, self.upper, self.columns)

    def at(self, x: Array) -> Rows:
        return replace(self, lower=x, upper=x)

    @property
    def centers(self) -> Array:
        """A finite number between the ends; 0 of an unbounded interval that contains it."""
        lo, hi = self.lower, self.upper
        with np.errstate(invalid="ignore"):
            middle = lo / 2 + hi / 2
        from_below = np.where(lo < 0, 0.0, 2 * lo + 1)
        from_above = np.where(hi > 0, 0.0, 2 * hi - 1)
        return np.where(np.isfinite(middle), middle, np.where(np.isfinite(lo), from_below, from_above))

    def candidates(self, rng: np.random.Generator | None) -> list[Array]:
        """Points (m, s) of the boxes: 0 or what is closest to it, middle, corners, random ones."""
        middle = self.centers
        low = np.where(np.isfinite(self.lower), self.lower, np.minimum(self.upper, middle) - 100)
        high = np.where(np.isfinite(self.upper), self.upper, np.maximum(self.lower, middle) + 100)
        points = [np.clip(0.0, self.lower, self.upper), middle, low, high]
        if rng is not None:
            points += [low + rng.random(low.shape) * (high - low) for _ in range(_RANDOM_POINTS)]
        return points


@dataclass(frozen=True)
class Outcome:
    """Whether it is certain that the operation is undefined somewhere, and at which place of its index space.

    If so, x (s,) is such a point, in the variables `columns`, or close to one where it is not `exact`. If not, it is
    undecided between `lower` and `upper`, shape (s,).
    """

    certain: bool
    place: dict[Index, int]
    columns: NDArray[np.int64]
    x: Array
    lower: Array
    upper: Array
    exact: bool = True


class Search:
    """Looks for points at which one singularity is met, other than those where one of the `known` ones is met."""

    def __init__(
        self, enclosures: Enclosures, singularity: Singularity, guards: Guards, known: Sequence[Singularity]
    ) -> None:
        self.enclosures = enclosures
        self.singularity = singularity
        program = enclosures.program
        self.indices = indices_of(enclosures, singularity)
        inside = set(self.indices)
        self.guards = [g for g in sorted(guards) if set(program.ops[g[0]].indices) <= inside]
        self.elsewhere = sorted(guards - set(self.guards))  # at places of which it is enough that they hold at one
        self.facts = [f for condition, truth in self.guards for f in facts(program, condition, truth)]
        self.known = [k for k in known if self._is_local(k)]
        self.hidden = singularities(program, singularity.args)
        jumps = any(op.kind in JUMPS or op.kind in MATRIX for op in program.used(singularity.args))
        self.continuous = not jumps and all(self._is_local(h) for h in self.hidden)
        self.needed = {
            *singularity.args,
            *(a for s in (*self.known, *self.hidden) if self._is_local(s) for a in s.args),
            *(condition for condition, _ in self.guards),
            *(op for _, a, b in self.facts for op in (a, b)),
        }
        self.left = _MOST_EVALUATIONS

    def _is_local(self, other: Singularity) -> bool:
        """Whether another singularity can be looked at, at the same places."""
        ops = self.enclosures.program.ops
        return all(set(ops[a].indices) <= set(self.indices) for a in other.args)

    # -- one look ----------------------------------------------------------------------------------------------------

    def values(self, boxes: Boxes, places: Places | None) -> dict[int, Interval]:
        """The enclosures that decide, of all places of the index space, or one place a box."""
        values = self.enclosures.over(boxes, self.needed, places)
        if places is not None:
            return values
        ops = self.enclosures.program.ops
        axes = {a: (*self.indices, *(i for i in ops[a].indices if i not in self.indices)) for a in values}
        return {a: self.enclosures.aligned(v, ops[a].indices, axes[a]) for a, v in values.items()}

    def judge(self, values: dict[int, Interval]) -> tuple[Flags, Flags]:
        """Where the operation may be, and where it must be undefined, other than for a known reason."""
        can, do = holds(self.guards, values)
        args, apart = [], np.zeros((), dtype=bool)
        for a in self.singularity.args:
            u = values[a]
            for kind, left, right in self.facts:
                if left == a:
                    u = restricted(u, kind, values[right])
                    if kind == "ne" and self.singularity.may is has_zero:
                        apart = apart | ((values[right].lo == 0) & (values[right].hi == 0))
            args.append(u)
        may = np.asarray(self.singularity.may(*args) & can & ~apart)
        must = np.asarray(
            self.singularity.must(*(values[a] for a in self.singularity.args)) & do & (not self.elsewhere)
        )
        for known in self.known:
            excused = known.must(*(values[a] for a in known.args))
            may, must = may & ~excused, must & ~excused
        return may, must

    def whole(self, lower: Array, upper: Array) -> NDArray[np.int64]:
        """The places (count, indices) at which the operation may be undefined somewhere in the box."""
        box = Boxes(lower[None], upper[None])
        elsewhere = self.enclosures.over(box, [condition for condition, _ in self.elsewhere])
        used = all(holds([guard], elsewhere)[0].any() for guard in self.elsewhere)
        may, _ = self.judge(self.values(box, None))
        sizes = tuple(i.size for i in self.indices)
        return np.argwhere(used & np.broadcast_to(may, (1, *sizes))[0])

    def _look(self, rows: Rows) -> tuple[dict[int, Interval], Flags, Flags]:
        self.left -= len(rows)
        values = self.values(rows.boxes, rows.places)
        may, must = self.judge(values)
        return values, np.broadcast_to(may, len(rows)), np.broadcast_to(must, len(rows))

    # -- the search --------------------------------------------------------------------------------------------------

    def run(self, lower: Array, upper: Array) -> Outcome | None:
        """What is found in a box; None when the operation is defined all over it, but for known reasons."""
        if any(covers(known, self.singularity) for known in self.known):
            return None
        listed = self.whole(lower, upper)
        still_open = None
        for start in range(0, len(listed), _PLACES):
            rows = self._rows(listed[start : start + _PLACES], lower, upper)
            if self.left <= 0:
                return still_open or self._open(rows)
            outcome = self._refine(rows)
            if outcome is not None and outcome.certain:
                return outcome
            still_open = still_open or outcome
        return still_open

    def _rows(self, listed: NDArray[np.int64], lower: Array, upper: Array) -> Rows:
        places = {i: listed[:, k] for k, i in enumerate(self.indices)}
        read = np.sort(self.enclosures.variables(self.needed, places), axis=1)
        read = np.broadcast_to(read, (len(listed), read.shape[1]))
        distinct = np.diff(read, axis=1, prepend=-1) > 0
        count = distinct.sum(axis=1)
        columns = np.full((len(read), int(count.max(initial=0))), np.iinfo(np.int64).max)
        columns[np.arange(columns.shape[1]) < count[:, None]] = read[distinct]
        inside = columns < len(lower)
        at = np.where(inside, columns, 0)
        return Rows(places, columns, np.where(inside, lower[at], 0.0), np.where(inside, upper[at], 0.0))

    def _refine(self, rows: Rows) -> Outcome | None:
        rng = np.random.default_rng(0)
        finished: list[Rows] = []
        for round_ in range(_MOST_ROUNDS):
            rows = self._contracted(rows)
            values, may, must = self._look(rows)
            if must.any():
                first = rows.take(np.flatnonzero(must)[:1])
                return self._certain(first, first.centers)
            rows, clean = rows.take(may), self._clean(values, len(rows))[may]
            if not len(rows):
                break
            if (found := self._probe(rows, clean, rng if round_ == 0 else None)) is not None:
                return found
            if rows.columns.shape[1] > _MOST_VARIABLES or len(rows) > _MOST_ROWS or self.left <= 0:
                finished.append(rows)
                break
            rows, stuck = self._halves(rows)
            if len(stuck):
                finished.append(stuck.take(~self._excused(stuck)))
            if not len(rows):
                break
        else:
            finished.append(rows.take(self._look(rows)[1]))
        return next((self._open(rest) for rest in finished if len(rest)), None)

    def _contracted(self, rows: Rows) -> Rows:
        """Cut down to where the guards can hold and a divisor can be 0, as far as these are about single variables."""
        ops = self.enclosures.program.ops
        values = self.values(rows.boxes, rows.places)
        limits = [(kind, a, values[b]) for kind, a, b in self.facts]
        if self.singularity.may is has_zero:
            limits.append(("eq", self.singularity.args[0], Interval.point(np.zeros(1))))
        lower, upper, r = rows.lower.copy(), rows.upper.copy(), np.arange(len(rows))
        for kind, a, limit in limits:
            if ops[a].kind == "gather" and ops[a].level == 2:
                where = self.enclosures.position(a, rows.places)
                k = (rows.columns < where[:, None]).sum(axis=1)
                part = restricted(Interval(lower[r, k], upper[r, k]), kind, limit)
                lower[r, k], upper[r, k] = part.lo, part.hi
        possible: Flags = np.all(lower <= upper, axis=1, keepdims=True)[:, 0]
        return replace(rows, lower=lower, upper=upper).take(possible)

    def _halves(self, rows: Rows) -> tuple[Rows, Rows]:
        """Both halves of each box along its widest variable, and the boxes that have no middle."""
        middle = rows.centers
        with np.errstate(invalid="ignore"):
            width = (rows.upper - rows.lower) / (1 + np.abs(middle))
        width = np.where((rows.lower < middle) & (middle < rows.upper), width, -1.0)
        if not width.shape[1]:
            return rows.take(np.zeros(len(rows), bool)), rows
        k, r = width.argmax(axis=1), np.arange(len(rows))
        wide = width[r, k] > 0
        stuck, rows, k, middle = rows.take(~wide), rows.take(wide), k[wide], middle[wide]
        both, n = rows.take(np.tile(np.arange(len(rows)), 2)), len(rows)
        both.upper[np.arange(n), k] = middle[np.arange(n), k]
        both.lower[n + np.arange(n), k] = middle[np.arange(n), k]
        return both, stuck

    # -- points ------------------------------------------------------------------------------------------------------

    def _clean(self, values: dict[int, Interval], m: int) -> Flags:
        """Boxes all over which the argument is continuous and the operation is used."""
        _, do = holds(self.guards, values)
        clean = np.broadcast_to(do, m) & (self.continuous and not self.elsewhere)
        for s in (*self.hidden, *self.known):
            if clean.any():
                clean = clean & ~np.broadcast_to(s.may(*(values[a] for a in s.args)), m)
        return np.asarray(clean)

    def _probe(self, rows: Rows, clean: Flags, rng: np.random.Generator | None) -> Outcome | None:
        points = rows.candidates(rng)
        copies = rows.take(np.tile(np.arange(len(rows)), len(points)))
        x = np.concatenate(points)
        values, _, must = self._look(copies.at(x))
        if must.any():
            k = np.flatnonzero(must)[:1]
            return self._certain(copies.take(k), x[k])
        if not (self.singularity.pole and clean.any()):
            return None
        shape = len(points), len(rows)
        u = values[self.singularity.args[0]].map(lambda v: np.broadcast_to(v, len(copies)).reshape(shape))
        low, high = u.hi.argmin(axis=0), u.lo.argmax(axis=0)
        r = np.arange(len(rows))
        crosses = self._between(u.map(lambda v: v[low, r]), u.map(lambda v: v[high, r])) & clean
        if not crosses.any():
            return None
        first = np.flatnonzero(crosses)[:1]
        return self._located(rows.take(first), points[low[first[0]]][first], points[high[first[0]]][first])

    def _between(self, u: Interval, v: Interval) -> Flags:
        """Whether a pole lies between two values, the first below the second."""
        return np.asarray(self.singularity.may(Interval(u.hi, v.lo)) & (u.hi <= v.lo))

    def _located(self, row: Rows, a: Array, b: Array) -> Outcome:
        """The point of the segment from a to b at which the argument passes a pole."""
        op = self.singularity.args[0]
        below = self.values(row.at(a).boxes, row.places)[op]
        for _ in range(_LOCATING):
            middle = a / 2 + b / 2
            values, _, must = self._look(row.at(middle))
            if must.any():
                return self._certain(row, middle)
            if self._between(below, values[op]).any():
                b = middle
            else:
                a, below = middle, values[op]
        return replace(self._certain(row, b), exact=False)

    def _certain(self, row: Rows, x: Array) -> Outcome:
        """A point in as few digits as will do."""
        for digits in range(1, 7):
            with np.errstate(divide="ignore"):
                scale = 10.0 ** (digits - 1 - np.floor(np.log10(np.maximum(np.abs(x), 1e-300))))
            short = np.where(x == 0, x, np.round(x * scale) / scale)
            if ((short >= row.lower) & (short <= row.upper)).all() and self._look(row.at(short))[2].any():
                x = short
                break
        found = self._open(row)
        return replace(found, certain=True, x=x[0, : len(found.columns)])

    def _open(self, rows: Rows) -> Outcome:
        """Undecided in a box around those of the rows that are at the first one's place."""
        place = {i: int(at[0]) for i, at in rows.places.items()}
        same = np.ones(len(rows), dtype=bool)
        for at in rows.places.values():
            same &= at == at[0]
        inside = rows.columns[0] < np.iinfo(np.int64).max
        lower, upper = rows.lower[same].min(axis=0)[inside], rows.upper[same].max(axis=0)[inside]
        return Outcome(False, place, rows.columns[0][inside], rows.centers[0][inside], lower, upper)

    def _excused(self, rows: Rows) -> Flags:
        """Of boxes too small to be halved, those in which something may be undefined for a known reason."""
        values = self.values(rows.boxes, rows.places)
        excused = np.zeros(len(rows), dtype=bool)
        for known in self.known:
            excused |= known.may(*(values[a] for a in known.args))
        return excused


def indices_of(enclosures: Enclosures, singularity: Singularity) -> tuple[Index, ...]:
    """The index space over which a singularity is looked for; a matrix is looked at as a whole."""
    op = enclosures.program.ops[singularity.op]
    if op.kind not in MATRIX:
        return op.indices
    axes, results = op.detail
    return tuple(i for i in op.indices if i not in (*axes, *results))
