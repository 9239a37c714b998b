"""Canonical polyadic decomposition of a tensor. [Harshman 1970; Kolda & Bader 2009]"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations
from typing import Any

import numpy as np
import sympy as sp

import ncsolve as nc

NAMES = "ABC"


def factors(shape: tuple[int, int, int] = (6, 7, 8), rank: int = 3, seed: int = 0) -> list[np.ndarray]:
    """The seeded factors, standard normal, from which the tensor is made."""
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(size, rank)) for size in shape]


def problem(a: int = 6, b: int = 7, c: int = 8, rank: int = 3, noise: float = 0.0, seed: int = 0) -> nc.Problem:
    """1/2 sum_ijk (T[i,j,k] - sum_r A[i,r] B[j,r] C[k,r])^2 for a tensor of known rank.

    The factors are unique up to the order of the columns and their scales [Kruskal 1977]: two scales a column, which a
    minimum shows as 2 rank zero eigenvalues. f is quadratic in each factor.
    """
    truth = factors((a, b, c), rank, seed)
    tensor = np.einsum("ir,jr,kr->ijk", *truth)
    tensor += noise * np.random.default_rng(seed + 1).normal(size=tensor.shape)
    T = sp.IndexedBase("T", shape=(a, b, c))
    A, B, C = (sp.IndexedBase(name, shape=(size, rank)) for name, size in zip(NAMES, (a, b, c), strict=True))
    i, j, k, r = sp.symbols("i j k r", integer=True)
    model = sp.Sum(A[i, r] * B[j, r] * C[k, r], (r, 0, rank - 1))
    return nc.Problem(
        sp.Sum((T[i, j, k] - model) ** 2, (i, 0, a - 1), (j, 0, b - 1), (k, 0, c - 1)) / 2,
        data={T: tensor},
        start={A: nc.Normal(0, 1), B: nc.Normal(0, 1), C: nc.Normal(0, 1)},
        constants={} if noise else {"minimum": 0.0},
    )


def match_score(values: Mapping[str, Any], truth: list[np.ndarray]) -> float:
    """Factor match score, in [0, 1]: the mean over columns of the product of cosines, for the best order of columns."""
    cosines = np.ones((truth[0].shape[1],) * 2)
    for name, known in zip(NAMES, truth, strict=True):
        found = np.asarray(values[name])
        cosines = cosines * np.abs((found / np.linalg.norm(found, axis=0)).T @ (known / np.linalg.norm(known, axis=0)))
    rank = len(cosines)
    return max(float(np.mean([cosines[p[r], r] for r in range(rank)])) for p in permutations(range(rank)))
