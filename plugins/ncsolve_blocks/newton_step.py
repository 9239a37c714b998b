"""A truncated Newton step within one block of variables."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ncsolve.graph.blocks import VariableBlock
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]

ARMIJO, HALVINGS = 1e-4, 50


def newton_step(oracle: Oracle, x: Vector, block: VariableBlock) -> Vector:
    """A point with f no higher than at x that differs from x in the block only; x itself where none is found."""
    f, g = oracle.value_and_gradient(x)
    mask = np.zeros(oracle.n)
    for variable in block.variables:
        mask[variable.slice] = 1.0
    if oracle.lower is not None and oracle.upper is not None:
        mask[((x <= oracle.lower) & (g > 0)) | ((x >= oracle.upper) & (g < 0))] = 0.0
    g = mask * g
    if not g.any():
        return x
    for d in (_direction(oracle, x, g, mask), -g):
        t = 1.0
        for _ in range(HALVINGS):
            y = oracle.project(x + t * d)
            value = oracle.value(y)
            if value <= f + ARMIJO * float(g.dot(y - x)) and (value < f or not np.array_equal(x, y)):
                return y
            t /= 2
    return x


def _direction(oracle: Oracle, x: Vector, g: Vector, mask: Vector) -> Vector:
    """A direction of descent from conjugate gradients on H d = -g in the block [Nocedal & Wright 2006, Alg. 7.1]."""
    d, r, p = np.zeros_like(g), g, -g
    rr = float(r.dot(r))
    enough = min(0.5, math.sqrt(math.sqrt(rr))) ** 2 * rr
    for k in range(2 * int(mask.sum()) + 10):
        Hp = mask * oracle.hvp(x, p)
        curvature = float(p.dot(Hp))
        if not curvature > 0:
            return -g if k == 0 else d
        t = rr / curvature
        d, r = d + t * p, r + t * Hp
        before, rr = rr, float(r.dot(r))
        if rr <= enough:
            break
        p = (rr / before) * p - r
    return d
