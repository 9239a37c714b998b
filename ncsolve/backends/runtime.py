"""The functions that generated NumPy code calls and NumPy does not have: array versions, and scalar ones by `math`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def xlogy(x: Array, y: Array) -> Array:
    return np.where(x == 0, 0.0, x * np.log(np.where(x == 0, 1.0, y)))


def cosine(x: Array, y: Array) -> Array:
    return quotient(x, np.hypot(x, y))


def quotient(x: Array, y: Array) -> Array:
    return np.where(y == 0, 0.0, x / np.where(y == 0, 1.0, y))


def step(z: Array) -> Array:
    return np.heaviside(z, 0.5)


def _special(name: str) -> Any:
    def function(z: Array) -> Array:
        import scipy.special

        return getattr(scipy.special, name)(z)  # type: ignore[no-any-return]

    return function


erf, erfc, gamma, digamma = (_special(name) for name in ("erf", "erfc", "gamma", "digamma"))
loggamma = _special("gammaln")


def polygamma(order: Array, z: Array) -> Array:
    import scipy.special

    return scipy.special.polygamma(np.asarray(order, dtype=int), z)  # type: ignore[no-any-return]


# -- matrices, in the last two axes ----------------------------------------------------------------------------------


def inverse(a: Array) -> Array:
    """nan where the matrix is singular"""
    try:
        return np.asarray(np.linalg.inv(a), dtype=float)
    except np.linalg.LinAlgError:
        return np.full(a.shape, np.nan) if a.ndim == 2 else np.stack([inverse(matrix) for matrix in a])


def det(a: Array) -> Any:
    return _plain(np.linalg.det(a))


def detsign(a: Array) -> Any:
    return _plain(np.linalg.slogdet(a)[0])


def logabsdet(a: Array) -> Any:
    return _plain(np.linalg.slogdet(a)[1])


def logdet(a: Array) -> Any:
    """-inf where the determinant is zero, nan where it is negative"""
    sign, value = np.linalg.slogdet(a)
    return _plain(np.where(sign < 0, np.nan, value))


def _plain(values: Array) -> Any:
    return values if np.ndim(values) else float(values)


# -- sparse matrices -------------------------------------------------------------------------------------------------


def entries(a: Any, rows: Any, columns: Any) -> Any:
    """a[rows, columns], positions that broadcast, as an array"""
    rows, columns = np.broadcast_arrays(rows, columns)
    return np.asarray(a[rows.ravel(), columns.ravel()]).reshape(rows.shape)


def scaled(a: Any, b: Array) -> Any:
    """a * b, where b broadcasts to the shape of a"""
    from scipy.sparse import csr_array

    a = a.tocsr()
    factors = np.broadcast_to(b, a.shape)[_rows(a), a.indices]
    return csr_array((a.data * factors, a.indices, a.indptr), shape=a.shape)


def sparse_dot(a: Any, b: Array) -> Array:
    """sum_j a[i, j] b[j, ...]"""
    product: Array = (a @ b.reshape(len(b), -1)).reshape(a.shape[0], *b.shape[1:])
    return product


def sparse_rows(a: Any, b: Array) -> Array:
    """sum_j a[i, j] b[i, j, ...]"""
    from scipy.sparse import csr_array

    a = a.tocsr()
    weights = csr_array((a.data, np.arange(a.nnz), a.indptr), shape=(a.shape[0], a.nnz))
    return sparse_dot(weights, b[_rows(a), a.indices])


def sparse_sum(a: Any, b: Array) -> Any:
    """sum_ij a[i, j] b[i, j, ...]"""
    a = a.tocsr()
    return np.tensordot(a.data, b[_rows(a), a.indices], 1)


def _rows(a: Any) -> NDArray[np.int64]:
    """The row of each entry of a matrix in CSR form."""
    return np.repeat(np.arange(a.shape[0]), np.diff(a.indptr))


# -- scalars ---------------------------------------------------------------------------------------------------------


def s_logaddexp(a: float, b: float) -> float:
    return max(a, b) + math.log1p(math.exp(-abs(a - b)))


def s_xlogy(x: float, y: float) -> float:
    return 0.0 if x == 0 else x * math.log(y)


def s_cosine(x: float, y: float) -> float:
    return 0.0 if x == 0 == y else x / math.hypot(x, y)


def s_quotient(x: float, y: float) -> float:
    return 0.0 if y == 0 else x / y


def s_step(z: float) -> float:
    return 1.0 if z > 0 else 0.5 if z == 0 else 0.0


def s_sign(z: float) -> float:
    return 1.0 if z > 0 else -1.0 if z < 0 else z


def s_max(a: float, b: float) -> float:
    return a if a > b or a != a else b


def s_min(a: float, b: float) -> float:
    return a if a < b or a != a else b


def s_polygamma(order: float, z: float) -> float:
    """The derivatives of digamma, n! sum of (z + k)^-(n + 1): recurrence up to 20, then Euler-Maclaurin."""
    if z <= 0 and z == math.floor(z):
        return math.inf
    s, total = order + 1.0, 0.0
    while z < 20:
        total += z**-s
        z += 1.0
    w = 1 / (z * z)
    tail = 1 - (s + 3) * (s + 4) / 42 * w * (1 - (s + 5) * (s + 6) / 40 * w)
    series = s / 12 * w * (1 - (s + 1) * (s + 2) / 60 * w * tail)
    total += z**-s * (z / order + 0.5 + z * series)
    return float(total * math.gamma(s)) * (-1.0 if order % 2 == 0 else 1.0)


def s_digamma(z: float) -> float:
    """The derivative of log gamma: recurrence up to 10, then the asymptotic series; reflection below 0."""
    if z <= 0 and z == math.floor(z):
        return math.nan
    result = 0.0
    if z < 0:
        result = -math.pi / math.tan(math.pi * z)
        z = 1 - z
    while z < 10:
        result -= 1 / z
        z += 1
    w = 1 / (z * z)
    series = w * (1 / 12 - w * (1 / 120 - w * (1 / 252 - w * (1 / 240 - w * (1 / 132)))))
    return result + math.log(z) - 0.5 / z - series
