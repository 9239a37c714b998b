"""Limited-memory BFGS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option
from ncsolve_second_order.paths import held_by_bounds, norm, search

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class LBFGSState:
    x: Vector
    objective: float
    gradient: Vector
    s: tuple[Vector, ...] = ()
    """Steps x+ - x, the oldest first."""
    y: tuple[Vector, ...] = ()
    """Changes of the gradient along them."""
    stalled: bool = False


@dataclass(frozen=True)
class LBFGS:
    """Limited-memory BFGS with a strong Wolfe line search. [Nocedal 1980; Liu & Nocedal 1989; Bertsekas 1982]

    x+ = x - t H g, where H is the BFGS matrix of the last `memory` pairs s = x+ - x, y = g+ - g (two-loop recursion).
    With bounds the search follows the projected path P(x - t H g), and variables that a bound holds back keep out of
    H (Bertsekas' epsilon-active set). On a uniformly convex objective convergence is R-linear [Liu & Nocedal 1989,
    Thm 7.1]; elsewhere limit points are critical where the conditioning of H stays bounded.
    """

    memory: int = option(10, "number of pairs that are kept", at_least=1)

    name: ClassVar[str] = "lbfgs"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "bounds"})
    state_type: ClassVar[type] = LBFGSState

    def init(self, oracle: Oracle, x0: Vector, rng: np.random.Generator) -> LBFGSState:
        return LBFGSState(x0, *oracle.value_and_gradient(x0))

    def step(self, oracle: Oracle, state: LBFGSState, rng: np.random.Generator) -> LBFGSState:
        x, f, g = state.x, state.objective, state.gradient
        held = held_by_bounds(oracle, x, g)
        for s, y in ((state.s, state.y), ((), ())):  # without memory the direction is -g
            found = search(oracle, x, f, g, -two_loop(g, s, y, held))
            if found is None:
                continue
            ds, dy = found.x - x, found.g - g
            if is_curved(ds, dy):
                s, y = (*s, ds)[-self.memory :], (*y, dy)[-self.memory :]
            return LBFGSState(found.x, found.f, found.g, s, y)
        return LBFGSState(x, f, g, stalled=True)


def two_loop(g: Vector, s: tuple[Vector, ...], y: tuple[Vector, ...], held: NDArray[np.bool_] | None) -> Vector:
    """H g by the two-loop recursion, with H = gamma I to begin with, gamma = s'y / y'y of the newest pair.

    Held variables keep out of every product and get gamma g.
    """
    if held is not None:
        y = tuple(np.where(held, 0.0, v) for v in y)
    pairs = [(u, v, u.dot(v)) for u, v in zip(s, y, strict=True) if held is None or is_curved(u, v)]
    q = g.copy()
    coefficients = []
    for u, v, uv in reversed(pairs):
        a = u.dot(q if held is None else np.where(held, 0.0, q)) / uv
        q -= a * v
        coefficients.append(a)
    if pairs:
        _, v, uv = pairs[-1]
        gamma = uv / norm(v) / norm(v)
    else:
        gamma = 1 / norm(g)
    q *= gamma
    for (u, v, uv), a in zip(pairs, reversed(coefficients), strict=True):
        q += (a - v.dot(q) / uv) * u
    return q if held is None else np.where(held, gamma * g, q)


def is_curved(s: Vector, y: Vector) -> bool:
    """Whether s'y is positive beyond rounding, so that the pair keeps H positive definite."""
    return bool(s.dot(y) > np.finfo(float).eps * norm(s) * norm(y))
