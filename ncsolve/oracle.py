"""The only door from a solver to a problem: exact derivatives, the bounds and the penalty, and what is known of f."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncsolve.derivatives import Derivatives

if TYPE_CHECKING:
    from ncsolve.backends.block_systems import BlockSystems
    from ncsolve.backends.residuals import LeastSquares
    from ncsolve.constraints import Constraints
    from ncsolve.graph.clusters import Clustering
    from ncsolve.graph.structure import Structure
    from ncsolve.penalties import TotalPenalty
    from ncsolve.problem import Problem

Array = NDArray[np.float64]


class Oracle(Derivatives):
    """A problem as a solver sees it: f and its derivatives, by `Derivatives`, and all else that it may ask for."""

    def __init__(self, problem: Problem, backend: str = "numpy") -> None:
        super().__init__(problem, backend)
        self.lower: Array | None = problem.lower
        self.upper: Array | None = problem.upper
        self.penalty: TotalPenalty | None = problem.penalty
        self.constants: Mapping[str, float] = problem.constants
        self._proximal_step: float | None = None

    # -- points ------------------------------------------------------------------------------------------------------

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

    # -- facts -------------------------------------------------------------------------------------------------------

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

    # -- memory ------------------------------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        held, squares = self.__dict__.get("constraints"), self.__dict__.get("least_squares")
        return {
            **super().snapshot(),
            "proximal_step": self._proximal_step,
            "constraints": None if held is None else held.terms.snapshot(),
            "least_squares": None if squares is None else squares.snapshot(),
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        super().restore(saved)
        if "memory" in saved:
            self._proximal_step = saved["proximal_step"]
        if saved.get("constraints") and self.constraints is not None:
            self.constraints.terms.restore(saved["constraints"])
        if saved.get("least_squares") and self.least_squares is not None:
            self.least_squares.restore(saved["least_squares"])


def compile(problem: Problem, backend: str = "numpy") -> Oracle:
    """The oracle of a problem: derives what is asked for, when it is first asked for."""
    return Oracle(problem, backend)
