"""Points at which branches meet: computed exactly, with the directions in which curves leave them.

At a simple one J has a null space of dimension two. With p the null vector of H and of F_lam^T, the directions v of the
curves are the roots of the quadratic form D^3 f[p, v, v] on it. [Keller 1977; Moore 1980]
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ncsolve.continuations.family import Family
from ncsolve.continuations.root import root

__all__ = ["Meeting", "meeting"]

Array = NDArray[np.float64]

APART = 1e-5  # difference quotient of the Hessian
CLOSE = 1e-3  # how far the exact point may be from the one that was located
PITCHFORK = 1e-5  # D^3 f[p, p, p] below, relative to the other coefficients
SINGULAR = 1e-12  # singular values that vanish, as along symmetries, relative to the largest one
REGULAR = 1e-9  # |b| at a branch point


class Meeting(NamedTuple):
    """A branch point with the directions (k, n + 1) in which curves leave it."""

    z: Array
    kind: str
    nullity: int
    directions: Array


def meeting(family: Family, located: Array, tangent: Array, nullity: int) -> Meeting:
    """The branch point near a located one, at which `nullity` eigenvalues vanish."""
    if nullity > 1:
        return _multiple(family, located, nullity)
    exact = _moore(family, located)
    if exact is None:
        return Meeting(located, "branch point", 1, _null(family, located, 1))
    z, p = exact
    across = np.append(p, 0.0)
    _, _, right = np.linalg.svd(family.jacobian(z))
    N = right[-2:]
    Q = N @ _third(family, z, across) @ N.T
    size = float(np.abs(Q).max())
    cubic = float(across @ _third(family, z, across) @ across)
    directions = _roots(Q) @ N
    if len(directions) < 2:
        return Meeting(z, "branch point", 1, np.vstack([across, -across]))
    along = np.abs(directions @ tangent)
    other = directions[int(np.argmin(along))]
    kind = "pitchfork" if abs(cubic) <= PITCHFORK * size else "transcritical"
    return Meeting(z, kind, 1, np.vstack([other, -other]))


def _moore(family: Family, located: Array) -> tuple[Array, Array] | None:
    """z and p with F + b p = 0, H p = 0, F_lam . p = 0, |p| = 1 by Newton's method; None where it leads elsewhere."""
    n = family.n

    def system(unknowns: Array) -> tuple[Array, Array]:
        z, p, b = unknowns[: n + 1], unknowns[n + 1 : -1], unknowns[-1]
        H, across = family.second(z), np.append(p, 0.0)
        J = np.zeros((2 * n + 2, 2 * n + 2))
        J[:n, : n + 1], J[:n, n + 1 : -1], J[:n, -1] = H[:-1], b * np.eye(n), p
        J[n:-1, : n + 1], J[n:-1, n + 1 : -1] = _third(family, z, across), H[:, :-1]
        J[-1, n + 1 : -1] = 2 * p
        return np.concatenate([family.gradient(z) + b * p, H @ across, [p @ p - 1]]), J

    values, vectors = np.linalg.eigh(family.jacobian(located)[:, :-1])
    guess = np.concatenate([located, vectors[:, np.abs(values).argmin()], [0.0]])
    found = root(system, guess, lambda J, F: np.linalg.lstsq(J, F, rcond=SINGULAR)[0])
    if found is None:
        return None
    z, p, b = found[0][: n + 1], found[0][n + 1 : -1], found[0][-1]
    return (z, p) if abs(b) <= REGULAR and float(np.linalg.norm(z - located)) <= CLOSE else None


def _third(family: Family, z: Array, v: Array) -> Array:
    """D^3 f[v] in (x, lam), (n + 1, n + 1), by a central difference of exact Hessians."""
    return np.asarray((family.second(z + APART * v) - family.second(z - APART * v)) / (2 * APART))


def _roots(Q: Array) -> Array:
    """Unit vectors (2, 2) with v^T Q v = 0 for an indefinite Q (2, 2); none for a definite one."""
    (low, high), vectors = np.linalg.eigh(Q)
    if low >= 0 or high <= 0:
        return np.empty((0, 2))
    a, b = np.sqrt(high), np.sqrt(-low)
    pair = np.array([[a, b], [a, -b]]) @ vectors.T
    return np.asarray(pair / np.linalg.norm(pair, axis=1, keepdims=True))


def _multiple(family: Family, z: Array, nullity: int) -> Meeting:
    """Several eigenvalues vanish at once: curves are looked for along their vectors, and half-way between two."""
    return Meeting(z, "branch point", nullity, _null(family, z, nullity))


def _null(family: Family, z: Array, nullity: int) -> Array:
    values, vectors = np.linalg.eigh(family.jacobian(z)[:, :-1])
    basis = vectors[:, np.argsort(np.abs(values), kind="stable")[:nullity]].T
    basis = _simple(basis)
    pairs = [basis[i] + s * basis[j] for i in range(nullity) for j in range(i) for s in (1, -1)]
    rows = np.vstack([basis, *pairs])
    rows = np.column_stack([rows / np.linalg.norm(rows, axis=1, keepdims=True), np.zeros(len(rows))])
    return np.vstack([rows, -rows])


def _simple(basis: Array) -> Array:
    """Another orthonormal basis of the same space, along the axes where it holds some."""
    from scipy.linalg import qr

    order = qr(basis, mode="r", pivoting=True)[1][: len(basis)]
    Q, _ = np.linalg.qr(basis.T @ basis[:, order])
    return np.asarray(Q.T)
