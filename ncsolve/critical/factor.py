"""The spectrum of a large Hessian near zero: inertia by a symmetric factorisation, eigenvalues by Lanczos on its inverse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.products import lanczos
from ncsolve.critical.spectrum import EPS, SAFETY, Spectrum, dense_spectrum

__all__ = ["nearest_to_zero"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


class Factors(NamedTuple):
    """L D L^T = H - shift I: its solve and the number of negative pivots, which is the number of eigenvalues below the shift."""

    solve: Callable[[Vector], Vector]
    negative: int


def nearest_to_zero(hessian: Any, count: int = 4) -> Spectrum:
    """Inertia of H (m, m), dense or sparse, and the `count` eigenvalues nearest to zero with the outermost ones.

    Sylvester: H - shift I = L D L^T has as many negative pivots as H has eigenvalues below the shift. A shift of the size of
    rounding is used where H itself cannot be factorised.
    """
    from scipy.sparse.linalg import LinearOperator, eigsh

    size = hessian.shape[0]
    rounding = SAFETY * size * EPS * float(abs(hessian).sum(axis=0).max())
    for shift in (0.0, rounding / 2, -rounding / 2):
        factors = _factorise(hessian, shift)
        if factors is None:
            continue
        inverse = LinearOperator((size, size), matvec=factors.solve, dtype=float)
        start = np.random.default_rng(0).standard_normal(size)
        values, vectors = eigsh(hessian, k=count, sigma=shift, OPinv=inverse, v0=start, tol=1e-8)
        below = np.count_nonzero(values < shift) - np.count_nonzero(values < 0)
        ends = lanczos(lambda v: hessian @ v, size, steps=30)
        lowest = vectors[:, 0] if values[0] <= ends.values[0] else ends.lowest
        eigenvalues = np.sort(np.concatenate([values, ends.values[[0, -1]]]))
        negative = factors.negative - int(below)
        return Spectrum(values, vectors, size, negative, rounding, eigenvalues, factors.solve, lowest)
    return dense_spectrum(hessian if isinstance(hessian, np.ndarray) else hessian.toarray())


def _factorise(hessian: Any, shift: float) -> Factors | None:
    return _bunch_kaufman(hessian, shift) if isinstance(hessian, np.ndarray) else _sparse(hessian, shift)


def _bunch_kaufman(hessian: Matrix, shift: float) -> Factors | None:
    from scipy.linalg.lapack import dsytrf, dsytrf_lwork, dsytrs

    size = hessian.shape[0]
    work = int(dsytrf_lwork(size, lower=1)[0])
    factor, pivots, info = dsytrf(hessian - shift * np.eye(size), lower=1, lwork=work, overwrite_a=1)
    if info != 0:
        return None
    single = pivots > 0  # each 2 x 2 pivot, marked by two negative entries, has one eigenvalue of either sign
    negative = int(np.count_nonzero(np.diag(factor)[single] < 0) + np.count_nonzero(~single) // 2)
    return Factors(lambda b: dsytrs(factor, pivots, b, lower=1)[0].ravel(), negative)


def _sparse(hessian: Any, shift: float) -> Factors | None:
    """SuperLU with pivots kept on the diagonal; refused where that made the factors grow."""
    from scipy.sparse import eye_array
    from scipy.sparse.linalg import splu

    shifted = (hessian - shift * eye_array(hessian.shape[0])).tocsc()
    try:
        lu = splu(shifted, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    except RuntimeError:  # exactly singular
        return None
    if not np.array_equal(lu.perm_r, lu.perm_c):
        return None
    growth = float(abs(lu.U).max()) / float(abs(shifted).max())
    if not growth < 1e6:
        return None
    return Factors(lu.solve, int(np.count_nonzero(lu.U.diagonal() < 0)))
