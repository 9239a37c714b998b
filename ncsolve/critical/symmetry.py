"""Continuous symmetries x -> exp(tA) x + tb of f, and the directions in which they move a point.

Where grad f(x) . (A x + b) = 0 for all x, f is constant along x' = A x + b. Then H(x) (A x + b) = -A^T grad f(x), so
that at a critical point these directions are in the null space of the Hessian. Where they fill it, the point is as good
as nondegenerate (Morse-Bott): f behaves across the orbit as it does on the complement of the null space.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy  # its parts are loaded when they are used
from numpy.typing import NDArray

from ncsolve.critical.face import NEAR
from ncsolve.critical.spectrum import EPS, SAFETY

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

__all__ = ["Generators", "generators", "orbit"]

Matrix = NDArray[np.float64]
Axis = tuple[NDArray[np.intp], int]
TINY = float(np.finfo(float).tiny)

WHOLE = 24  # variables up to which A is any matrix
LONGEST = 32  # axis of a variable on which generators are looked for
PARAMETERS = 1200  # numbers in A and b
SPARE = 16  # more points than numbers
SPREAD = 0.3  # of the random points around x, relative to its size
CHECKED = 3  # points at which they are seen a second time
CONFIRMED = 1e-9
DISTINCT = 1e-8  # of unit generators: closer to 0 they are 0


@dataclass(frozen=True, eq=False)
class Generators:
    """d pairs (A, b) of a matrix (n, n) and a vector (n,), orthonormal as vectors of numbers.

    Their numbers `values` (d, e) stand at `rows` (e,) and `columns` (e,) of (A b): column n is b.
    """

    n: int
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    values: Matrix

    def __len__(self) -> int:
        return len(self.values)

    def matrix(self, k: int) -> Any:
        """(A b) of generator k, sparse (n, n + 1)."""
        return scipy.sparse.csr_array((self.values[k], (self.rows, self.columns)), shape=(self.n, self.n + 1))

    def directions(self, x: NDArray[np.float64]) -> Matrix:
        """A x + b of each generator: (n, d)."""
        moved = self.values * np.append(x, 1.0)[self.columns]
        count = len(self.rows)
        along = scipy.sparse.csr_array((np.ones(count), (self.rows, np.arange(count))), (self.n, count))
        return np.asarray(along @ moved.T)

    def tangents(self, x: NDArray[np.float64]) -> Matrix:
        """An orthonormal basis (n, r) of all A x + b: the directions in which the symmetries move x."""
        directions, lengths, _ = np.linalg.svd(self.directions(x), full_matrices=False)
        return np.asarray(directions[:, lengths > NEAR * (1 + float(np.abs(x).max(initial=0.0)))])

    def combined(self, weights: Matrix) -> Generators:
        """Other generators (k,) of the same space, by orthonormal weights (k, d)."""
        return Generators(self.n, self.rows, self.columns, weights @ self.values)


def orbit(oracle: Oracle, x: NDArray[np.float64]) -> Matrix:
    """Tangents A x + b (n, r) at x of the symmetries of f, orthonormal."""
    return generators(oracle, x).tangents(x)


def generators(oracle: Oracle, x: NDArray[np.float64]) -> Generators:
    """A basis of the linear symmetries of f: grad f(y) . (A y + b) = 0 at random points y around x, to rounding.

    Up to 24 variables A is any matrix. Beyond, A and b act on one axis of a variable and alike on its other axes, on a
    variable as a whole, or on all scalar variables together, or are sums of such. None are found where that leaves
    more than 1200 unknown numbers.
    """
    axes = [(np.arange(x.size)[:, None], x.size)] if 0 < x.size <= WHOLE else list(_axes(oracle))
    size = sum(length * (length + 1) for _, length in axes)
    nothing = np.zeros(0, dtype=np.intp)
    none = Generators(x.size, nothing, nothing, np.empty((0, 0)))
    if not 0 < size <= PARAMETERS:
        return none
    rng = np.random.default_rng(6)
    scale = SPREAD * max(1.0, float(np.sqrt(np.mean(x**2))))
    points = oracle.project(x + scale * rng.standard_normal((size + SPARE, x.size)))
    slopes = oracle.gradient(points)
    finite = np.isfinite(slopes).all(axis=1)
    points, slopes = points[finite], slopes[finite]
    if len(points) < size + SPARE // 2:
        return none
    slopes /= np.abs(slopes).max(axis=1, keepdims=True) + TINY
    products = _products(axes, slopes, points)
    sizes = np.linalg.norm(_products(axes, np.abs(slopes), np.abs(points)), axis=0)
    sizes[sizes == 0] = 1.0  # what is small is not taken for zero, only what cancels
    found = _null_space(products / sizes) / sizes
    candidates = _independent(found / np.linalg.norm(found, axis=1, keepdims=True), _entries(axes, x.size), x.size)
    return _without_drift(_confirmed(oracle, candidates, points[:CHECKED]))


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


def _products(axes: list[Axis], slopes: Matrix, points: Matrix) -> Matrix:
    """grad f . (A x + b) at each point, for each entry of A and b alone: (points, entries)."""
    columns = []
    for place, _ in axes:
        g, x = slopes[:, place], points[:, place]
        columns += [np.einsum("mpr,mqr->mpq", g, x).reshape(len(x), -1), g.sum(axis=2)]
    return np.concatenate(columns, axis=1)


def _null_space(products: Matrix) -> Matrix:
    """Rows that the products vanish on, by a QR factorisation with pivoting."""
    from scipy.linalg import qr, solve_triangular

    R, order = qr(products, mode="r", pivoting=True, check_finite=False)
    size = products.shape[1]
    diagonal = np.abs(np.diag(R))
    rank = int(np.count_nonzero(diagonal > SAFETY * size * EPS * diagonal[0]))
    null = np.zeros((size - rank, size))
    null[:, order[:rank]] = -solve_triangular(R[:rank, :rank], R[:rank, rank:]).T
    null[:, order[rank:]] = np.eye(size - rank)
    null /= np.linalg.norm(null, axis=1, keepdims=True)
    return null


def _confirmed(oracle: Oracle, candidates: Generators, points: Matrix) -> Generators:
    """Those with H(x) (A x + b) + A^T grad f(x) = 0 in every variable, by its own scale.

    A gradient of which a few entries drown all others, as of atoms that are close, tells nothing about those.
    """
    if not len(candidates):
        return candidates
    rng, rests = np.random.default_rng(7), []
    for x in points:
        v = candidates.directions(x).T
        g = oracle.gradient(x)
        pulled = np.array([(candidates.matrix(k)[:, : x.size]).T @ g for k in range(len(candidates))])
        bent = np.abs(oracle.hvp(x, rng.standard_normal((2, x.size)))).max(axis=0)
        scale = bent * (1 + np.abs(x).max()) + np.abs(pulled).max(axis=0)
        rests.append((oracle.hvp(x, v) + pulled) / np.where(scale > 0, scale, 1.0))
    _, values, right = np.linalg.svd(np.nan_to_num(np.concatenate(rests, axis=1)).T)  # `right` is square
    return candidates.combined(right[int(np.count_nonzero(values > CONFIRMED)) :])


def _without_drift(found: Generators) -> Generators:
    """All but translations by amounts that depend on x, which move no point elsewhere than translations do.

    Where f(x + t) = f(x), grad f . t = 0, so that every A = t a^T is a generator as well.
    """
    inside = found.columns < found.n
    linear = found.values[:, inside]
    values, vectors = np.linalg.eigh(linear @ linear.T)
    still = vectors[:, values <= DISTINCT].T
    if not len(still):
        return found
    T = np.zeros((found.n, len(still)))
    T[found.rows[~inside]] = (still @ found.values[:, ~inside]).T
    along = np.array([(found.matrix(k)[:, : found.n].T @ T).ravel() for k in range(len(found))])
    across = linear @ linear.T - along @ along.T
    values, vectors = np.linalg.eigh(across)
    return found.combined(np.concatenate([still, vectors[:, values > DISTINCT].T]))


def _entries(axes: list[Axis], n: int) -> Any:
    """Where each of the unknown numbers stands in (A b), flattened: sparse (numbers, n (n + 1)) of ones."""
    numbers, places, start = [], [], 0
    for place, length in axes:
        flat = place[:, None] * (n + 1) + place  # (p, q, r): row p, column q of A, for each r along
        flat = np.concatenate([flat.reshape(length**2, -1), place * (n + 1) + n])
        numbers.append(np.repeat(start + np.arange(len(flat)), flat.shape[1]))
        places.append(flat.ravel())
        start += len(flat)
    row, column = np.concatenate(numbers), np.concatenate(places)
    return scipy.sparse.coo_array((np.ones(len(row)), (row, column)), shape=(start, n * (n + 1))).tocsc()


def _independent(found: Matrix, entries: Any, n: int) -> Generators:
    """As matrices: the same one can be written on several axes, and 0 as a difference of such."""
    used = np.flatnonzero(np.diff(entries.indptr))
    _, lengths, right = np.linalg.svd(np.asarray(found @ entries[:, used]), full_matrices=False)
    values = right[lengths > DISTINCT]
    used, values = used[(np.abs(values) > DISTINCT).any(axis=0)], values[:, (np.abs(values) > DISTINCT).any(axis=0)]
    rows, columns = np.divmod(used, n + 1)
    return Generators(n, rows, columns, values)
