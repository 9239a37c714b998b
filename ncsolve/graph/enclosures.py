"""Enclosures of a program's operations over many boxes at once: what every value is between, rounded outward.

    enclosures = Enclosures(program, parameters)
    found = enclosures.over(Boxes(lower, upper), roots)      # lower, upper: (m, n)
    found[root].lo, found[root].hi                           # (m, *sizes of the operation's indices)

What does not depend on the variables has a leading axis of length one. An operation can also be enclosed at one place
of its index space for each box: `places` gives the place of each along an index, whose axis the result does not have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ncsolve.graph.derivation import positions
from ncsolve.graph.interval_rules import apply
from ncsolve.graph.intervals import Array, Interval, inner, inverse, peak, total
from ncsolve.graph.nodes import Gather, Index, unique
from ncsolve.graph.program import MATRIX, Program
from ncsolve.graph.sparse import look_up
from ncsolve.graph.walks import reachable

Places = Mapping[Index, NDArray[np.int64]]
Key = tuple[int, tuple[tuple[Index, Index], ...]]
"""An operation, and those of its indices that are fixed, each with the index under which `places` has its place."""

_DIRECT = 2_000_000  # products of intervals that are formed one by one
_MOST_NUMBERS = 100_000_000  # in a dense array made of sparse data


@dataclass(frozen=True)
class Boxes:
    """m boxes, shape (m, n); with `columns` (m, s), rising along each row, only in these s of the n variables."""

    lower: Array
    upper: Array
    columns: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.lower)

    def read(self, where: NDArray[np.int64]) -> Interval:
        """The intervals of the variables at positions (m or 1, ...) of the packed x."""
        if self.columns is not None:
            columns = self.columns.reshape(len(self), *[1] * (where.ndim - 1), -1)
            where = (columns < where[..., None]).sum(axis=-1)
        rows = np.arange(len(self)).reshape(-1, *[1] * (where.ndim - 1))
        lower = self.lower[rows, where]
        return Interval(lower, lower if self.upper is self.lower else self.upper[rows, where])


class Enclosures:
    """Encloses the operations of one program."""

    def __init__(self, program: Program, parameters: Mapping[str, float]) -> None:
        self.program = program
        self.parameters = parameters
        self._positions: dict[int, NDArray[np.int64]] = {}

    def over(self, boxes: Boxes, roots: Iterable[int], places: Places | None = None) -> dict[int, Interval]:
        """The enclosures of some operations. Intermediate ones are dropped as soon as they are not needed any more."""
        places = places or {}
        wanted = {root: self.key(root, {i: i for i in places}) for root in roots}
        needed = self.needed(wanted.values())
        uses = Counter(a for key in needed for a in self.arguments(key))
        uses.update(wanted.values())
        values: dict[Key, Interval] = {}
        for key in needed:
            values[key] = self._enclosure(key, boxes, places, values)
            for a in self.arguments(key):
                uses[a] -= 1
                if uses[a] == 0:
                    del values[a]
        return {root: values[key] for root, key in wanted.items()}

    def variables(self, roots: Iterable[int], places: Places) -> NDArray[np.int64]:
        """The positions in the packed x that some operations read at each place: (m, some number), with repetitions."""
        keys = self.needed([self.key(root, {i: i for i in places}) for root in roots])
        read = [self._where(k, places) for k in keys if self.program.ops[k[0]].level == 2 and self._is_gather(k)]
        m = max((len(where) for where in read), default=1)
        flat = [np.broadcast_to(where.reshape(len(where), -1), (m, where[0].size)) for where in read]
        return np.concatenate(flat, axis=1) if flat else np.zeros((m, 0), dtype=np.int64)

    def position(self, gather: int, places: Places) -> NDArray[np.int64]:
        """The position in the packed x that a gather reads at each place: (m,)."""
        return self._where(self.key(gather, {i: i for i in places}), places)

    # -- operations at fixed places ------------------------------------------------------------------------------------

    def key(self, op: int, fixed: Mapping[Index, Index]) -> Key:
        return op, tuple((i, fixed[i]) for i in self.program.ops[op].indices if i in fixed)

    def axes(self, key: Key) -> tuple[Index, ...]:
        """The axes of an enclosure after the first, which counts the boxes."""
        fixed = dict(key[1])
        return tuple(i for i in self.program.ops[key[0]].indices if i not in fixed)

    def arguments(self, key: Key) -> list[Key]:
        op, fixed = self.program.ops[key[0]], dict(key[1])
        if op.kind == "relabel":
            names: dict[Index, Index] = dict(op.detail)
            inside = self.program.ops[op.args[0]].indices
            fixed = {i: fixed[names.get(i, i)] for i in inside if names.get(i, i) in fixed}
        elif op.kind in MATRIX:
            axes, results = op.detail
            fixed = {i: slot for i, slot in fixed.items() if i not in (*axes, *results)}
        return [self.key(a, fixed) for a in op.args]

    def needed(self, roots: Iterable[Key]) -> list[Key]:
        """All operations that the roots are computed from, arguments first."""
        return sorted(reachable(roots, self.arguments), key=lambda key: key[0])

    # -- one operation -------------------------------------------------------------------------------------------------

    def _enclosure(self, key: Key, boxes: Boxes, places: Places, values: Mapping[Key, Interval]) -> Interval:
        op = self.program.ops[key[0]]
        if op.kind == "const":
            return Interval.point(np.full(1, op.detail))
        if op.kind == "gather":
            return self._gather(key, boxes, places)
        args = self.arguments(key)
        if op.kind == "relabel":
            return values[args[0]]
        if op.kind in ("sum", "peak"):
            over = tuple(1 + self.axes(args[0]).index(i) for i in op.detail)
            return (total if op.kind == "sum" else peak)(values[args[0]], over)
        if op.kind == "contract":
            return self._contraction(key, args, values)
        if op.kind in MATRIX:
            return self._matrix_function(key, args[0], places, values)
        axes = self.axes(key)
        aligned = {a: self.aligned(values[a], self.axes(a), axes) for a in args}
        return apply(op.kind, *(aligned[a] for a in args))

    @staticmethod
    def aligned(value: Interval, own: Sequence[Index], axes: Sequence[Index]) -> Interval:
        """With one axis for each of the given ones, of length one where the value does not depend on it."""
        order = [0, *(1 + own.index(i) for i in axes if i in own)]
        shape = [i.size if i in own else 1 for i in axes]
        return value.map(lambda v: v.transpose(order).reshape(len(v), *shape))

    def _is_gather(self, key: Key) -> bool:
        return self.program.ops[key[0]].kind == "gather"

    def _where(self, key: Key, places: Places) -> NDArray[np.int64]:
        """Where a gather reads in its flattened leaf: (m, *axes), or (1, *axes) where no place is fixed."""
        op = self.program.ops[key[0]]
        if op.id not in self._positions:
            leaf, subscripts = op.detail
            self._positions[op.id] = np.asarray(positions(self.program.graph, Gather(leaf, subscripts)))
        fixed = dict(key[1])
        axes = [k for k, i in enumerate(op.indices) if i in fixed]
        others = [k for k, i in enumerate(op.indices) if i not in fixed]
        where = self._positions[op.id].transpose(axes + others)
        chosen: NDArray[np.int64] = where[tuple(places[fixed[op.indices[k]]] for k in axes)] if axes else where[None]
        return chosen

    def _gather(self, key: Key, boxes: Boxes, places: Places) -> Interval:
        leaf = self.program.ops[key[0]].detail[0]
        if leaf.role == "parameter":
            return Interval.point(np.full(1, self.parameters[leaf.name]))
        where = self._where(key, places)
        if leaf.role == "variable":
            return boxes.read(where)
        return Interval.point(look_up(self.program.graph.arrays[leaf.name], where))

    def _contraction(self, key: Key, args: list[Key], values: Mapping[Key, Interval]) -> Interval:
        over: tuple[Index, ...] = self.program.ops[key[0]].detail
        kept = self.axes(key)
        a, b = (values[k] for k in args)
        boxes = max(len(a.lo), len(b.lo))
        if boxes * np.prod([i.size for i in (*kept, *over)], dtype=float) <= _DIRECT:
            pair = {k: self.aligned(values[k], self.axes(k), (*kept, *over)) for k in args}
            return total(apply("mul", *(pair[k] for k in args)), tuple(range(1 + len(kept), 1 + len(kept) + len(over))))
        letters = {i: 1 + k for k, i in enumerate(unique((*kept, *over)))}
        spelled = [[*([0] if len(values[k].lo) > 1 else []), *(letters[i] for i in self.axes(k))] for k in args]
        result = [*([0] if boxes > 1 else []), *(letters[i] for i in kept)]
        a, b = (values[k].map(lambda v: v if len(v) > 1 else v[0]) for k in args)
        count = int(np.prod([i.size for i in over], dtype=np.int64))
        found = inner(lambda p, q: np.einsum(p, spelled[0], q, spelled[1], result, optimize=True), a, b, count)
        return found if boxes > 1 else found.map(lambda v: v[None])

    def _matrix_function(self, key: Key, arg: Key, places: Places, values: Mapping[Key, Interval]) -> Interval:
        """Inverses; determinants are not enclosed."""
        op = self.program.ops[key[0]]
        axes, results = op.detail
        lead = tuple(i for i in self.axes(arg) if i not in axes)
        matrices = self.aligned(values[arg], self.axes(arg), (*lead, *axes))
        if op.kind != "inverse":
            return Interval.unbounded(matrices.lo.shape[:-2])
        found = inverse(matrices)[0]
        for index, slot in key[1]:
            if index in results:
                axis = found.lo.ndim - 1 - (index == results[0] and results[1] in self.axes(key))
                at = places[slot].reshape(-1, *[1] * (found.lo.ndim - 1))
                shape = np.broadcast_shapes((len(at),), found.lo.shape[:1])
                found = found.map(lambda v, at=at, axis=axis, m=shape[0]: _taken(v, at, axis, m))  # type: ignore[misc]
        return found


def _taken(values: Array, at: NDArray[np.int64], axis: int, m: int) -> Array:
    """The entry along an axis that each box asks for."""
    return np.take_along_axis(np.broadcast_to(values, (m, *values.shape[1:])), at, axis).squeeze(axis)
