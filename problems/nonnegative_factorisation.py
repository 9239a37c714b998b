"""Non-negative matrix factorisation. [Paatero & Tapper 1994; Lee & Seung 1999; Cichocki & Phan 2009]"""

import numpy as np
import sympy as sp

import ncsolve as nc


def problem(m: int = 20, n: int = 15, rank: int = 3, noise: float = 0.01, seed: int = 0) -> nc.Problem:
    """1/2 |M - U V'|^2 over U, V >= 0, for a matrix with non-negative factors of that rank and some noise."""
    if not 1 <= rank <= min(m, n):
        raise ValueError(f"rank must be from 1 to {min(m, n)}, not {rank}")
    rng = np.random.default_rng(seed)
    matrix = rng.exponential(size=(m, rank)) @ rng.exponential(size=(rank, n))
    matrix = np.maximum(matrix + noise * rng.normal(size=(m, n)), 0)
    M = sp.IndexedBase("M", shape=(m, n))
    U, V = sp.IndexedBase("U", shape=(m, rank)), sp.IndexedBase("V", shape=(n, rank))
    i, j, r = sp.symbols("i j r", integer=True)
    model = sp.Sum(U[i, r] * V[j, r], (r, 0, rank - 1))
    return nc.Problem(
        sp.Sum((M[i, j] - model) ** 2, (i, 0, m - 1), (j, 0, n - 1)) / 2,
        data={M: matrix},
        bounds={U: (0, None), V: (0, None)},
        start={U: nc.Uniform(0, 1), V: nc.Uniform(0, 1)},
    )
