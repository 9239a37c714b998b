"""The only door from a solver to a problem: exact derivatives at a point or a batch, counted and within a budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
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
    from ncsolve.backends.block_systems import BlockSystems
    from ncsolve.backends.residuals import LeastSquares
    from ncsolve.constraints import Constraints
    from ncsolve.graph.clusters import Clustering
    from ncsolve.graph.structure import Structure
    from ncsolve.penalties import TotalPenalty
    from ncsolve.problem import Problem

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


class Oracle(Budget):
    """f, its gradient, Hessian and products at a point (n,) or a batch (m, n).

    Values that do not exist are returned as nan or inf, never raised. `counts` holds the points evaluated, by kind.
    """

    def __init__(self, problem: Problem, backend: str = "numpy") -> None:
        self.problem = problem
        self.n = problem.n
        self.lower: Array | None = problem.lower
        self.upper: Array | None = problem.upper
        self.penalty: TotalPenalty | None = problem.penalty
        self.constants: Mapping[str, float] = problem.constants
        self.derivation = derive(problem)
        super().__init__(rows=self.derivation.samples.size if self.derivation.samples else 0)
        self.evaluator = problem.once(f"evaluator:{backend}", lambda: evaluator_of(self.derivation, backend))
        self._parameters = {s.name: float(v) for s, v in problem.parameters.items()}
        self._parameters |= {"_row_count": float(self.rows), "_row_weight": 1.0}
        self._proximal_step: float | None = None
        self._settled = self.evaluator.settled
        self._gradient: Callable[..., tuple[float, Array]] | None = None  # of a point, once it is settled
        self._shape = (self.n,)
        self._small = self.n <= _SMALL
        self._memory: tuple[Key | None, float, bytes | None] = None, 0.0, None  # the last point, its value and gradient

    # -- evaluation --------------------------------------------------------------------------------------------------

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

    # -- the penalty --------------------------------------------------------------------------------------------------

    def prox(self, v: ArrayLike, t: float) -> Array:
        """The minimiser (n,) of |z - v|^2 / 2 + t p(z) inside the bounds; without a penalty p the projection of v."""
        array = self._checked(v)
        return self.project(array) if self.penalty is None else self.penalty.prox(array, t)

    def penalty_value(self, x: ArrayLike) -> Any:
        """p(x): a float, or (m,) for a batch; 0 without a penalty, inf outside its domain."""
        array = self._checked(x)
        if self.penalty is None:
            return 0.0 if array.ndim == 1 else np.zeros(len(array))
        return self.penalty.value(array)

    def objective(self, x: ArrayLike) -> Any:
        """F(x) = f(x) + p(x), what is minimised: f(x) without a penalty."""
        return self.value(x) if self.penalty is None else self.value(x) + self.penalty_value(x)

    def proximal_step(self, x: ArrayLike) -> float:
        """The step t by which proximal gradients are measured: 1/L, the same for every x.

        L is the smoothness that the problem declares, else 1.1 times the largest curvature of f at the first x that is
        asked for, and 1 where there is none.
        """
        if self._proximal_step is None:
            smoothness = self.constants.get("smoothness") or 1.1 * self.largest_curvature(x)
            self._proximal_step = 1 / smoothness if smoothness > 0 else 1.0
        return self._proximal_step

    def largest_curvature(self, x: ArrayLike, products: int = 20) -> float:
        """|largest eigenvalue| of the Hessian at x by power iteration, uncounted; 0.0 where it is not finite."""
        v = np.random.default_rng(0).standard_normal(self.n)
        size = 0.0
        with self.uncounted(), np.errstate(all="ignore"):
            for _ in range(products):
                v = self.hvp(x, v / float(np.linalg.norm(v)))
                size = float(np.linalg.norm(v))
                if not np.isfinite(size) or size == 0:
                    return 0.0
        return size

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
        held, squares = self.__dict__.get("constraints"), self.__dict__.get("least_squares")
        return {
            "counts": dict(self.counts),
            "points": self._points,
            "proximal_step": self._proximal_step,
            "memory": (point, value, None if gradient is None else np.frombuffer(gradient)),
            "spent": self.evaluator.spent,
            "constraints": None if held is None else held.terms.snapshot(),
            "least_squares": None if squares is None else squares.snapshot(),
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Go on from a snapshot, or from a part of one, of an oracle of the same problem."""
        self.counts.update(saved["counts"])
        self._points = saved["points"]
        if "memory" in saved:
            point, value, gradient = saved["memory"]
            key = None if point is None else point.tobytes() if self._small else _Same(point)
            self._memory = key, value, None if gradient is None else gradient.tobytes()
            self._proximal_step = saved["proximal_step"]
            self.evaluator.spent, self._gradient = saved["spent"], None
        if saved.get("constraints") and self.constraints is not None:
            self.constraints.terms.restore(saved["constraints"])
        if saved.get("least_squares") and self.least_squares is not None:
            self.least_squares.restore(saved["least_squares"])

    # -- facts -------------------------------------------------------------------------------------------------------

    def pack(self, values: Mapping[Any, Any]) -> Array:
        """One vector (n,) from {variable: array}."""
        return self.problem.pack(values)

    def unpack(self, x: ArrayLike) -> dict[str, Any]:
        """{variable name: float or array} from a vector (n,)."""
        return self.problem.unpack(np.asarray(x, dtype=float))

    def project(self, x: ArrayLike) -> Array:
        """The nearest point within the bounds."""
        x = np.asarray(x, dtype=float)
        return x if self.lower is None or self.upper is None else np.clip(x, self.lower, self.upper)

    @cached_property
    def structure(self) -> Structure:
        """What was found in the objective: a finite sum, a sum of squares, sparsity."""
        from ncsolve.graph.structure import structure_of

        return structure_of(self.problem, self.derivation, self.evaluator)

    @cached_property
    def least_squares(self) -> LeastSquares | None:
        """Residuals r with f = |r|^2 and their Jacobian, where the objective is a sum of squares; else None."""
        from ncsolve.backends.residuals import LeastSquares, Residuals

        if not self.structure.least_squares:
            return None
        residuals = self.problem.once("residuals", lambda: Residuals(self.derivation, self._parameters))
        return LeastSquares(residuals, self._parameters, self._count)

    def minimise_block(self, x: ArrayLike, k: int) -> Array | None:
        """x with block k of `structure.blocks` moved to where f is lowest within the bounds, all others fixed.

        Exact where f is quadratic in the block; counted as one gradient and one Hessian. None where it is not, has no
        minimum there, or its systems cannot be formed one by one.
        """
        from ncsolve.backends.block_systems import NotConvex

        systems = self._block_systems[k]
        if systems is None:
            return None
        self._count("gradient", 1)
        self._count("hessian", 1, points=0)
        try:
            return systems.minimiser(self._checked(x), self._parameters, self.lower, self.upper)
        except NotConvex:
            return None

    @cached_property
    def clustering(self) -> Clustering | None:
        """Points and number of clusters, where the objective is s sum_i min_k |a_i - c_k|^2; else None."""
        from ncsolve.graph.clusters import clustering_of

        return clustering_of(self.derivation, {**self._parameters, "_row_count": float(self.rows)})

    @cached_property
    def _block_systems(self) -> list[BlockSystems | None]:
        from ncsolve.backends.block_systems import block_systems

        blocks = self.structure.blocks
        return self.problem.once("block_systems", lambda: [block_systems(self.derivation, b) for b in blocks])

    @cached_property
    def constraints(self) -> Constraints | None:
        """The constraints with their derivatives; None where there are none."""
        from ncsolve.constraints import Constraints

        return Constraints(self) if self.problem.constrained else None

    @property
    def source(self) -> str:
        """The generated source of value and gradient, product and Hessian."""
        return "\n\n".join(self.evaluator.source(kind).rstrip() for kind in ("gradient", "product", "hessian")) + "\n"

    def explain_nonfinite(self, x: ArrayLike) -> str:
        """The smallest sub-expression that is not finite at x, with its index and values; "" when all is finite."""
        from ncsolve.backends.explain import explain_nonfinite

        return explain_nonfinite(self.derivation, self._checked(x), self._parameters)


def compile(problem: Problem, backend: str = "numpy") -> Oracle:
    """The oracle of a problem: derives what is asked for, when it is first asked for."""
    return Oracle(problem, backend)
