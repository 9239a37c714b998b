"""Logistic regression on the breast cancer table: strongly convex, real data. [Wolberg et al. 1995]"""

import numpy as np
import sympy as sp
from _two_classes import BREAST_CANCER, read_two_classes

import ncsolve as nc


def problem(ridge: float = 1e-3) -> nc.Problem:
    """Mean logistic loss of 569 tumours with 30 standardised features, plus ridge/2 (|w|^2 + b^2)."""
    if ridge <= 0:
        raise ValueError(f"without a positive ridge there may be no minimum, not {ridge}")
    features, classes = read_two_classes(BREAST_CANCER)
    count, width = features.shape
    A = sp.IndexedBase("A", shape=(count, width))
    y = sp.IndexedBase("y", shape=(count,))
    w = sp.IndexedBase("w", shape=(width,))
    b, r = sp.symbols("b r")
    i, j = sp.symbols("i j", integer=True)
    margin = y[i] * (sp.Sum(A[i, j] * w[j], (j, 0, width - 1)) + b)
    loss = sp.Sum(sp.log(1 + sp.exp(-margin)), (i, 0, count - 1)) / count
    # The Hessian is ridge I + Z' D Z / N with 0 < D <= 1/4, where Z is the table with a column of ones.
    Z = np.column_stack([features, np.ones(count)])
    return nc.Problem(
        loss + r / 2 * (sp.Sum(w[j] ** 2, (j, 0, width - 1)) + b**2),
        data={A: features, y: classes},
        parameters={r: ridge},
        start={w: 0.0, b: 0.0},
        samples=i,
        constants={
            "smoothness": np.linalg.norm(Z, 2) ** 2 / (4 * count) + ridge,
            "strong_convexity": ridge,
            "pl": ridge,
        },
    )
