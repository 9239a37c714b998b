"""The functions that generated NumPy code calls and NumPy does not have: array versions, and scalar ones by `math`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def sigmoid(z: Array) -> Array:
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, e) / (1.0 + e)


def softplus(z: Array) -> Array:
    return np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))


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


# -- matrices, in the last two axes ----------------------------------------------------------------------------------


def inverse(a: Array) -> Array:
    """nan where the matrix is singular"""
    try:
        return np.linalg.inv(a)
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


# -- scalars ---------------------------------------------------------------------------------------------------------


def s_sigmoid(z: float) -> float:
    if z >= 0:
        return 1.0 / (1.0 + math.exp(-z))
    e = math.exp(z)
    return e / (1.0 + e)


def s_softplus(z: float) -> float:
    return max(z, 0.0) + math.log1p(math.exp(-abs(z)))


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


def s_digamma(z: float) -> float:
    return float(digamma(np.float64(z)))
