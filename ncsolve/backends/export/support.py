"""What a NumPy file holds besides the generated functions: written there as it stands here, as far as it is used."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ncsolve.backends.runtime import s_digamma, s_polygamma


class Sparse:
    """A matrix by its rows; scipy.sparse.csr_array((H.data, H.indices, H.indptr), H.shape) is the same."""

    def __init__(self, data: Any, indices: Any, indptr: Any, shape: tuple[int, int]) -> None:
        self.data, self.indices, self.indptr, self.shape = data, indices, indptr, shape
        self.rows = np.repeat(np.arange(shape[0]), np.diff(indptr))

    def toarray(self) -> Any:
        dense = np.zeros(self.shape)
        np.add.at(dense, (self.rows, self.indices), self.data)
        return dense

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.toarray()

    def __matmul__(self, b: Any) -> Any:
        if b.ndim == 2:
            return np.stack([self @ column for column in b.T], axis=1)
        return np.bincount(self.rows, self.data * b[self.indices], self.shape[0])


class Pattern:
    """Where the entries of a sparse Hessian are."""

    def __init__(self, indices: Any, indptr: Any, shape: tuple[int, int]) -> None:
        self.indices, self.indptr, self.shape = indices, indptr, shape

    def assemble(self, entries: Any) -> Sparse:
        return Sparse(entries, self.indices, self.indptr, self.shape)


class SampledProduct:
    """(w, V) -> the sum over k of w[k] V[column[k]] into row[k]."""

    def __init__(self, order: Any, indices: Any, indptr: Any, shape: tuple[int, int]) -> None:
        self.order, self.indices, self.indptr, self.shape = order, indices, indptr, shape

    def __call__(self, weights: Any, values: Any) -> Any:
        return Sparse(weights[self.order], self.indices, self.indptr, self.shape) @ values


# -- instead of SciPy's special functions ----------------------------------------------------------------------------


def erf(z: Any) -> Any:
    return np.vectorize(math.erf, otypes=[float])(z)


def erfc(z: Any) -> Any:
    return np.vectorize(math.erfc, otypes=[float])(z)


def gamma(z: Any) -> Any:
    return np.vectorize(math.gamma, otypes=[float])(z)


def loggamma(z: Any) -> Any:
    return np.vectorize(math.lgamma, otypes=[float])(z)


def digamma(z: Any) -> Any:
    return np.vectorize(s_digamma, otypes=[float])(z)


def polygamma(order: Any, z: Any) -> Any:
    return np.vectorize(s_polygamma, otypes=[float])(order, z)
