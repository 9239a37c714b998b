"""Robust sigmoid fit: a linear classifier whose bounded loss shrugs off outliers. [Mason et al. 1999]"""

from pathlib import Path

import sympy as sp
from _two_classes import BREAST_CANCER, read_two_classes

import ncsolve as nc


def problem(data: Path = BREAST_CANCER, ridge: float = 1e-3) -> nc.Problem:
    """Mean loss 1/(1 + exp(margin)) over a CSV file with two classes in its last column, plus ridge/2 |w|^2."""
    features, classes = read_two_classes(data)
    count, width = features.shape
    A = sp.IndexedBase("A", shape=(count, width))
    y = sp.IndexedBase("y", shape=(count,))
    w = sp.IndexedBase("w", shape=(width,))
    b, r = sp.symbols("b r")
    i, j = sp.symbols("i j", integer=True)
    margin = y[i] * (sp.Sum(A[i, j] * w[j], (j, 0, width - 1)) + b)
    return nc.Problem(
        sp.Sum(1 / (1 + sp.exp(margin)), (i, 0, count - 1)) / count + r / 2 * sp.Sum(w[j] ** 2, (j, 0, width - 1)),
        data={A: features, y: classes},
        parameters={r: ridge},
        start={w: nc.Normal(0, 0.1), b: 0.0},
        samples=i,
    )
