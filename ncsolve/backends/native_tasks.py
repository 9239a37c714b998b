"""What native code computes, before it is printed: constants, the tasks that are left, and the loops they share."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.backends.layout import BATCH, Axes, Piece
from ncsolve.backends.loops import Schedule, Task, schedule
from ncsolve.backends.numpy_printer import Printer
from ncsolve.graph.nodes import Affine, Index, Leaf, Subscript
from ncsolve.graph.program import MATRIX, Op, Program

if TYPE_CHECKING:
    from ncsolve.backends.native_printer import NativePrinter

_FOREIGN = {*MATRIX, "polygamma"}  # operations that only the NumPy backend has
_TENSOR_FROM = 100_000_000  # multiplications from which loops are too slow for a product of tensors
_BLAS_FROM = 20_000  # multiplications from which a product of matrices is left to BLAS


@dataclass(frozen=True)
class Sink:
    """A statement that stores a value: `write(printer, at, value)`; `at` names the loop variable of each index."""

    value: int
    space: Axes
    write: Callable[[NativePrinter, Mapping[Index, str], str], list[str]]
    place: tuple[Leaf, tuple[Subscript, ...]] | None = None  # of a scatter into g


class NativeTasks:
    """The tasks that compute some sinks, and their `plan`. Arrays that they read are collected in `arrays`.

    Operations on data alone are `pieces`, known before the loops; large products of matrices are left to BLAS.
    """

    def __init__(
        self, program: Program, sinks: Sequence[Sink], n: int, batched: frozenset[str], samples: Index | None
    ) -> None:
        self.program, self.n, self.batched_roles, self.samples = program, n, batched, samples
        self.arrays: dict[str, NDArray[Any]] = {}
        self.pieces: dict[int, Piece] = {}
        self.sinks = {-1 - k: sink for k, sink in enumerate(sinks)}
        roots = [s.value for s in sinks]
        self.ops = program.used(roots)
        self._batched: dict[int, bool] = {}
        for o in self.ops:
            own = o.kind == "gather" and o.detail[0].role in batched
            self._batched[o.id] = own or any(self._batched[a] for a in o.args)
        self._constants(roots)
        late = sorted((o for o in self.ops if o.id not in self.pieces), key=lambda o: o.level > 1)  # parameters first:
        self.tasks = [self._task(o) for o in late]  # between two loops they would keep these from becoming one
        known = {t.id for t in self.tasks}
        self.tasks += [
            Task(k, (s.value,) if s.value in known else (), self._with_batch(s.space, bool(batched)))
            for k, s in self.sinks.items()
        ]
        self._by_id = {t.id: t for t in self.tasks}
        self.order = self._loop_order()
        self.plan: Schedule = schedule(self.tasks, self.order)

    def _constants(self, roots: Sequence[int]) -> None:
        """Operations on data alone are evaluated now (unless they add rows up, of which a subset is asked for); their
        arrays become arguments."""
        known: set[int] = set()
        for o in self.ops:
            over = o.detail if o.kind in ("sum", "contract", "peak") else ()
            if o.level == 0 and self.samples not in over and all(a in known for a in o.args):
                known.add(o.id)
        used = {a for o in self.ops if o.id not in known for a in o.args} | set(roots)
        wanted = [o.id for o in self.ops if o.id in known and o.id in used]
        printer = Printer(self.program, wanted, self.n)
        for k in wanted:
            piece = printer.pieces[k]
            if piece.axes:
                name = f"c{k}"
                if not isinstance(printer.namespace[piece.code], np.ndarray):
                    raise NotImplementedError("a sparse matrix has no native form")
                self.arrays[name] = np.ascontiguousarray(np.asarray(printer.namespace[piece.code], dtype=float))
                piece = Piece(name, piece.axes)
            self.pieces[k] = piece
        for o in self.ops:
            if o.id in known and o.id not in self.pieces:
                self.pieces[o.id] = Piece("")  # used by other constants only

    def _with_batch(self, axes: Axes, batched: bool) -> Axes:
        return (BATCH, *axes) if batched else axes

    def _task(self, op: Op) -> Task:
        if op.kind in _FOREIGN:
            raise NotImplementedError(f"'{op.kind}' has no native form")
        args = tuple(a for a in op.args if a not in self.pieces)
        if op.kind in ("sum", "peak", "contract"):
            space = tuple(dict.fromkeys(i for a in op.args for i in self.program.ops[a].indices))
            space = self._with_batch(space, self._batched[op.id])
            whole = self._is_blas(op)
            if not whole and self._is_tensor_product(op):
                raise NotImplementedError("a large product of tensors is NumPy's, which leaves it to BLAS")
            return Task(op.id, args, space, op.detail, whole=whole)
        return Task(op.id, args, self._with_batch(op.indices, self._batched[op.id]))

    def _is_blas(self, op: Op) -> bool:
        """A large product of two matrices."""
        if op.kind != "contract" or self.batched_roles:
            return False
        a, b = (self.program.ops[k] for k in op.args)
        over: Axes = op.detail
        if self.samples in (*a.indices, *b.indices):
            return False
        left = [i for i in a.indices if i not in b.indices]
        right = [i for i in b.indices if i not in a.indices]
        if not (len(over) == len(left) == len(right) == 1 and len(a.indices) == len(b.indices) == 2):
            return False
        return left[0].size * right[0].size * over[0].size >= _BLAS_FROM

    def _is_tensor_product(self, op: Op) -> bool:
        """A product that BLAS computes many times faster than loops, if it is given as matrices."""
        if op.kind != "contract":
            return False
        a, b = (set(self.program.ops[k].indices) for k in op.args)
        return bool(a - b and b - a) and math.prod(i.size for i in a | b) >= _TENSOR_FROM

    def _loop_order(self) -> list[Index]:
        """Indices from the outermost loop in: the batch, then as the arrays lie in memory, then by size."""
        found = dict.fromkeys(i for t in self.tasks for i in t.space)
        weight: dict[tuple[Index, Index], int] = {}
        for o in self.ops:
            if o.kind == "gather":
                axes = [s.index for s in o.detail[1] if isinstance(s, Affine) and s.index is not None]
                for a, b in pairwise(axes):
                    weight[a, b] = weight.get((a, b), 0) + o.size
        order: list[Index] = []
        left = [i for i in found if i is not BATCH]
        while left:

            def blocked(i: Index) -> int:
                return sum(max(weight.get((j, i), 0) - weight.get((i, j), 0), 0) for j in left if j != i)

            best = min(left, key=lambda i: (blocked(i), -i.size, i))
            order.append(best)
            left.remove(best)
        return [BATCH, *order] if BATCH in found else order

    # -- products of matrices ----------------------------------------------------------------------------------------

    def is_whole(self, op: int) -> bool:
        """Whether an operation, which is no constant, is computed at once, by BLAS."""
        return self._by_id[op].whole

    def whole_axes(self, op: int) -> Axes:
        """The axes of a complete array: of a matrix product as printed, of anything else as its loops fill it."""
        if op in self.pieces:
            return self.pieces[op].axes
        if not self.is_whole(op):
            return self.plan.kept[op]
        over: Axes = self.program.ops[op].detail
        factors = [self.program.ops[k] for k in self.factors(self.program.ops[op])]
        return tuple(i for o in factors for i in o.indices if i not in over)

    def factors(self, op: Op) -> list[int]:
        """The factors of a matrix product in the order in which loops run over its result."""
        order, ops = self.order, self.program.ops
        return sorted(op.args, key=lambda k: [order.index(i) for i in ops[k].indices if i not in op.detail])
