"""Continuous symmetries x -> exp(tA) x + tb of f, and the directions in which they move a point.

Where grad f(x) . (A x + b) = 0 for all x, f is constant along x' = A x + b. Then H(x) (A x + b) = -A^T grad f(x), so
that at a critical point these directions are in the null space of the Hessian. Where they fill it, the point is as good
as nondegenerate (Morse-Bott): f behaves across the orbit as it does on the complement of the null space.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.face import NEAR
from ncsolve.critical.spectrum import EPS, SAFETY

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

__all__ = ["orbit"]

Matrix = NDArray[np.float64]
Axis = tuple[NDArray[np.intp], int]
TINY = float(np.finfo(float).tiny)

LONGEST = 32  # axis of a variable on which generators are looked for
PARAMETERS = 1200  # numbers in A and b
SPARE = 16  # more points than numbers
SPREAD = 0.3  # of the random points around x, relative to its size


def orbit(oracle: Oracle, x: NDArray[np.float64]) -> Matrix:
    """Tangents A x + b (n, d) at x of the symmetries of f, orthonormal.

    A and b act on one axis of a variable and alike on its other axes, on a variable as a whole, or on all scalar
    variables together, or are sums of such. They are solved for at random points around x, where they hold to rounding.
    """
    axes = list(_axes(oracle))
    size = sum(length * (length + 1) for _, length in axes)
    none = np.empty((x.size, 0))
    if not 0 < size <= PARAMETERS:
        return none
    rng = np.random.default_rng(6)
    scale = SPREAD * max(1.0, float(np.sqrt(np.mean(x**2))))
    points = oracle.project(x + scale * rng.standard_normal((size + SPARE, x.size)))
    gradients = oracle.gradient(points)
    finite = np.isfinite(gradients).all(axis=1)
    points, gradients = points[finite], gradients[finite]
    if len(points) < size + SPARE // 2:
        return none
    gradients /= np.abs(gradients).max(axis=1, keepdims=True) + TINY
    rows = _products(axes, gradients, points)
    sizes = np.linalg.norm(_products(axes, np.abs(gradients), np.abs(points)), axis=0)
    sizes[sizes == 0] = 1.0  # what is small is not taken for zero, only what cancels
    _, values, right = np.linalg.svd(rows / sizes, full_matrices=False)
    generators = right[values <= SAFETY * size * EPS * values[0]] / sizes
    tangents = np.array([_act(axes, generator, x) for generator in generators]).reshape(-1, x.size)
    tangents /= np.linalg.norm(generators, axis=1, keepdims=True)
    directions, lengths, _ = np.linalg.svd(tangents.T, full_matrices=False)
    return np.asarray(directions[:, lengths > NEAR * (1 + float(np.abs(x).max()))])


def _axes(oracle: Oracle) -> Iterator[Axis]:
    """Places in x (a, r) of each axis of length a with what stands along it, and a."""
    scalars = [variable.offset for variable in oracle.problem.variables if not variable.shape]
    if 0 < len(scalars) <= LONGEST:
        yield np.array(scalars)[:, None], len(scalars)
    for variable in oracle.problem.variables:
        places = np.arange(variable.offset, variable.offset + variable.size).reshape(variable.shape)
        for axis, length in enumerate(variable.shape):
            if length <= LONGEST:
                yield np.moveaxis(places, axis, 0).reshape(length, -1), length
        if variable.size > LONGEST:
            yield places.reshape(1, -1), 1


def _products(axes: list[Axis], gradients: Matrix, points: Matrix) -> Matrix:
    """grad f . (A x + b) at each point, for each entry of A and b alone: (points, entries)."""
    columns = []
    for place, _ in axes:
        g, x = gradients[:, place], points[:, place]
        columns += [np.einsum("mpr,mqr->mpq", g, x).reshape(len(x), -1), g.sum(axis=2)]
    return np.concatenate(columns, axis=1)


def _act(axes: list[Axis], generator: NDArray[np.float64], x: NDArray[np.float64]) -> Matrix:
    """A x + b"""
    moved = np.zeros_like(x)
    start = 0
    for place, length in axes:
        A = generator[start : start + length**2].reshape(length, length)
        b = generator[start + length**2 : start + length**2 + length]
        np.add.at(moved, place, A @ x[place] + b[:, None])
        start += length * (length + 1)
    return moved
