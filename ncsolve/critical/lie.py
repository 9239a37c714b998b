"""The name of a group of symmetries, by its Lie algebra.

The algebra of the pairs (A, b) is known by its dimension, by whether it commutes, and by the signature of its Killing
form K(X, Y) = trace(ad X ad Y), which is negative definite for rotations and has (r (r + 1) / 2 - 1, r (r - 1) / 2)
positive and negative eigenvalues for GL(r). It names the connected group; reflections are another matter.
Reference: Hall, "Lie Groups, Lie Algebras, and Representations" (2015).
"""

from __future__ import annotations

from math import isqrt

import numpy as np
import scipy  # its parts are loaded when they are used
from numpy.typing import NDArray

from ncsolve.critical.symmetry import Generators

__all__ = ["group_name", "is_isometric", "skew_size", "symmetric"]

Matrix = NDArray[np.float64]
ZERO = 1e-8  # of unit generators
MOST = 64  # generators whose algebra is computed
DENSE = 100  # variables up to which their matrices are arrays


def group_name(found: Generators) -> str:
    """For example "GL(2)", "SO(3)", "E(3)", "translation" or "SO(2) x GL(1)"; "" where the group is not known."""
    if not 0 < len(found) <= MOST:
        return ""
    parts = _factors(found)
    names = [_simple_name(part) for part in parts]
    if all(names):
        return " x ".join(sorted(names))
    return _simple_name(found)


def symmetric(found: Generators) -> Generators:
    """Those with A = A^T: the flow x' = -grad f(x) conserves x^T A x / 2 + b^T x, as grad f . (A x + b) = 0."""
    if not len(found):
        return found
    values, vectors = np.linalg.eigh(_part(found, -1.0))
    return found.combined(vectors[:, values <= ZERO].T)


def is_isometric(found: Generators) -> bool:
    """Whether they keep distances: every A is skew-symmetric, every b is allowed."""
    return not len(found) or bool(np.trace(_part(found, 1.0)) <= ZERO)


def skew_size(found: Generators) -> float:
    """How far the generators are from being all skew-symmetric with b = 0."""
    inside = found.columns < found.n
    shift = found.values[:, ~inside]
    return float(np.trace(_part(found, 1.0)) + (shift**2).sum())


def _part(found: Generators, sign: float) -> Matrix:
    """Products (d, d) of the matrices A + sign A^T."""
    n, d, inside = found.n, len(found), found.columns < found.n
    rows, columns, values = found.rows[inside], found.columns[inside], found.values[:, inside]
    place = np.tile(np.concatenate([rows * n + columns, columns * n + rows]), d)
    entries = np.concatenate([values, sign * values], axis=1).ravel()
    flat = scipy.sparse.csr_array((entries, (np.repeat(np.arange(d), 2 * inside.sum()), place)), shape=(d, n * n))
    return np.asarray((flat @ flat.T).toarray())


def _simple_name(found: Generators) -> str:
    d, inside = len(found), found.columns < found.n
    still = np.linalg.svd(found.values[:, inside], compute_uv=False) if inside.any() else np.zeros(d)
    shifts = d - int(np.count_nonzero(still > ZERO))
    if shifts == d:
        return "translation" if d == 1 else f"R^{d} translation"
    brackets = _brackets(found)
    if np.abs(brackets).max() <= ZERO:
        return _abelian_name(found)
    killing = np.linalg.eigvalsh(np.einsum("ikl,jlk->ij", brackets, brackets))
    small = ZERO * float(np.abs(killing).max())
    below, above = int(np.count_nonzero(killing < -small)), int(np.count_nonzero(killing > small))
    if shifts:
        rigid = d == shifts * (shifts + 1) // 2 and below == d - shifts and not above
        return f"E({shifts})" if rigid else ""
    r = isqrt(d) if isqrt(d) ** 2 == d else isqrt(d + 1)
    if (below, above) == (r * (r - 1) // 2, r * (r + 1) // 2 - 1) and d in (r**2, r**2 - 1):
        return f"GL({r})" if d == r**2 else f"SL({r})"
    r = (1 + isqrt(1 + 8 * d)) // 2
    return f"SO({r})" if below == d == r * (r - 1) // 2 else ""


def _abelian_name(found: Generators) -> str:
    power = f"^{len(found)}" if len(found) > 1 else ""
    if len(symmetric(found)) == len(found) and (found.columns < found.n).all():
        return f"GL(1){power}"
    return f"SO(2){power}" if skew_size(found) <= ZERO else ""


def _brackets(found: Generators) -> Matrix:
    """c with [E_i, E_j] = sum_k c[i, j, k] E_k, for E = (A b; 0 0)."""
    n, d = found.n, len(found)
    place, c = (found.rows, found.columns), np.zeros((d, d, d))
    if n < DENSE:
        E = np.zeros((d, n + 1, n + 1))
        E[:, found.rows, found.columns] = found.values
        for i in range(d):
            c[i] = (E[i] @ E - E @ E[i])[:, found.rows, found.columns] @ found.values.T
        return c
    whole = [scipy.sparse.csr_array((values, place), shape=(n + 1, n + 1)) for values in found.values]
    for i in range(d):
        for j in range(i):
            bracket = whole[i] @ whole[j] - whole[j] @ whole[i]
            c[i, j] = found.values @ np.asarray(bracket[place]).ravel()
            c[j, i] = -c[i, j]
    return c


def _factors(found: Generators) -> list[Generators]:
    """Generators of a direct product, apart: its factors act on variables of their own."""
    n, inside = found.n, found.columns < found.n
    pattern = scipy.sparse.csr_array((np.ones(inside.sum()), (found.rows[inside], found.columns[inside])), shape=(n, n))
    count, label = scipy.sparse.csgraph.connected_components(pattern, directed=False)
    blocks = [found.values[:, label[found.rows] == c] for c in range(count)]
    grams = np.array([block @ block.T for block in blocks if block.shape[1]])
    members = [c for c in range(count) if blocks[c].shape[1]]
    if len(members) > 1:  # those that a generator moves together
        ranks = _ranks(grams)
        pairs = np.array([_ranks(grams + gram) for gram in grams])
        linked = pairs < ranks + ranks[:, None]
        _, classes = scipy.sparse.csgraph.connected_components(scipy.sparse.csr_array(linked), directed=False)
    else:
        classes = np.zeros(len(members), dtype=int)
    sums = [grams[classes == c].sum(axis=0) for c in range(max(classes) + 1)]
    sizes = _ranks(np.array(sums))
    if len(sums) == 1 or sizes.sum() != len(found):
        return [found]
    return [found.combined(np.linalg.eigh(gram)[1][:, -size:].T) for gram, size in zip(sums, sizes, strict=True)]


def _ranks(grams: Matrix) -> NDArray[np.int64]:
    return np.asarray(np.count_nonzero(np.linalg.eigvalsh(grams) > ZERO, axis=-1))
