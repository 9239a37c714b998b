"""Perturbed gradient descent."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.face import projected_gradient
from ncsolve.solving import option
from ncsolve_first_order.step_size import backtrack, first_step_size, given_step_size
from ncsolve_saddle.jin import Parameters, iota_for

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]

RADIUS, WAIT = 1e-3, 50
"""Without the constants: noise relative to the size of x, and steps until its effect is judged."""
VISIBLE = 1e-9
"""Without the constants: the decrease, relative to f, that counts as leaving."""


@dataclass(frozen=True)
class PerturbedState:
    x: Vector
    objective: float
    gradient: Vector
    step_size: float
    radius: float
    wait: int
    decrease: float
    anchor: Vector
    """The point that was perturbed last."""
    anchor_objective: float
    since: int
    """Steps since then."""
    perturbations: int = 0
    exploring: bool = True
    """Until a perturbation did not help."""
    stalled: bool = False


@dataclass(frozen=True)
class PerturbedGradientDescent:
    """Gradient descent with noise where the gradient is small. [Jin, Netrapalli, Ge, Kakade & Jordan 2021]

    x+ = P(x - eta g); where |g| <= epsilon and none came within the last T steps, first x <- x + u with u uniform in
    the ball of radius eta r. For an l-smooth f with rho-Lipschitz Hessian, eta = 1/l, r = eps / (400 i^3) and
    T = l i / sqrt(rho eps), the noise at a point with lambda_min <= -sqrt(rho eps) lowers f by F/2 within T steps,
    F = sqrt(eps^3/rho) / (50 i^3), but for a probability 2^(8-i) i^2 l sqrt(n) / sqrt(rho eps) [Lemma 20]. Where it
    does not, the point before the noise is taken for a minimum and the run may converge [the stop of Jin et al. 2017].

    l and rho are the problem's constants smoothness and hessian_lipschitz. Where they are not declared, steps backtrack
    and noise and wait are ours: 0.001 max(1, |x|) and 50 steps. Every option overrides.
    """

    step_size: float | None = option(None, "eta; none: 1/l, or backtracking where l is not declared", above=0)
    epsilon: float = option(1e-3, "gradient norm up to which a point is perturbed", above=0)
    radius: float | None = option(None, "radius of the ball of noise, in x; none: eta r of the paper", above=0)
    wait: int | None = option(None, "T, steps until the effect of noise is judged; none: the paper's", at_least=1)
    decrease: float | None = option(None, "decrease within T steps that tells a saddle; none: F/2", at_least=0)
    failure: float = option(0.1, "probability of failure that the paper's parameters allow", above=0, below=1)
    noise: Literal["fixed", "curvature"] = option(
        "fixed", "curvature (ours): the radius becomes epsilon/kappa, kappa = |change of g| / |u| met by the last noise"
    )

    name: ClassVar[str] = "perturbed-gd"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "bounds"})
    state_type: ClassVar[type] = PerturbedState

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> PerturbedState:
        f, g = oracle.value_and_gradient(x0)
        radius, wait, decrease = self.parameters(oracle, x0, f)
        eta = given_step_size(self.step_size, oracle) or first_step_size(x0, g)
        return PerturbedState(x0, f, g, eta, radius, wait, decrease, x0, math.inf, wait + 1)

    def step(self, oracle: Oracle, state: PerturbedState, rng: np.random.Generator) -> PerturbedState:
        small = float(np.linalg.norm(projected_gradient(oracle, state.x, state.gradient))) <= self.epsilon
        if not state.exploring:
            after = self.descended(oracle, state)
            return after if small else replace(after, exploring=True, anchor_objective=math.inf)
        if state.since == state.wait and not state.anchor_objective - state.objective > state.decrease:
            return self.settled(oracle, state)
        if (small or state.stalled) and state.since >= state.wait:
            state = self.perturbed(oracle, state, rng)
        return self.descended(oracle, state)

    def descended(self, oracle: Oracle, state: PerturbedState) -> PerturbedState:
        """A step of gradient descent; while exploring, being stuck is no end."""
        x, f, g, eta = state.x, state.objective, state.gradient, given_step_size(self.step_size, oracle)
        stalled = False
        if eta is None:
            x, f, g, eta, stalled = backtrack(oracle, x, f, g, 2 * state.step_size)
        else:
            x = oracle.project(x - eta * g)
            f, g = oracle.value_and_gradient(x)
        if not stalled:
            return replace(state, x=x, objective=f, gradient=g, step_size=eta, since=state.since + 1)
        return replace(state, step_size=first_step_size(x, g), since=state.since + 1, stalled=not state.exploring)

    def perturbed(self, oracle: Oracle, state: PerturbedState, rng: np.random.Generator) -> PerturbedState:
        x, f, g = state.x, state.objective, state.gradient
        u = uniform_in_ball(oracle.n, state.radius, rng)
        y = oracle.project(x + u)
        f_y, g_y = oracle.value_and_gradient(y)
        radius = state.radius
        if self.noise == "curvature":
            curvature = float(np.linalg.norm(g_y - g)) / max(float(np.linalg.norm(y - x)), 1e-300)
            radius = self.epsilon / curvature if 0 < curvature < math.inf else radius
        eta = state.step_size if given_step_size(self.step_size, oracle) else first_step_size(y, g_y)
        return replace(
            state,
            x=y,
            objective=f_y,
            gradient=g_y,
            step_size=eta,
            radius=radius,
            anchor=x,
            anchor_objective=f,
            since=0,
            perturbations=state.perturbations + 1,
        )

    def settled(self, oracle: Oracle, state: PerturbedState) -> PerturbedState:
        """Back to the point before the noise, unless where it led is lower."""
        x = state.anchor if state.anchor_objective < state.objective else state.x
        f, g = oracle.value_and_gradient(x)
        return replace(state, x=x, objective=f, gradient=g, exploring=False, since=state.since + 1)

    def parameters(self, oracle: Oracle, x0: Vector, f: float) -> tuple[float, int, float]:
        """The radius in x, T, and the decrease that tells a saddle."""
        constants, epsilon = oracle.constants, self.epsilon
        if "smoothness" in constants and "hessian_lipschitz" in constants:
            gap = f - constants["minimum"] if "minimum" in constants else max(1.0, abs(f))
            known = (constants["smoothness"], constants["hessian_lipschitz"], epsilon)
            paper = Parameters.of(*known, iota_for(oracle.n, *known, gap, self.failure))
            radius, wait, decrease = paper.step_size * paper.radius, paper.wait, paper.decrease / 2
        else:
            radius, wait, decrease = RADIUS * max(1.0, float(np.abs(x0).max())), WAIT, VISIBLE * abs(f)
        return (
            radius if self.radius is None else self.radius,
            wait if self.wait is None else self.wait,
            decrease if self.decrease is None else self.decrease,
        )


def uniform_in_ball(n: int, radius: float, rng: np.random.Generator) -> Vector:
    """A point uniform in the ball of this radius in R^n: a normal direction, and a length of law radius U^(1/n)."""
    direction = rng.standard_normal(n)
    u: Vector = radius * rng.random() ** (1 / n) / float(np.linalg.norm(direction)) * direction
    return u
