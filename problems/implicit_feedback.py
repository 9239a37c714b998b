"""Implicit feedback: who took what, weighted by how often. [Hu, Koren & Volinsky 2008]"""

import numpy as np
import sympy as sp

import ncsolve as nc


def problem(
    users: int = 60, items: int = 50, rank: int = 4, ridge: float = 0.5, confidence: float = 40.0, seed: int = 0
) -> nc.Problem:
    """sum over ALL pairs of w (p - U[user] . V[item])^2 + ridge (|U|^2 + |V|^2), p = 1 where the user took the item.

    p = 0 elsewhere, w = 1 + confidence * (times taken). The sum over all pairs is written as trace(U'U V'V), which
    costs users + items instead of users * items, and the pairs that were taken correct it.
    """
    rng = np.random.default_rng(seed)
    taste = rng.normal(size=(users, rank)) @ rng.normal(size=(rank, items))
    times = rng.poisson(np.exp(0.7 * taste - 2))
    row, column = np.nonzero(times)
    count = len(row)
    u, i, w = (sp.IndexedBase(name, shape=(count,)) for name in ("user", "item", "w"))
    U, V = sp.IndexedBase("U", shape=(users, rank)), sp.IndexedBase("V", shape=(items, rank))
    k, a, b, p = sp.symbols("k a b p", integer=True)
    weight = sp.Symbol("ridge")
    score = sp.Sum(U[u[k], a] * V[i[k], a], (a, 0, rank - 1))
    gram_u = sp.Sum(U[p, a] * U[p, b], (p, 0, users - 1))
    gram_v = sp.Sum(V[p, a] * V[p, b], (p, 0, items - 1))
    sizes = [sp.Sum(X[p, a] ** 2, (p, 0, s - 1), (a, 0, rank - 1)) for X, s in ((U, users), (V, items))]
    return nc.Problem(
        sp.Sum(w[k] * (1 - score) ** 2 - score**2, (k, 0, count - 1))
        + sp.Sum(gram_u * gram_v, (a, 0, rank - 1), (b, 0, rank - 1))
        + weight * sp.Add(*sizes),
        data={u: row, i: column, w: 1 + confidence * times[row, column]},
        parameters={weight: ridge},
        start={U: nc.Normal(0, 0.1), V: nc.Normal(0, 0.1)},
    )
