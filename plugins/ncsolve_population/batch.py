"""Newton's method in a trust region for many points at once: every array has a leading axis of m points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.modes import Modes

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Array = NDArray[np.float64]
EPS = float(np.finfo(float).eps)
TINY = float(np.finfo(float).tiny)

RUNNING, CONVERGED, STUCK, LOST = range(4)
LOWEST = -1e100
"""An objective below this is taken to be unbounded."""


@dataclass(frozen=True)
class Batch:
    """m local runs side by side."""

    points: Array
    """(m, n)"""
    values: Array
    """(m,)"""
    gradients: Array
    """(m, n)"""
    radii: Array
    """(m,)"""
    status: NDArray[np.int8]
    """RUNNING; CONVERGED: a small projected gradient; STUCK: rounding hides any progress; LOST: f is not finite."""


def begin(oracle: Oracle, points: Array) -> Batch:
    """The runs at their starts. Radii of max(1, |x|) / 10 keep a run in the basin where it starts."""
    values, gradients = oracle.value_and_gradient(points)
    finite = np.isfinite(values) & np.isfinite(gradients).all(axis=1)
    status = np.where(finite, RUNNING, LOST).astype(np.int8)
    return Batch(points, values, gradients, np.maximum(1.0, np.linalg.norm(points, axis=1)) / 10, status)


def advance(oracle: Oracle, batch: Batch, tolerance: float) -> Batch:
    """One iteration of every run that is RUNNING. [Conn, Gould & Toint 2000, Alg. 6.1.1]

    p minimises the quadratic model over |p| <= Delta; rho = (f(x) - f(x + p)) / -m(p), with both differences raised by
    the rounding of f, decides whether x + p is taken and how Delta changes.
    """
    rows = np.flatnonzero(batch.status == RUNNING)
    x, f, g, radius = batch.points[rows], batch.values[rows], batch.gradients[rows], batch.radii[rows]
    p, fall = model_steps(oracle, x, g, oracle.hessian(x), radius)
    z = x + p if oracle.lower is None else oracle.project(x + p)
    fz, gz = oracle.value_and_gradient(z)
    noise = 8 * EPS * np.abs(f)
    finite = np.isfinite(fz) & np.isfinite(gz).all(axis=1)
    rho = np.where(finite, (f - fz + noise) / (fall + noise + TINY), -1.0)
    taken = rho > 1e-4
    length = np.linalg.norm(p, axis=1)
    grown = np.where(rho > 0.75, np.maximum(radius, 2 * length), radius)
    radius = np.where(rho < 0.25, 0.25 * length, grown)
    x, f, g = np.where(taken[:, None], z, x), np.where(taken, fz, f), np.where(taken[:, None], gz, g)
    small = np.abs(projected(oracle, x, g)).max(axis=1) <= tolerance
    hidden = (fall <= noise) | (length <= EPS * np.linalg.norm(x, axis=1))
    status = np.where(f < LOWEST, LOST, np.where(small, CONVERGED, np.where(hidden, STUCK, RUNNING)))
    return Batch(*(_put(*pair, rows) for pair in zip(_fields(batch), (x, f, g, radius, status), strict=True)))


def projected(oracle: Oracle, x: Array, g: Array) -> Array:
    """x - P(x - g): the gradient, without what points out of the bounds."""
    return g if oracle.lower is None else x - oracle.project(x - g)


def model_steps(oracle: Oracle, x: Array, g: Array, H: Array, radius: Array) -> tuple[Array, Array]:
    """Steps p (m, n) inside the bounds and the regions, and how far the models fall: -m(p), m(p) = g'p + p'Hp/2.

    With bounds, variables that one holds back stay. What the step in the others takes out of the bounds stops there,
    and the rest is solved for again, some times over. Where no such step falls as far as the best of some projected
    gradient steps, that one is taken, which keeps the Cauchy decrease.
    """
    if oracle.lower is None or oracle.upper is None:
        p = region_steps(H, g, radius)
        return p, _fall(H, g, p)
    free = ~(((x <= oracle.lower) & (g > 0)) | ((x >= oracle.upper) & (g < 0)))
    best, fall = _faces(oracle, x, g, H, radius, free)
    t = radius / (np.linalg.norm(g, axis=1) + TINY)
    for _ in range(10):
        p = oracle.project(x - t[:, None] * g) - x
        further = _fall(H, g, p)
        better = further > fall
        best, fall = np.where(better[:, None], p, best), np.where(better, further, fall)
        t = t / 4
    return best, fall


def _faces(
    oracle: Oracle, x: Array, g: Array, H: Array, radius: Array, free: NDArray[np.bool_], faces: int = 3
) -> tuple[Array, Array]:
    """The best of the clipped steps on up to `faces` faces of the box, each below the one before, and its fall."""
    best, fall, stopped = np.zeros_like(x), np.zeros(len(x)), np.zeros_like(x)
    rows = np.arange(len(x))
    for _ in range(faces):
        z, h, G, d, f = x[rows], H[rows], g[rows], stopped[rows], free[rows]
        inner = np.where(f[:, :, None] & f[:, None, :], h, np.eye(x.shape[1]))
        slope = np.where(f, G + np.einsum("mij,mj->mi", h, d), 0.0)
        left = np.sqrt(np.maximum(radius[rows] ** 2 - (d * d).sum(axis=1), TINY))
        wanted = d + region_steps(inner, slope, left)
        p = oracle.project(z + wanted) - z
        further = _fall(h, G, p)
        better = further > fall[rows]
        best[rows], fall[rows] = np.where(better[:, None], p, best[rows]), np.where(better, further, fall[rows])
        hit = f & ((z + wanted < oracle.lower) | (z + wanted > oracle.upper))
        stopped[rows], free[rows] = np.where(hit, p, d), f & ~hit
        rows = rows[hit.any(axis=1)]
        if not len(rows):
            break
    return best, fall


def region_steps(H: Array, g: Array, radius: Array) -> Array:
    """argmin of g'p + p'Hp/2 over |p| <= Delta, for every row: Newton's step where that is it, else by eigenvectors."""
    p, definite = newton_steps(H, g)
    outside = np.flatnonzero(~(definite & (np.linalg.norm(p, axis=1) <= radius)))
    if len(outside):
        p[outside] = boundary_steps(H[outside], g[outside], radius[outside])
    return p


