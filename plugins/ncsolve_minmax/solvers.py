"""Gradient descent ascent and its two cures for rotation. F = (grad_x f, -grad_y f) is the field of both players."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option
from ncsolve_langevin.chains import smoothness

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class PlayersState:
    x: Vector
    objective: float
    gradient: Vector
    field: Vector
    """F(x)."""
    previous: Vector
    """F at the point before, for optimistic gda; F(x) in the others."""
    step_size: float

    @classmethod
    def at(cls, oracle: Oracle, x: Vector, step_size: float) -> PlayersState:
        f, g = oracle.value_and_gradient(x)
        F = field(oracle, g)
        return cls(x, f, g, F, F, step_size)


def field(oracle: Oracle, g: Vector) -> Vector:
    """F = signs * g: what descends in it minimises over x and maximises over y."""
    signs = oracle.problem.signs
    assert signs is not None  # the solvers need a min-max problem
    return signs * g


@dataclass(frozen=True)
class _Players:
    """What the three share: a step size eta, by default a fraction of 1/L."""

    step_size: float | None = option(
        None, "eta; none: the solver's fraction of 1/L, L declared (smoothness) or the curvature at the start", above=0
    )

    name: ClassVar[str]
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "hvp", "bounds", "minmax"})
    state_type: ClassVar[type] = PlayersState
    fraction: ClassVar[float] = 0.5

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> PlayersState:
        eta = self.step_size or self.fraction / smoothness(oracle, x0, rng)
        return PlayersState.at(oracle, x0, eta)

    @abstractmethod
    def step(self, oracle: Oracle, state: PlayersState, rng: np.random.Generator) -> PlayersState: ...


@dataclass(frozen=True)
class GradientDescentAscent(_Players):
    """Simultaneous gradient descent ascent, z+ = P(z - eta F(z)). [Arrow, Hurwicz & Uzawa 1958]

    It converges where f is strongly convex in x and strongly concave in y, for small eta. On a bilinear game x'Ay it
    spirals out: |z| grows by sqrt(1 + eta^2 sigma^2) along each singular value sigma.
    """

    name: ClassVar[str] = "gda"

    def step(self, oracle: Oracle, state: PlayersState, rng: np.random.Generator) -> PlayersState:
        eta = state.step_size
        return PlayersState.at(oracle, oracle.project(state.x - eta * state.field), eta)


@dataclass(frozen=True)
class Extragradient(_Players):
    """Extragradient, z+ = P(z - eta F(y)), y = P(z - eta F(z)). [Korpelevich 1976; Khobotov 1987]

    It converges for monotone F, bilinear games among them, where eta < 1/L. Without a given eta, it is halved until
    eta |F(y) - F(z)| <= 0.9 |y - z|, and stays.
    """

    name: ClassVar[str] = "extragradient"

    def step(self, oracle: Oracle, state: PlayersState, rng: np.random.Generator) -> PlayersState:
        z, F, eta = state.x, state.field, state.step_size
        while True:
            y = oracle.project(z - eta * F)
            F_y = field(oracle, oracle.gradient(y))
            contracts = eta * float(np.linalg.norm(F_y - F)) <= 0.9 * float(np.linalg.norm(y - z))
            if self.step_size is not None or contracts or not (y - z).any():
                return PlayersState.at(oracle, oracle.project(z - eta * F_y), eta)
            eta /= 2


@dataclass(frozen=True)
class OptimisticGDA(_Players):
    """Optimistic gradient descent ascent, z+ = P(z - 2 eta F(z) + eta F(z-)). [Popov 1980; Daskalakis et al. 2018]

    One evaluation in a step, where extragradient has two. On bilinear games it converges for eta < 1/(2L) [Mokhtari,
    Ozdaglar & Pattathil 2020].
    """

    name: ClassVar[str] = "optimistic-gda"
    fraction: ClassVar[float] = 0.25

    def step(self, oracle: Oracle, state: PlayersState, rng: np.random.Generator) -> PlayersState:
        eta = state.step_size
        z = oracle.project(state.x - eta * (2 * state.field - state.previous))
        return replace(PlayersState.at(oracle, z, eta), previous=state.field)
