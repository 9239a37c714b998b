"""Matrix completion by two factors: a low-rank matrix from some of its entries. [Koren, Bell & Volinsky 2009]"""

import numpy as np
import sympy as sp

import ncsolve as nc


def problem(side: int = 60, k: int = 3, share: float = 0.4, ridge: float = 0.0, seed: int = 0) -> nc.Problem:
    """Mean of (U[row] . V[column] - value)^2 over the observed entries, plus ridge/2 (|U|^2 + |V|^2).

    The matrix is side x side of rank k, U V' with standard normal factors over sqrt(k); a `share` of its entries is
    observed, drawn at random. Every term has 2 k variables, so that stochastic solvers are at home here. The minimum is
    0 without a ridge, and (U R, V R^-T) is as good as (U, V) for any invertible R.
    """
    if not (0 < share <= 1 and 1 <= k <= side):
        raise ValueError(f"share must be in (0, 1] and k from 1 to side, not {share} and {k}")
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(side, k)) @ rng.normal(size=(k, side)) / np.sqrt(k)
    rows, columns = np.nonzero(rng.random((side, side)) < share)
    count = len(rows)
    r, c, z = (sp.IndexedBase(name, shape=(count,)) for name in ("row", "column", "value"))
    U, V = sp.IndexedBase("U", shape=(side, k)), sp.IndexedBase("V", shape=(side, k))
    e, a, i = sp.symbols("e a i", integer=True)
    weight = sp.Symbol("ridge")
    error = sp.Sum(U[r[e], a] * V[c[e], a], (a, 0, k - 1)) - z[e]
    size = sp.Sum(U[i, a] ** 2 + V[i, a] ** 2, (i, 0, side - 1), (a, 0, k - 1))
    return nc.Problem(
        sp.Sum(error**2, (e, 0, count - 1)) / count + weight / 2 * size,
        variables=[U, V],
        data={r: rows, c: columns, z: truth[rows, columns]},
        parameters={weight: ridge},
        start={U: nc.Normal(0, 0.5), V: nc.Normal(0, 0.5)},
        samples=e,
        constants={} if ridge else {"minimum": 0.0},
    )
