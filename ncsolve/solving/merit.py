"""How good an iterate is: what is minimised, how far it is from critical, and which of two is the better one.

The answer depends on the problem and on nothing else, so that one object gives it, chosen once per run by `merit_of`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.stationarity import stationarity

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

__all__ = ["Merit", "merit_of"]

Vector = NDArray[np.float64]
Rank: TypeAlias = tuple[float, ...]
"""Of two points, that of lower rank is the better one; tuples compare by their first entries that differ."""

MEMORY = ("best_x", "best_objective", "best_rank", "first_objective", "abyss", "objective_to_beat", "norm_to_beat")
"""Attributes of a `Merit` that change in a run."""
ROUNDING = 4 * float(np.finfo(float).eps)
FEASIBLE = 1e-6
"""Violations of constraints below this are not told apart when the best point is chosen."""
FEW = 32
"""Up to this many variables Python's own loops are faster than NumPy's."""


class Merit:
    """Of a smooth objective without bounds: f itself, the infinity norm of its gradient, and the lower f is better.

    It remembers the best point that it has seen, and what f and the norm must fall below to have improved.
    """

    floor: ClassVar[float] = -1e100
    """An objective below this many times its first value is taken to be unbounded."""
    ranks_by_objective: ClassVar[bool] = True
    """Whether the best point is the lowest one."""

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle
        self.best_x: Vector | None = None
        self.best_objective = math.inf
        self.best_rank: Rank = (math.inf,)
        self.first_objective = math.nan
        self.abyss = -math.inf
        """Below it the objective is taken to be unbounded."""
        self.objective_to_beat = self.norm_to_beat = math.inf

    def measure(self, x: Vector, f: float, g: Vector, state: Any) -> tuple[float, float, Rank]:
        """The objective at x, the norm of what is zero at a critical point, and the rank of x.

        f and g are those of the smooth part. The norm is nan where an infinite slope moves x, however little room
        bounds or a penalty leave it.
        """
        return f, size(x, g), (f,)

    def remember(self, x: Vector, f: float, norm: float, rank: Rank) -> bool:
        """Keep x if it is the best so far; return whether f or the norm has improved by more than rounding."""
        if self.best_x is None:
            self.first_objective, self.abyss = f, self.floor * max(1.0, abs(f))
        if rank < self.best_rank:
            # what a view shows may change: a solver may keep a buffer, and hand out a view of it
            self.best_x = x if x.base is None else x.copy()
            self.best_objective, self.best_rank = f, rank
        improved = False
        if f < self.objective_to_beat:
            self.objective_to_beat = f - ROUNDING * abs(f)
            improved = True
        if norm < self.norm_to_beat:
            self.norm_to_beat = 0.99 * norm
            improved = True
        return improved

    def is_far_above_best(self, f: float) -> bool:
        """Whether f lies above that of the best point by more than a millionth of what the run has gained."""
        best = self.best_objective
        return self.ranks_by_objective and f - best > 1e-6 * (self.first_objective - best)

    def memory(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in MEMORY}

    def restore(self, memory: Mapping[str, Any]) -> None:
        for name in MEMORY:
            setattr(self, name, memory[name])


class Bounded(Merit):
    """f inside bounds, and the projected gradient."""

    def measure(self, x: Vector, f: float, g: Vector, state: Any) -> tuple[float, float, Rank]:
        residual = stationarity(self.oracle, x, g)
        return f, math.nan if is_pulled(g, residual) else size(x, residual), (f,)


class Penalised(Bounded):
    """F = f + p with a penalty p, inside bounds if there are any, and the proximal gradient."""

    def measure(self, x: Vector, f: float, g: Vector, state: Any) -> tuple[float, float, Rank]:
        return super().measure(x, f + self.oracle.penalty_value(x), g, state)


class Constrained(Merit):
    """f subject to constraints, and the KKT residuals: the best point is the lowest of those that hold them best."""

    ranks_by_objective = False

    def measure(self, x: Vector, f: float, g: Vector, state: Any) -> tuple[float, float, Rank]:
        residuals = stationarity(self.oracle, x, g, getattr(state, "multipliers", None))
        return f, size(x, residuals), (max(float(residuals[1]), FEASIBLE), f)


class Equilibrium(Bounded):
    """A game: neither player's objective says how far they are from an equilibrium, and either may fall for ever."""

    floor = -math.inf
    ranks_by_objective = False

    def measure(self, x: Vector, f: float, g: Vector, state: Any) -> tuple[float, float, Rank]:
        f, norm, _ = super().measure(x, f, g, state)
        return f, norm, (norm,)

    def remember(self, x: Vector, f: float, norm: float, rank: Rank) -> bool:
        super().remember(x, f, norm, rank)
        return True  # players that circle each other for long may still come together


def merit_of(oracle: Oracle) -> Merit:
    """What iterates of this problem are judged by."""
    if oracle.problem.constrained:
        return Constrained(oracle)
    if oracle.problem.signs is not None:
        return Equilibrium(oracle)
    if oracle.penalty is not None:
        return Penalised(oracle)
    return Merit(oracle) if oracle.lower is None else Bounded(oracle)


def is_pulled(g: Vector, residual: Vector) -> bool:
    """Whether an infinite slope moves x."""
    return not (math.isfinite(g.dot(g)) or np.isfinite(g[residual != 0]).all())


def size(x: Vector, residual: Vector) -> float:
    """The infinity norm of a residual at x, or nan where one of them is not finite."""
    if len(x) <= FEW:
        entries = residual.tolist()
        if math.isfinite(sum(entries, sum(x.tolist()))):
            return float(max(map(abs, entries)))
    if not (math.isfinite(x.dot(x)) or np.isfinite(x).all()):
        return math.nan
    return max(float(np.maximum.reduce(residual)), -float(np.minimum.reduce(residual)))  # nan where one is in it
