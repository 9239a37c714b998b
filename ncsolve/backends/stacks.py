"""Stacks of small convex quadratics, minimised together: g'd + d'Hd/2, with or without bounds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import NcsolveError

__all__ = ["SINGULAR", "NotConvex", "minimise"]

Array = NDArray[np.float64]

SINGULAR = 1e-12
"""The part of its largest eigenvalue up to which an eigenvalue counts as zero."""
_PASSES, _ENOUGH = 20, 0.01
"""Passes over the coordinates end when one moves them by less than this part of the first [Gillis & Glineur 2012]."""


class NotConvex(NcsolveError):
    """A quadratic has no minimum."""


def minimise(H: Array, g: Array, x: Array, bounds: tuple[Array, Array] | None) -> Array:
    """x + d for each of m quadratics: H (m, p, p), g and x (m, p). Of several minimisers the nearest one.

    With bounds, cyclic coordinate minimisation, which never rises [Cichocki & Phan 2009: HALS]. Raises NotConvex.
    """
    diagonal = np.einsum("mii->mi", H)
    scale = diagonal.max(axis=1, initial=0.0)
    if (diagonal < 0).any() and (diagonal < -SINGULAR * np.abs(H).max()).any():
        raise NotConvex("a diagonal entry of the block's Hessian is negative")
    if bounds is not None:
        return _coordinates(H, g, x, *bounds)
    live = scale > 0
    if live.all():
        return x + _newton(H, g, np.abs(x).max(axis=1, keepdims=True))
    if (np.abs(g[~live]) > 0).any():
        raise NotConvex("the objective is linear along a direction of the block")
    result = x.copy()
    if live.any():
        result[live] += _newton(H[live], g[live], np.abs(x[live]).max(axis=1, keepdims=True))
    return result


def _newton(H: Array, g: Array, size: Array) -> Array:
    """-inverse(H) g, by factors where H is safely positive definite, else by eigenvalues; `size` is |x|, (m, 1)."""
    try:
        L: Array = np.linalg.cholesky(H).astype(np.float64, copy=False)
        pivots = np.einsum("mii->mi", L)
        safe = pivots.min(axis=1) ** 2 > SINGULAR * len(H[0]) * pivots.max(axis=1) ** 2
    except np.linalg.LinAlgError:
        if len(H) > 1:
            half = len(H) // 2
            return np.concatenate([_newton(H[:half], g[:half], size[:half]), _newton(H[half:], g[half:], size[half:])])
        return _pseudo_newton(H, g, size)
    if safe.all():
        return -_substituted(L, g)
    step = np.empty_like(g)
    step[safe] = -_substituted(L[safe], g[safe])
    step[~safe] = _pseudo_newton(H[~safe], g[~safe], size[~safe])
    return step


def _substituted(L: Array, b: Array) -> Array:
    """The solutions y of L L'y = b, one unknown of all systems after the other."""
    y = b.copy()
    for k in range(y.shape[1]):
        y[:, k] = (y[:, k] - np.vecdot(L[:, k, :k], y[:, :k])) / L[:, k, k]
    for k in reversed(range(y.shape[1])):
        y[:, k] /= L[:, k, k]
        y[:, :k] -= L[:, k, :k] * y[:, k : k + 1]
    return y


def _pseudo_newton(H: Array, g: Array, size: Array) -> Array:
    w, V = np.linalg.eigh(H)
    largest = np.abs(w).max(axis=1, keepdims=True)
    tiny = SINGULAR * len(g[0]) * largest
    along = np.einsum("mij,mi->mj", V, g)
    flat = np.abs(w) <= tiny
    noise = 1e-8 * (np.abs(g).max(axis=1, keepdims=True) + largest * size)
    if (w < -tiny).any() or (flat & (np.abs(along) > noise)).any():
        raise NotConvex("the objective has no minimum over the block: its Hessian there is not positive semidefinite")
    steps = np.where(flat, 0.0, -along / np.where(flat, 1.0, w))
    return np.asarray(np.einsum("mij,mj->mi", V, steps))


def _coordinates(H: Array, g: Array, x: Array, low: Array, high: Array) -> Array:
    """Each coordinate in turn to its minimiser within the bounds, until little moves."""
    x, g = x.copy(), g.copy()
    first = 0.0
    for _ in range(_PASSES):
        before = x.copy()
        for k in range(x.shape[1]):
            bend = H[:, k, k]
            flat = bend <= 0
            target = x[:, k] - np.where(flat, 0.0, g[:, k] / np.where(flat, 1.0, bend))
            target = np.where(flat & (g[:, k] > 0), low[:, k], np.where(flat & (g[:, k] < 0), high[:, k], target))
            moved = np.clip(target, low[:, k], high[:, k]) - x[:, k]
            moved[~np.isfinite(moved)] = 0.0
            x[:, k] += moved
            g += moved[:, None] * H[:, :, k]
        size = float(np.abs(x - before).max(initial=0.0))
        first = first or size
        if size <= _ENOUGH * first:
            break
    return x
