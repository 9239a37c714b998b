"""The method of multipliers."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncsolve import api
from ncsolve.critical.kkt import violation_slope
from ncsolve.errors import BudgetExhausted, PluginError
from ncsolve.solving import Status, check_needs, option
from ncsolve.solving.loop import Loop
from ncsolve.solving.stopping import GradientTolerance, Iterations, Stall
from ncsolve_constrained.augmented import AugmentedOracle

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]

FIRST_TOLERANCE = 1e-2  # of the first inner run, relative to the size of the gradient
LOWEST_TOLERANCE = 1e-10
LARGEST_MULTIPLIER = 1e12
LARGEST_PENALTY = 1e16
HOPELESS = 1e8  # penalty from which a critical point of the violation is taken for an infeasible problem
FLAT = 1e-3
FEASIBLE = 1e-6


@dataclass(frozen=True)
class AugmentedLagrangianState:
    x: Vector
    objective: float
    gradient: Vector
    multipliers: Vector
    penalty: float
    inner_tolerance: float
    infeasibility: float
    """The larger of |h| and |max(c, -mu/rho)|, which is zero where the constraints hold and are complementary."""
    stalled: bool = False
    message: str | None = None


@dataclass(frozen=True)
class AugmentedLagrangian:
    """Augmented Lagrangian around any solver. [Hestenes 1969; Powell 1969; Birgin & Martinez 2014, Alg. 4.1]

    Each iteration minimises A(x; lambda, mu, rho) within the bounds, by `inner`, to a tolerance that falls; then
    lambda += rho h and mu = max(0, mu + rho c), and rho grows tenfold unless the infeasibility fell to half. Limit
    points are KKT points or critical points of the violation [Birgin & Martinez 2014, Thm 6.2, 6.3]; with second-order
    sufficient conditions multipliers converge linearly, and faster the larger rho [Nocedal & Wright 2006, Thm 17.6].
    """

    inner: str = option("auto", "the solver that minimises the augmented Lagrangian, any name of `ncsolve solvers`")
    penalty: float | None = option(None, "first rho; none: 10 max(1, |f|) / max(1, |violation|^2 / 2)", above=0)
    penalty_growth: float = option(10.0, "factor by which rho grows", above=1)
    reduction: float = option(0.5, "part of the infeasibility that may be left without rho growing", above=0, below=1)
    inner_iterations: int = option(1000, "most iterations of one inner run", at_least=1)

    name: ClassVar[str] = "augmented-lagrangian"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "bounds", "constraints"})
    state_type: ClassVar[type] = AugmentedLagrangianState

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> AugmentedLagrangianState:
        f, g = oracle.value_and_gradient(x0)
        m = oracle.constraints.m if oracle.constraints else 0
        tolerance = FIRST_TOLERANCE * max(1.0, float(np.abs(g).max()))
        rho = self.penalty or _first_penalty(oracle, x0, f)
        if oracle.constraints:
            self.inner_solver(AugmentedOracle(oracle, np.zeros(m), rho))
        return AugmentedLagrangianState(x0, f, g, np.zeros(m), rho, tolerance, math.inf)

    def step(
        self, oracle: Oracle, state: AugmentedLagrangianState, rng: np.random.Generator
    ) -> AugmentedLagrangianState:
        constraints, rho = oracle.constraints, state.penalty
        if constraints is None:
            return self.without_constraints(oracle, state, rng)
        augmented = AugmentedOracle(oracle, state.multipliers, rho)
        x = self.minimise(augmented, state, rng)
        if x is None:  # unbounded below, as rho stands
            stalled = "the augmented Lagrangian falls without bound, however large its penalty"
            message = stalled if rho > LARGEST_PENALTY else None
            return replace(state, penalty=self.penalty_growth * rho, stalled=message is not None, message=message)
        c = constraints.values(x)
        k, mu = constraints.equalities, state.multipliers[constraints.equalities :]
        infeasibility = float(np.abs(np.concatenate([c[:k], np.maximum(c[k:], -mu / rho)])).max())
        multipliers = np.clip(augmented.first_order(c), -LARGEST_MULTIPLIER, LARGEST_MULTIPLIER)
        grows = infeasibility > self.reduction * state.infeasibility
        f, g = oracle.value_and_gradient(x)
        message = _infeasible(oracle, x, c) if grows and rho >= HOPELESS else None
        return AugmentedLagrangianState(
            x,
            f,
            g,
            multipliers,
            self.penalty_growth * rho if grows else rho,
            max(0.1 * state.inner_tolerance, LOWEST_TOLERANCE),
            infeasibility,
            message is not None,
            message,
        )

    def minimise(self, oracle: Any, state: AugmentedLagrangianState, rng: np.random.Generator) -> Vector | None:
        """Where the inner solver ends from x; None where the objective falls without bound."""
        test = GradientTolerance(state.inner_tolerance) | Stall() | Iterations(self.inner_iterations)
        inner = Loop(oracle, self.inner_solver(oracle), rng, test)
        status = inner.advance(state.x.copy())
        if status in (Status.EVALUATIONS, Status.TIME):
            raise BudgetExhausted(status.name)
        if status is Status.INTERRUPTED:
            raise KeyboardInterrupt
        if status is Status.FAILED:
            raise PluginError(f"inner {inner.detail}")
        best: Vector | None = inner.merit.best_x
        if status is Status.NONFINITE or best is None:
            return None
        return inner.last.x if status is Status.CONVERGED and inner.last else best

    def inner_solver(self, oracle: Any) -> Any:
        solver, _ = api.resolve(self.inner, {}, oracle)
        check_needs(solver, oracle)
        return solver

    def without_constraints(
        self, oracle: Oracle, state: AugmentedLagrangianState, rng: np.random.Generator
    ) -> AugmentedLagrangianState:
        """Nothing but the inner solver, to a tolerance that falls."""
        x = self.minimise(oracle, state, rng)
        x = state.x if x is None else x
        f, g = oracle.value_and_gradient(x)
        tolerance = max(0.1 * state.inner_tolerance, LOWEST_TOLERANCE)
        return AugmentedLagrangianState(x, f, g, state.multipliers, state.penalty, tolerance, 0.0)


def _first_penalty(oracle: Oracle, x: Vector, f: float) -> float:
    """[Birgin & Martinez 2014, (12.1)]"""
    if oracle.constraints is None:
        return 1.0
    violation = oracle.constraints.violation(oracle.constraints.values(x))
    size = 10 * max(1.0, abs(f)) / max(1.0, float(violation @ violation) / 2)
    return float(np.clip(size, 1e-3, 1e3)) if math.isfinite(size) else 1.0


def _infeasible(oracle: Oracle, x: Vector, c: Vector) -> str | None:
    """What to say where the violation has a critical point that is not feasible; else None."""
    assert oracle.constraints is not None
    violation = float(np.abs(oracle.constraints.violation(c)).max())
    if violation < FEASIBLE or violation_slope(oracle, x) > FLAT:
        return None
    return (
        f"the problem looks infeasible: constraints are violated by up to {violation:.3g} at a critical point of the "
        "violation. Start elsewhere, or relax a constraint"
    )
