"""The objective and its exact derivatives, at a point or a batch: counted, within a budget, and remembered.

A solver meets them as an `Oracle`, which knows the rest of the problem, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncsolve.backends.evaluator import BATCH, BOTH, MANY_DIRECTIONS, Rows
from ncsolve.backends.out_of_core import evaluator_of
from ncsolve.budget import Budget
from ncsolve.errors import ProblemError
from ncsolve.graph import derive
from ncsolve.problem.dropout import draw_mask

if TYPE_CHECKING:
    from ncsolve.problem import Problem

__all__ = ["Derivatives"]

Array = NDArray[np.float64]

_ARRAY = np.ndarray
_FLOAT = np.dtype(np.float64)
_SMALL = 1000  # variables up to which the last point is remembered by its value


class _Same:
    """An array that nobody can write to, equal to itself only."""

    def __init__(self, array: Array) -> None:
        self.array = array

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.array is self.array

    __hash__ = None  # type: ignore[assignment]


Key: TypeAlias = bytes | _Same


class Derivatives(Budget):
    """f, its gradient, Hessian and products at a point (n,) or a batch (m, n).

    Values that do not exist are returned as nan or inf, never raised. `counts` holds the points evaluated, by kind.
    """

    def __init__(self, problem: Problem, backend: str = "numpy") -> None:
        self.problem = problem
        self.n = problem.n
        self.derivation = derive(problem)
        super().__init__(rows=self.derivation.samples.size if self.derivation.samples else 0)
        self.evaluator = problem.once(f"evaluator:{backend}", lambda: evaluator_of(self.derivation, backend))
        self._parameters = {s.name: float(v) for s, v in problem.parameters.items()}
        self._parameters |= {"_row_count": float(self.rows), "_row_weight": 1.0}
        self._settled = self.evaluator.settled
        self._gradient: Callable[..., tuple[float, Array]] | None = None  # of a point, once it is settled
        self._shape = (self.n,)
        self._small = self.n <= _SMALL
        self._memory: tuple[Key | None, float, bytes | None] = None, 0.0, None  # the last point, its value and gradient

    def value(self, x: ArrayLike, rows: ArrayLike | None = None) -> Any:
        """f(x): a float, or (m,) for a batch. With `rows`, the estimate of f from these rows of its finite sum."""
        x = self._checked(x)
        if rows is None and x.ndim == 1:
            key = self._key(x)
            last, value, _ = self._memory
            if key is not None and key == last:
                self._check_clock()
                return value
            self._count("value", 1)
            value = float(self._point("value", x))
            self._memory = key, value, None
            return value
        subset = self._rows(rows)
        self._count("value", len(x) if x.ndim == 2 else 1, rows=subset)
        return (
            self._batch("value", BATCH, x, rows=subset) if x.ndim == 2 else float(self._point("value", x, rows=subset))
        )

    def gradient(self, x: ArrayLike, rows: ArrayLike | None = None) -> Array:
        """grad f(x), shape (n,) or (m, n)."""
        gradient: Array = self.value_and_gradient(x, rows)[1]
        return gradient

    def value_and_gradient(self, x: ArrayLike, rows: ArrayLike | None = None) -> tuple[Any, Array]:
        """f(x) and grad f(x), which share their common sub-expressions.

        With `rows` (integers, repetition allowed) both are the unbiased estimates (N/|rows|) sum over rows + rest, at a
        cost in proportion to the rows.
        """
        # solvers call this most: at a point, what it does beside the evaluation is written out, without detours
        if rows is not None or not (
            type(x) is _ARRAY
            and x.shape == self._shape
            and x.dtype is _FLOAT
            and (x.base is None or x.flags.c_contiguous)
        ):
            x = self._checked(x)
            if rows is not None or x.ndim == 2:
                return self._estimate(x, self._rows(rows))
        key = x.tobytes() if self._small else self._key(x)
        last, value, remembered = self._memory
        known = key is not None and key == last
        if known and remembered is not None:
            self._check_clock()
            return value, np.frombuffer(remembered).copy()
        if self._points < self._unguarded and not known:
            self._points += 1.0
            self.counts["value"] += 1
            self.counts["gradient"] += 1
        else:
            self._count("value", 0 if known else 1)
            self._count("gradient", 1, points=0)
        if self._gradient is not None:
            value, gradient = self._gradient(x, self._parameters)
        else:
            value, gradient = self._point("gradient", x)
            self._gradient = self._settled.get("gradient")
        self._memory = key, value, gradient.tobytes() if key is not None else None
        return value, gradient

    def _estimate(self, x: Array, rows: Rows | None) -> tuple[Any, Array]:
        """Value and gradient of a batch, of rows, or of both."""
        m = len(x) if x.ndim == 2 else 1
        self._count("value", m, rows=rows)
        self._count("gradient", m, points=0)
        both: tuple[Any, Array] = (
            self._batch("gradient", BATCH, x, rows=rows) if x.ndim == 2 else self._point("gradient", x, rows=rows)
        )
        return both

    def hessian(self, x: ArrayLike, dense: bool = False, rows: ArrayLike | None = None) -> Any:
        """The exact Hessian: (n, n) or (m, n, n), or a sparse array where its structure leaves most of it zero."""
        x, subset = self._checked(x), None if rows is None else self._rows(rows)
        if x.ndim == 2:
            self._count("hessian", len(x), rows=subset)
            return self._batch("hessian", BATCH, x, rows=subset)
        self._count("hessian", 1, rows=subset)
        return self._point("dense_hessian" if dense and self.evaluator.sparse else "hessian", x, rows=subset)

    def hvp(self, x: ArrayLike, v: ArrayLike, rows: ArrayLike | None = None) -> Array:
        """The Hessian-vector product H(x) v, shaped as v. One x with many v, and a batch of both, are possible."""
        x, v, subset = self._checked(x), self._checked(v), None if rows is None else self._rows(rows)
        product: Array
        if v.ndim == 1 and x.ndim == 1:
            self._count("hvp", 1, rows=subset)
            product = self._point("product", x, v, rows=subset)
        else:
            self._count("hvp", max(len(a) for a in (x, v) if a.ndim == 2), rows=subset)
            if x.ndim == 2:
                product = self._batch(
                    "product", BOTH, x, np.ascontiguousarray(np.broadcast_to(v, x.shape)), rows=subset
                )
            else:
                product = self._batch("product", MANY_DIRECTIONS, x, v, rows=subset)
        return product

    def directional(self, x: ArrayLike, *directions: ArrayLike) -> Any:
        """D^k f(x)[v1, ..., vk], exact, for one point and k directions; a batch of any of them gives a batch."""
        if not directions:
            raise ProblemError("a directional derivative needs at least one direction")
        arrays = [self._checked(a) for a in (x, *directions)]
        kind = f"directional_{len(directions)}"
        self._count("hvp", max(len(a) if a.ndim == 2 else 1 for a in arrays))
        if all(a.ndim == 1 for a in arrays):
            return float(self._point(kind, *arrays))
        m = max(len(a) for a in arrays if a.ndim == 2)
        return self._batch(kind, BOTH, *(np.ascontiguousarray(np.broadcast_to(a, (m, self.n))) for a in arrays))

    def row_gradient(self, rng: np.random.Generator | None = None) -> Callable[..., Array]:
        """A lean g(x, rows, weight=N/|rows|) for many small batches: `gradient(x, rows)` without its checks.

        With `rng`, the dropout that the problem declares is drawn from it, a mask m for every call: the gradient is
        that of f_rows(m x).

        x is (n,) and float64, rows int64, both contiguous; the weight multiplies the sum over the rows. Every call
        is counted and within the budget, as all others are.
        """
        self._rows(np.zeros(1, dtype=np.int64))  # refuses a problem without a finite sum
        parameters, point, count = dict(self._parameters), self.evaluator.point, self._count

        def gradient(x: Array, rows: Rows, weight: float | None = None) -> Array:
            count("value", 1, rows=rows)
            count("gradient", 1, points=0)
            parameters["_row_count"] = float(len(rows))
            parameters["_row_weight"] = self.rows / len(rows) if weight is None else weight
            g: Array = point("gradient", x, parameters=parameters, rows=rows)[1]
            return g

        dropout = self.problem.dropout
        if rng is None or not dropout:
            return gradient

        def with_dropout(x: Array, rows: Rows, weight: float | None = None) -> Array:
            mask = draw_mask(dropout, self.n, rng)
            return mask * gradient(mask * x, rows, weight)

        return with_dropout

    def _point(self, kind: str, *arrays: Array, rows: Rows | None = None) -> Any:
        if rows is None and (function := self._settled.get(kind)) is not None:
            return function(*arrays, self._parameters)
        return self.evaluator.point(kind, *arrays, parameters=self._weighted(rows), rows=rows)

    def _batch(self, kind: str, roles: frozenset[str], *arrays: Array, rows: Rows | None = None) -> Any:
        return self.evaluator.batch(kind, roles, *arrays, parameters=self._weighted(rows), rows=rows)

    def _weighted(self, rows: Rows | None) -> dict[str, float]:
        """The parameters; a subset of rows is weighted to stand for all."""
        if rows is None:
            return self._parameters
        return {**self._parameters, "_row_count": float(len(rows)), "_row_weight": self.rows / len(rows)}

    def _rows(self, rows: ArrayLike | None) -> Rows | None:
        if rows is None:
            return None
        if not self.rows:
            raise ProblemError(
                f"problem '{self.problem.name}' has no finite sum over data: it cannot be evaluated by rows"
            )
        subset = np.ascontiguousarray(rows, dtype=np.int64)
        if subset.ndim != 1 or not len(subset) or subset.min() < 0 or subset.max() >= self.rows:
            raise ProblemError(f"rows must be a non-empty vector of integers from 0 to {self.rows - 1}")
        return subset

    def _checked(self, x: ArrayLike) -> Array:
        if type(x) is _ARRAY and x.shape == self._shape and x.dtype is _FLOAT and x.flags.c_contiguous:
            return x
        try:
            array = np.ascontiguousarray(x if np.isrealobj(x) else "a complex number", dtype=np.float64)
        except (TypeError, ValueError, OverflowError) as error:
            raise ProblemError(f"problem '{self.problem.name}': a point must be real numbers: {error}") from None
        if array.ndim not in (1, 2) or array.shape[-1] != self.n:
            raise ProblemError(
                f"problem '{self.problem.name}' has {self.n} variables: "
                f"expected shape ({self.n},) or (m, {self.n}), got {array.shape}"
            )
        return array

    # -- memory ------------------------------------------------------------------------------------------------------

    def _key(self, x: Array) -> Key | None:
        """By what a point is known again: its bytes; a large one is kept only when nobody can write to it."""
        if self._small:
            return x.tobytes()
        return None if x.flags.writeable else _Same(x)

    def snapshot(self) -> dict[str, Any]:
        """What the next evaluations depend on besides the problem: counters, the last point, what chose a backend."""
        key, value, gradient = self._memory
        point = key.array if isinstance(key, _Same) else None if key is None else np.frombuffer(key)
        return {
            "counts": dict(self.counts),
            "points": self._points,
            "memory": (point, value, None if gradient is None else np.frombuffer(gradient)),
            "spent": self.evaluator.spent,
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Go on from a snapshot, or from a part of one, of an oracle of the same problem."""
        self.counts.update(saved["counts"])
        self._points = saved["points"]
        if "memory" in saved:
            point, value, gradient = saved["memory"]
            key = None if point is None else point.tobytes() if self._small else _Same(point)
            self._memory = key, value, None if gradient is None else gradient.tobytes()
            self.evaluator.spent, self._gradient = saved["spent"], None

    @property
    def source(self) -> str:
        """The generated source of value and gradient, product and Hessian."""
        return "\n\n".join(self.evaluator.source(kind).rstrip() for kind in ("gradient", "product", "hessian")) + "\n"

    def explain_nonfinite(self, x: ArrayLike) -> str:
        """The smallest sub-expression that is not finite at x, with its index and values; "" when all is finite."""
        from ncsolve.backends.explain import explain_nonfinite

        return explain_nonfinite(self.derivation, self._checked(x), self._parameters)
