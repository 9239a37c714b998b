"""Values of f around a point: for a witness that f falls, and where derivatives say nothing because of a kink."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.spectrum import EPS, SAFETY

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

__all__ = ["Curve", "Probe", "fall_along", "line", "probe"]

Vector = NDArray[np.float64]
Curve = Callable[[Vector], NDArray[np.float64]]
"""Lengths t (k,) -> displacements (k, n), zero at t = 0."""

HALVINGS = 40
RANDOM = 64  # directions besides the coordinates'
LENGTHS = np.array([1e-4, 1e-5, 1e-6])  # relative to 1 + |x|


def line(direction: Vector) -> Curve:
    """t -> t direction"""
    return lambda t: t[:, None] * direction


def fall_along(oracle: Oracle, x: Vector, objective: float, origin: Vector, curves: list[Curve]) -> Vector | None:
    """A displacement with f(x + displacement) < f(x), to one of the curves from `origin`; None if rounding hides it.

    On each curve f is followed from short lengths, doubling t for as long as it falls.
    """
    t: Vector = np.exp2(np.arange(-HALVINGS, 1.0)) * (1 + float(np.abs(x).max()))
    lowest, witness = objective - SAFETY * EPS * abs(objective), None
    for curve in curves:
        points = oracle.project(origin + curve(t))
        points = points[np.isfinite(points).all(axis=1)]
        values = np.append(oracle.value(points), np.inf)
        below = np.flatnonzero(values < lowest)
        if below.size:
            end = int(below[0])
            while values[end + 1] < values[end]:
                end += 1
            lowest, witness = float(values[end]), np.asarray(points[end] - x)
    return witness


class Probe(NamedTuple):
    """Directions that were tried, in how many of them f is higher and lower at all lengths, and where it is lowest."""

    directions: int
    higher: int
    lower: int
    witness: Vector | None


def probe(oracle: Oracle, x: Vector, objective: float) -> Probe:
    """Compare f(x) with f at 1e-4, 1e-5, 1e-6 (1 + |x|) along +- the coordinates and random directions in the box."""
    axes = np.eye(x.size)[: 4 * RANDOM]
    randoms = np.random.default_rng(4).standard_normal((RANDOM if x.size > 1 else 0, x.size))
    one_side = np.concatenate([axes, randoms / np.linalg.norm(randoms, axis=1, keepdims=True)])
    scale = 1 + float(np.abs(x).max())
    steps = LENGTHS[:, None, None] * scale * np.concatenate([one_side, -one_side])
    points = oracle.project(x + steps)
    points = points[:, (points != x).any(axis=(0, 2))]
    values = oracle.value(points.reshape(-1, x.size)).reshape(points.shape[:2])
    margin = SAFETY * EPS * abs(objective)
    higher, lower = (values > objective + margin).all(axis=0), (values < objective - margin).all(axis=0)
    lowest = int(np.argmin(np.where(lower, values[0], np.inf)))
    return Probe(values.shape[1], int(higher.sum()), int(lower.sum()), points[0, lowest] - x if lower.any() else None)
