"""Directions in which f is looked at: random, of the largest curvature, or those in which a run went."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import OptionError
from ncsolve.spectra.hessian import spectrum

if TYPE_CHECKING:
    from ncsolve.problem import Problem

__all__ = ["eigen_directions", "path_directions", "random_directions"]

Array = NDArray[np.float64]


def random_directions(problem: Problem, x: Array, count: int, rng: np.random.Generator) -> Array:
    """Directions (count, n) of normal numbers, each filter of them scaled to the norm of that filter of x.

    A filter is what enters one unit: a column W[..., j] of an array with two axes or more, a vector, or all scalar
    variables together. Where a filter of x is zero so is the direction, unless all of x is. [Li et al. 2018]
    """
    found = rng.standard_normal((count, problem.n))
    if not x.any():
        return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True))
    scalars = [v.offset for v in problem.variables if not v.shape]
    filters = [np.array(scalars)] if scalars else []
    for v in problem.variables:
        places = np.arange(v.offset, v.offset + v.size).reshape(v.shape)
        if len(v.shape) == 1:
            filters.append(places)
        elif v.shape:
            filters += list(places.reshape(-1, v.shape[-1]).T)
    for places in filters:
        own = np.linalg.norm(found[:, places], axis=1, keepdims=True)
        found[:, places] *= np.linalg.norm(x[places]) / np.where(own > 0, own, 1.0)
    return found


def eigen_directions(problem: Problem, x: Array, count: int, seed: int) -> tuple[Array, Array]:
    """Unit eigenvectors (count, n) of the highest eigenvalue, and for two that of the lowest; with the eigenvalues."""
    found = spectrum(problem, x, top=1, probes=1, steps=1, products=3, seed=seed)
    return found.vectors[[-1, 0]][:count], found.eigenvalues[[-1, 0]][:count]


def path_directions(path: Array, count: int) -> tuple[Array, Array]:
    """The principal directions (count, n) of a path (k, n) seen from its end, and the part of it that each explains.

    [Goodfellow, Vinyals & Saxe 2015; Li et al. 2018, section 7]
    """
    away = path[:-1] - path[-1]
    if len(away) < count or not away.any():
        raise OptionError(f"slice: a path of {len(path)} points has no {count} principal directions.")
    _, lengths, right = np.linalg.svd(away, full_matrices=False)
    if lengths[count - 1] <= 1e-12 * lengths[0]:
        raise OptionError("slice: the path is a straight line: one direction is all there is (--dimensions 1).")
    return right[:count], lengths[:count] ** 2 / float(lengths @ lengths)