def newton_steps(H: Array, g: Array) -> tuple[Array, NDArray[np.bool_]]:
    """-H^-1 g by elimination, and whether every pivot is positive beyond rounding, so that H is positive definite.

    The elimination runs over the n pivots and treats all m matrices at once: several times faster than eigenvectors.
    """
    m, n = g.shape
    A = np.concatenate([H, -g[:, :, None]], axis=2).transpose(1, 2, 0).copy()
    least = n * EPS * np.abs(H).max(axis=(1, 2), initial=0.0)
    definite = np.ones(m, dtype=bool)
    for k in range(n):
        definite &= A[k, k] > least
        A[k, k:] /= np.where(A[k, k] == 0, 1.0, A[k, k]).copy()
        A[k + 1 :, k + 1 :] -= A[k + 1 :, k, None] * A[k, k + 1 :]
    p = A[:, n].copy()
    for k in range(n - 1, 0, -1):
        p[:k] -= A[:k, k] * p[k]
    return np.ascontiguousarray(p.T), definite


def boundary_steps(H: Array, g: Array, radius: Array, iterations: int = 30) -> Array:
    """The same minimiser by eigenvectors, for H of any signature. [More & Sorensen 1983; Conn et al. 2000, 7.3]

    p = -(H + mu)^-1 g with the mu >= max(0, -lambda_1) for which |p| = Delta; Newton's method for 1/|p| from the left
    of the root converges monotonically. In the hard case the first eigenvector fills p up to the boundary.
    """
    modes = Modes.of(H, g)
    values, c = modes.values, modes.slopes
    first = values[:, 0]
    mu = np.maximum(0.0, (np.abs(c) / radius[:, None] - values).max(axis=1))  # no coordinate of p exceeds Delta
    least = EPS * modes.largest + TINY
    for _ in range(iterations):
        shifted = np.maximum(values + mu[:, None], least)
        y = np.where(c == 0, 0.0, c / shifted)
        length = np.linalg.norm(y, axis=1)
        off = length - radius
        if not (off > 1e-8 * radius).any():
            break
        change = off / radius * length**2 / (np.einsum("mj,mj->m", y, y / shifted) + TINY)
        mu = mu + np.where((off > 0) & np.isfinite(change), change, 0.0)
    y *= np.minimum(1.0, radius / (length + TINY))[:, None]
    length = np.minimum(length, radius)
    missing = np.sqrt(np.maximum(radius**2 - length**2, 0.0))
    hard = (first < 0) & (length < (1 - 1e-6) * radius)
    y[:, 0] += np.where(hard, np.where(y[:, 0] < 0, -missing, missing), 0.0)
    return -modes.step(y)


def _fall(H: Array, g: Array, p: Array) -> Array:
    return -np.einsum("mi,mi->m", p, g + 0.5 * np.einsum("mij,mj->mi", H, p))


def _fields(batch: Batch) -> tuple[Array, ...]:
    return batch.points, batch.values, batch.gradients, batch.radii, batch.status


def _put(old: Array, new: Array, rows: NDArray[np.intp]) -> Array:
    """A copy of `old` with new rows."""
    changed = old.copy()
    changed[rows] = new
    return changed
