"""The only door from a solver to a problem: exact derivatives at a point or a batch, counted and within a budget."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncsolve.backends import make_backend
from ncsolve.errors import BudgetExhausted, ProblemError
from ncsolve.graph import derive

if TYPE_CHECKING:
    from ncsolve.graph.structure import Structure
    from ncsolve.problem import Problem

Array = NDArray[np.float64]

POINT: frozenset[str] = frozenset()
BATCH = frozenset({"variable"})
BOTH = frozenset({"variable", "direction"})
MANY_DIRECTIONS = frozenset({"direction"})

_BLOCK_FLOATS = 4_000_000  # numbers that the temporaries of one block of a batch may hold
_ARITHMETIC = (ValueError, OverflowError, ZeroDivisionError)  # what `math` raises where NumPy returns nan or inf


class Oracle:
    """f, its gradient, Hessian and products at a point (n,) or a batch (m, n).

    Values that do not exist are returned as nan or inf, never raised. `counts` holds the points evaluated, by kind.
    """

    def __init__(self, problem: Problem, backend: str = "numpy") -> None:
        self.problem = problem
        self.n = problem.n
        self.lower: Array | None = problem.lower
        self.upper: Array | None = problem.upper
        self.constants: Mapping[str, float] = problem.constants
        self.counts = {"value": 0, "gradient": 0, "hessian": 0, "hvp": 0}
        self.derivation = derive(problem)
        self.backend = make_backend(backend, self.derivation, problem.derived)
        rows = self.derivation.samples.size if self.derivation.samples else 0
        self._parameters = {s.name: float(v) for s, v in problem.parameters.items()}
        self._parameters |= {"_row_count": float(rows), "_row_weight": 1.0}
        self._points = 0
        self._limit: float = float("inf")
        self._deadline: float = float("inf")
        self._counting = True
        self._last: Array | None = None
        self._last_value: float | None = None
        self._last_gradient: Array | None = None

    # -- evaluation --------------------------------------------------------------------------------------------------

    def value(self, x: ArrayLike) -> Any:
        """f(x): a float, or (m,) for a batch."""
        x = self._checked(x)
        if x.ndim == 2:
            self._count("value", len(x))
            return self._blocks("value", BATCH, x)
        if self._remembers(x) and self._last_value is not None:
            return self._last_value
        self._count("value", 1)
        value = float(self._at("value", x))
        self._remember(x, value, None)
        return value

    def gradient(self, x: ArrayLike) -> Array:
        """grad f(x), shape (n,) or (m, n)."""
        gradient: Array = self.value_and_gradient(x)[1]
        return gradient

    def value_and_gradient(self, x: ArrayLike) -> tuple[Any, Array]:
        """f(x) and grad f(x), which share their common sub-expressions."""
        x = self._checked(x)
        if x.ndim == 2:
            self._count("value", len(x))
            self._count("gradient", len(x), points=0)
            value, gradient = self._blocks("gradient", BATCH, x)
            return value, gradient
        known = self._remembers(x)
        if known and self._last_gradient is not None:
            return self._last_value, self._last_gradient.copy()
        self._count("value", 0 if known else 1)
        self._count("gradient", 1, points=0)
        value, gradient = self._at("gradient", x)
        value = float(value)
        self._remember(x, value, gradient)
        return value, gradient.copy() if self._last is not None else gradient

    def hessian(self, x: ArrayLike, dense: bool = False) -> Any:
        """The exact Hessian: (n, n) or (m, n, n), or a sparse array where its structure leaves most of it zero."""
        x = self._checked(x)
        if x.ndim == 2:
            self._count("hessian", len(x))
            return self._blocks("hessian", BATCH, x)
        self._count("hessian", 1)
        return self._at("dense_hessian" if dense and self.backend.sparse else "hessian", x)

    def hvp(self, x: ArrayLike, v: ArrayLike) -> Array:
        """The Hessian-vector product H(x) v, shaped as v. One x with many v, and a batch of both, are possible."""
        x, v = self._checked(x), self._checked(v)
        if v.ndim == 1 and x.ndim == 1:
            self._count("hvp", 1)
            product: Array = self._at("product", x, v)
            return product
        self._count("hvp", max(len(a) for a in (x, v) if a.ndim == 2))
        if x.ndim == 2:
            v = np.broadcast_to(v, x.shape)
            both: Array = self._blocks("product", BOTH, x, v)
            return both
        many: Array = self._blocks("product", MANY_DIRECTIONS, x, v)
        return many

    def directional(self, x: ArrayLike, *directions: ArrayLike) -> Any:
        """D^k f(x)[v1, ..., vk], exact, for one point and k directions; a batch of any of them gives a batch."""
        if not directions:
            raise ProblemError("a directional derivative needs at least one direction")
        arrays = [self._checked(a) for a in (x, *directions)]
        kind = f"directional_{len(directions)}"
        self._count("hvp", max(len(a) if a.ndim == 2 else 1 for a in arrays))
        if all(a.ndim == 1 for a in arrays):
            return float(self._at(kind, *arrays))
        m = max(len(a) for a in arrays if a.ndim == 2)
        return self._blocks(kind, BOTH, *(np.broadcast_to(a, (m, self.n)) for a in arrays))

    # -- how it is evaluated -----------------------------------------------------------------------------------------

    def _at(self, kind: str, *arrays: Array) -> Any:
        """One point. Scalars are computed with `math`; where that raises, NumPy gives the nan or inf."""
        function = self.backend.function(kind, POINT)
        try:
            with np.errstate(all="ignore"):
                return function(*arrays, self._parameters)
        except _ARITHMETIC:
            roles = BOTH if len(arrays) > 1 else BATCH
            kind = "hessian" if kind == "dense_hessian" else kind
            result = self._call(self.backend.function(kind, roles), *(a[None] for a in arrays))
            return (result[0][0], result[1][0]) if isinstance(result, tuple) else result[0]

    def _call(self, function: Callable[..., Any], *arrays: Array) -> Any:
        with np.errstate(all="ignore"):
            return function(*arrays, self._parameters)

    def _blocks(self, kind: str, roles: frozenset[str], *arrays: Array) -> Any:
        """A batch, in blocks whose temporaries are bounded."""
        function = self.backend.function(kind, roles)
        m = max(len(a) for a in arrays if a.ndim == 2)
        size = max(1, _BLOCK_FLOATS // max(self.backend.footprint(kind, roles), 1))
        if m <= size:
            return self._call(function, *arrays)
        parts = [
            self._call(function, *(a[k : k + size] if a.ndim == 2 else a for a in arrays)) for k in range(0, m, size)
        ]
        if isinstance(parts[0], tuple):
            return tuple(np.concatenate(column) for column in zip(*parts, strict=True))
        return np.concatenate(parts)

    def _checked(self, x: ArrayLike) -> Array:
        array = np.ascontiguousarray(x, dtype=np.float64)
        if array.ndim not in (1, 2) or array.shape[-1] != self.n:
            raise ProblemError(f"problem '{self.problem.name}' has {self.n} variables: expected shape ({self.n},) or (m, {self.n}), got {array.shape}")
        return array

    # -- memory, counting and budget ---------------------------------------------------------------------------------

    def _remembers(self, x: Array) -> bool:
        last = self._last
        return last is not None and (x is last or (self.n <= 1000 and bool((x == last).all())))

    def _remember(self, x: Array, value: float, gradient: Array | None) -> None:
        """Small points are copied; a large one is kept only when nobody can write to it."""
        if self.n <= 1000:
            self._last = x.copy()
        else:
            self._last = None if x.flags.writeable else x
        self._last_value, self._last_gradient = value, gradient

    def _count(self, kind: str, m: int, points: int | None = None) -> None:
        if not self._counting:
            return
        if self._points >= self._limit:
            raise BudgetExhausted("EVALUATIONS")
        if self._deadline < float("inf") and time.perf_counter() > self._deadline:
            raise BudgetExhausted("TIME")
        self.counts[kind] += m
        self._points += m if points is None else points

    @property
    def points(self) -> int:
        """Points evaluated so far, of every kind together: what `limit` limits. Value and gradient at one point are one."""
        return self._points

    def limit(self, evaluations: float | None = None, deadline: float | None = None) -> None:
        """From now on, at most so many more points, and none after `deadline` (of time.perf_counter)."""
        self._limit = float("inf") if evaluations is None else self._points + evaluations
        self._deadline = float("inf") if deadline is None else deadline

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        """Evaluations inside are neither counted nor limited."""
        before, self._counting = self._counting, False
        try:
            yield
        finally:
            self._counting = before

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

        return structure_of(self.problem, self.derivation, self.backend)

    @property
    def source(self) -> str:
        """The generated source of value and gradient, product and Hessian."""
        for kind in ("gradient", "product", "hessian"):
            self.backend.function(kind, POINT)
        return "\n\n".join(self.backend.sources[kind].rstrip() for kind in ("gradient", "product", "hessian")) + "\n"

    def explain_nonfinite(self, x: ArrayLike) -> str:
        """The smallest sub-expression that is not finite at x, with its index and values; "" when all is finite."""
        from ncsolve.graph.explain import explain_nonfinite

        return explain_nonfinite(self.derivation, self._checked(x), self._parameters)


def compile(problem: Problem, backend: str = "numpy") -> Oracle:
    """The oracle of a problem: derives what is asked for, when it is first asked for."""
    return Oracle(problem, backend)
