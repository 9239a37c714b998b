"""How a function of a derivation is evaluated: by which backend, in which blocks, and by which route to a Hessian.

- A batch goes in blocks of points, a finite sum with large temporaries in blocks of rows: memory stays bounded.
- "auto" starts with NumPy and changes to native code once the evaluations made would have repaid its compilation. The
  estimate counts operations, not seconds, so that a run's numbers do not depend on the machine's mood.
- A dense Hessian comes from its element blocks, or from products with all unit vectors where those are cheaper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.backends.assembly import SPARSE_FROM
from ncsolve.backends.foreign import Foreign
from ncsolve.backends.numpy_backend import Function, NumpyBackend, Quiet
from ncsolve.errors import MissingExtra, OptionError, did_you_mean
from ncsolve.extras import installed
from ncsolve.graph import Derivation
from ncsolve.graph.program import Op

Array = NDArray[np.float64]
Rows = NDArray[np.int64]

POINT: frozenset[str] = frozenset()
BATCH = frozenset({"variable"})
BOTH = frozenset({"variable", "direction"})
MANY_DIRECTIONS = frozenset({"direction"})

BACKENDS = ("numpy", "numba", "auto")

BLOCK = 4_000_000  # numbers that the temporaries of one block may hold
_ROW_BLOCKS_FROM = 32_000_000  # numbers in temporaries from which a single point is evaluated in blocks of rows
_MANY_SCALARS = 20  # scalar unknowns from which their pairs are too many to be derived one by one
_FEW_ROWS = 1000  # a finite sum below this is never cut
_REPAID = 2.0  # estimated seconds of NumPy after which a function is compiled
_ARITHMETIC = (ValueError, OverflowError, ZeroDivisionError)  # what `math` raises where NumPy returns nan or inf


class Evaluator:
    """Evaluates the functions of one derivation; shared by all oracles of a problem, whatever their parameters."""

    def __init__(self, derivation: Derivation, backend: str) -> None:
        self.derivation = derivation
        self.numpy = NumpyBackend(derivation)
        self.compiler = _compiler(backend)
        self.choice = backend if self.compiler else "numpy"
        self.settled: dict[str, Function] = {}
        """f(x, ..., parameters) by kind: how single points are evaluated, where that will not change any more."""
        self._settled_rows: dict[str, Function] = {}
        self._for_now: dict[str, tuple[Function, float]] = {}  # NumPy's, and what a call adds to what is spent
        self._spent: dict[str, float] = {}
        self._estimates: dict[str, tuple[float, float]] = {}
        self._unprintable: set[str] = set()

    @property
    def spent(self) -> dict[str, float]:
        """Estimated seconds of NumPy so far, by kind: what decides when `auto` changes to native code."""
        return dict(self._spent)

    @spent.setter
    def spent(self, seconds: Mapping[str, float]) -> None:
        """Choose for each function anew, as after these evaluations."""
        self._spent = dict(seconds)
        self.settled.clear()
        self._settled_rows.clear()

    # -- evaluation --------------------------------------------------------------------------------------------------

    def point(self, kind: str, *arrays: Array, parameters: Mapping[str, float], rows: Rows | None = None) -> Any:
        """One point."""
        if rows is not None:
            return (self._settled_rows.get(kind) or self._single(kind, True, len(rows)))(*arrays, parameters, rows)
        function = self.settled.get(kind)
        if function is None and kind in self._for_now:
            candidate, seconds = self._for_now[kind]
            if (spent := self._spent.get(kind, 0.0) + seconds) <= _REPAID:
                self._spent[kind], function = spent, candidate
        return (function or self._single(kind, False))(*arrays, parameters)

    def _single(self, kind: str, rows: bool, count: int = 0) -> Function:
        """The function of a single point, or of `count` rows of its sum."""
        settled = True
        if kind in ("hessian", "dense_hessian") and self.by_products:
            function: Function = self._hessian_by_products
        elif not rows and (size := self._row_block(kind)):
            function = partial(self._by_rows, kind, size)
            settled = self.choice != "auto" or kind in self._unprintable
        else:
            share = count / self.derivation.samples.size if rows and self.derivation.samples else 1.0
            function = self._function(kind, POINT, rows, 1, share)
            by_numpy = isinstance(function, Quiet)
            settled = not by_numpy or self.choice != "auto" or kind in self._unprintable
            if by_numpy:
                function = partial(self._by_numpy, kind, function)
            if not settled and not rows:
                self._for_now[kind] = function, self._seconds(kind, POINT, 1.0)
        if settled:
            (self._settled_rows if rows else self.settled)[kind] = function
        return function

    def _by_numpy(self, kind: str, function: Function, *given: Any) -> Any:
        """Scalars are computed with `math`; where that raises, a batch of one gives the nan or inf."""
        try:
            return function(*given)
        except _ARITHMETIC:
            k = next(k for k, a in enumerate(given) if isinstance(a, Mapping))
            arrays, parameters, rows = given[:k], given[k], (*given[k + 1 :], None)[0]
            roles = BOTH if len(arrays) > 1 else BATCH
            dense = "hessian" if kind == "dense_hessian" else kind
            result = self.batch(dense, roles, *(a[None] for a in arrays), parameters=parameters, rows=rows)
            if kind == "hessian" and self.sparse and rows is None:
                from scipy.sparse import csr_array

                return csr_array(result[0])
            return (result[0][0], result[1][0]) if isinstance(result, tuple) else result[0]

    def batch(
        self,
        kind: str,
        roles: frozenset[str],
        *arrays: Array,
        parameters: Mapping[str, float],
        rows: Rows | None = None,
    ) -> Any:
        """A batch of points (or directions), in blocks whose temporaries are bounded."""
        m = max(len(a) for a in arrays if a.ndim == 2)
        if kind == "hessian" and self.by_products:
            n = arrays[0].shape[1]
            return np.array([self._hessian_by_products(x, parameters, rows) for x in arrays[0]]).reshape(m, n, n)
        if m == 0:  # the shapes are those of one point
            one = (np.zeros((1, a.shape[1])) if a.ndim == 2 else a for a in arrays)
            result = self.batch(kind, roles, *one, parameters=parameters, rows=rows)
            return tuple(part[:0] for part in result) if isinstance(result, tuple) else result[:0]
        function = self._function(kind, roles, rows is not None, m)
        extra = () if rows is None else (rows,)
        size = self.together(kind, roles, rows)
        parts = [
            function(*(a[k : k + size] if a.ndim == 2 else a for a in arrays), parameters, *extra)
            for k in range(0, m, size)
        ]
        if len(parts) == 1:
            return parts[0]
        if isinstance(parts[0], tuple):
            return tuple(np.concatenate(column) for column in zip(*parts, strict=True))
        return np.concatenate(parts)

    def together(self, kind: str, roles: frozenset[str], rows: Rows | None = None) -> int:
        """The points of one block of a batch: how many are evaluated in one go."""
        return max(1, int(BLOCK // max(self._share(rows) * self.numpy.footprint(kind, roles), 1)))

    def backend_for(self, kind: str, roles: frozenset[str], points: int) -> str:
        """By which backend so many points are due, which count as if they were evaluated here."""
        self._spend(kind, roles, points)
        if self.choice != "auto":
            return self.choice
        return "numba" if self._is_due(kind) else "numpy"

    def _by_rows(self, kind: str, size: int, *given: Any) -> Any:
        """One point, in blocks of so many rows."""
        *arrays, parameters = given
        blocks = self.row_blocks(size)
        return mean(self.point(kind, *arrays, parameters={**parameters, **w}, rows=rows) for w, rows in blocks)

    def row_blocks(self, size: int) -> Iterator[tuple[dict[str, float], Rows]]:
        """The rows of the finite sum, so many at a time, and the parameters by which they stand for all."""
        samples = self.derivation.samples
        assert samples is not None
        starts = range(0, samples.size, size)
        for start in starts:
            rows = np.arange(start, min(start + size, samples.size))
            yield {"_row_weight": float(len(starts)), "_row_count": float(len(rows))}, rows

    def _share(self, rows: Rows | None) -> float:
        """The part of the finite sum that some rows are."""
        return len(rows) / self.derivation.samples.size if rows is not None and self.derivation.samples else 1.0

    # -- routes ------------------------------------------------------------------------------------------------------

    def _row_block(self, kind: str) -> int:
        """The rows of one block, or 0 where the sum is evaluated whole; native code keeps no temporaries."""
        samples = self.derivation.samples
        if samples is None or samples.size < _FEW_ROWS:
            return 0
        if kind == "hessian" and self.sparse:
            return 0
        if self._is_due(kind, self._seconds(kind, POINT, 1.0)) and self._native(kind, POINT, False) is not None:
            return 0
        footprint = self.numpy.footprint(kind)
        result = self.derivation.n ** (2 if "hessian" in kind else 1)
        block = max(BLOCK, 4 * result)  # adding blocks up shall cost less than computing them
        return 0 if footprint < max(_ROW_BLOCKS_FROM, block) else max(1, samples.size * block // footprint)

    def _function(self, kind: str, roles: frozenset[str], rows: bool, points: int, share: float = 1.0) -> Any:
        self._spend(kind, roles, points, share)
        function = self._native(kind, roles, rows) if self._is_due(kind) else None
        return self.numpy.function(kind, roles, rows) if function is None else function

    def _spend(self, kind: str, roles: frozenset[str], points: int, share: float = 1.0) -> None:
        if self.choice == "auto" and kind not in self._unprintable:
            self._spent[kind] = self._spent.get(kind, 0.0) + points * self._seconds(kind, roles, share)

    def _is_due(self, kind: str, seconds: float = 0.0) -> bool:
        """Whether native code is worth its compilation, after so many more seconds of NumPy."""
        if self.choice == "numpy" or kind in self._unprintable:
            return False
        return self.choice != "auto" or self._spent.get(kind, 0.0) + seconds > _REPAID

    def _native(self, kind: str, roles: frozenset[str], rows: bool) -> Function | None:
        try:
            function: Function = self.native.function(kind, roles, rows)
        except NotImplementedError:  # an operation that has no native form
            self._unprintable.add(kind)
            return None
        return function

    def _seconds(self, kind: str, roles: frozenset[str], share: float) -> float:
        """What one point costs with NumPy, by counting; of a share of the rows, in proportion."""
        key = f"{kind} {'batch' if roles else ''}"
        if key not in self._estimates:
            ops = self._ops(kind)
            self._estimates[key] = (0.0 if roles else 1e-6 * len(ops), 2e-9 * sum(o.size for o in ops))
        overhead, work = self._estimates[key]
        return overhead + share * work

    def _ops(self, kind: str) -> list[Op]:
        program, roots = self.numpy.program(kind)
        return program.used(roots)

    @cached_property
    def native(self) -> Any:
        """The backend other than NumPy."""
        assert self.compiler is not None
        return self.compiler(self.derivation)

    @cached_property
    def sparse(self) -> bool:
        """Whether the Hessian is returned as a sparse array."""
        return self.numpy.sparse

    @cached_property
    def by_products(self) -> bool:
        """Whether the Hessian is cheaper column by column: products with all unit vectors."""
        if self.derivation.n < SPARSE_FROM and sum(not g.indices for g in self.derivation.adjoint) > _MANY_SCALARS:
            return True  # one block for every pair of scalars takes longer to derive than it saves
        if self.derivation.n < _MANY_SCALARS or self.sparse:
            return False
        blocks, product = self._ops("hessian"), self._ops("product")
        if self.derivation.samples is None and max(o.size for o in blocks) > 8 * BLOCK:
            return True  # nothing to cut into blocks of rows
        return _work(blocks) > self.derivation.n * _work(product)

    def _hessian_by_products(self, x: Array, parameters: Mapping[str, float], rows: Rows | None = None) -> Array:
        H: Array = self.batch("product", MANY_DIRECTIONS, x, np.eye(len(x)), parameters=parameters, rows=rows)
        return (H + H.T) / 2

    def source(self, kind: str) -> str:
        """The source of the function that evaluates one point."""
        if self.choice not in ("numpy", "auto"):
            self._function(kind, POINT, False, 1)
            if kind not in self._unprintable:
                return str(getattr(self.native, "sources", {}).get(kind, ""))
        self.numpy.function(kind, POINT)
        return self.numpy.sources[kind]


def mean(results: Iterable[Any]) -> Any:
    """Of numbers, arrays, or tuples of them; the first of each may be written to."""
    total: list[Any] = []
    count = 0
    for result in results:
        parts = result if isinstance(result, tuple) else (result,)
        total = total or list(parts)
        for k, part in enumerate(parts if count else ()):
            total[k] += part  # an array in place
        count += 1
    means = tuple(t / count for t in total)
    return means if len(means) > 1 else means[0]


def _compiler(name: str) -> Callable[[Derivation], Any] | None:
    """What makes a backend other than NumPy of a derivation, by its name; None for NumPy alone."""
    if name in BACKENDS:
        if not installed("numba"):
            if name == "numba":
                raise MissingExtra("numba", "jit")
            return None
        return None if name == "numpy" else _numba
    from ncsolve.hooks import registry  # plugins are loaded for names that are not ours only

    others = registry().backends()
    if name not in others:
        known = (*BACKENDS, *others)
        raise OptionError(f"unknown backend '{name}'.{did_you_mean(name, known)} Known: {', '.join(known)}.")
    return partial(Foreign, name, others[name])


def _numba(derivation: Derivation) -> Any:
    from ncsolve.backends.native_backend import NativeBackend

    return NativeBackend(derivation)


def _work(ops: list[Op]) -> float:
    """Operations on numbers; a multiplication inside a matrix product counts an eighth."""
    return sum(_flops(o) for o in ops)


def _flops(op: Op) -> float:
    if op.kind == "const":
        return 0.0
    if op.kind == "contract":
        return op.size * float(np.prod([i.size for i in op.detail], dtype=float)) / 8
    return float(op.size)
