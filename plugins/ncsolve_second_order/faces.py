"""A quadratic model in a box and a ball: face by face, never worse than the projected Cauchy point."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ncsolve_second_order.ratio import Bounded
from ncsolve_second_order.subproblem import ModelStep

Vector = NDArray[np.float64]

FACES = 20  # tried in one step
CAUCHY = 0.1  # part of the Cauchy point's decrease that a step must reach


class QuadraticModel(Protocol):
    """m(p) = g'p + p'Hp/2, however H is given."""

    g: Vector

    def value(self, p: Vector) -> float:
        """m(p)"""

    def minimise(self, radius: float) -> ModelStep:
        """A step |p| <= radius that makes m as low as this model can."""

    def on_face(self, p: Vector, free: NDArray[np.bool_]) -> QuadraticModel:
        """The model around p in the free variables."""


def minimise_inside(oracle: Bounded, model: QuadraticModel, x: Vector, radius: float) -> ModelStep:
    """A step p with |p| <= radius and x + p inside the bounds, where there are any, that makes the model low."""
    if oracle.lower is None or oracle.upper is None:
        return model.minimise(radius)
    return minimise_in_box(model, oracle.lower - x, oracle.upper - x, radius)


def minimise_in_box(model: QuadraticModel, low: Vector, high: Vector, radius: float) -> ModelStep:
    """A good, if not the best, p with low <= p <= high and |p| <= radius; low <= 0 <= high.

    On the face that the gradient leaves free the ball's subproblem is solved exactly and followed to the first bound;
    the variables that it hits are fixed and the rest is solved again. m falls on every piece, because the minimiser
    over a ball lies beyond.
    """
    p = np.zeros_like(low)
    free = free_at(model.g, low, high)
    room, on_boundary = radius, False
    for _ in range(FACES):
        if not free.any() or room <= 0:
            break
        q = np.zeros_like(p)
        q[free], on_boundary = (model if free.all() and not p.any() else model.on_face(p, free)).minimise(room)
        part, hit = to_bound(p, q, low, high)
        p = np.clip(p + part * q, low, high)
        if part == 1:
            break
        p[hit] = np.where(q[hit] < 0, low[hit], high[hit])
        free &= ~hit
        room = radius - float(np.linalg.norm(p))
        on_boundary = False
    cauchy = cauchy_point(model, low, high, radius)
    return ModelStep(p, on_boundary) if model.value(p) <= CAUCHY * model.value(cauchy) else ModelStep(cauchy, False)


def free_at(g: Vector, low: Vector, high: Vector) -> NDArray[np.bool_]:
    """The variables that may move along -g, low <= 0 <= high being what is left to the bounds."""
    return ~(((low >= 0) & (g > 0)) | ((high <= 0) & (g < 0))) & (low < high)


def to_bound(p: Vector, q: Vector, low: Vector, high: Vector) -> tuple[float, NDArray[np.bool_]]:
    """The largest part <= 1 of q that stays inside the box from p, and the variables that stop it."""
    limit = np.where(q < 0, low, high)
    parts = np.where(q != 0, limit - p, math.inf) / np.where(q != 0, q, 1.0)
    part = min(1.0, max(0.0, float(parts.min())))
    return part, parts <= part


def cauchy_point(model: QuadraticModel, low: Vector, high: Vector, radius: float) -> Vector:
    """P(-t g) inside the ball for the first t, t/4, t/16, ... at which m is low enough [Conn, Gould & Toint 1988]."""
    g = model.g
    t = radius / float(np.abs(g).max() or 1.0)
    for _ in range(100):
        p = np.clip(-t * g, low, high)
        size = float(np.linalg.norm(p))
        if size <= radius and model.value(p) <= 0.01 * float(g.dot(p)):
            return p
        t /= 4
    return np.zeros_like(g)
