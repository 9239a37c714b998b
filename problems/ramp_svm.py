"""Support vector machine with a ramp loss on the breast cancer table with flipped labels. [Collobert et al. 2006]"""

from pathlib import Path
from typing import Literal

import numpy as np
import sympy as sp
from _two_classes import BREAST_CANCER, read_two_classes

import ncsolve as nc


def problem(
    loss: Literal["ramp", "hinge"] = "ramp",
    flipped: float = 0.2,
    strength: float = 0.02,
    data: Path = BREAST_CANCER,
    seed: int = 0,
) -> nc.Problem:
    """Mean loss of the margins of two thirds of a table, a part of whose labels is `flipped`, plus strength |w|_1.

    Both losses are rounded off to parabolas. With 20% of the labels flipped, the mean accuracy on the other third, with
    right labels, is over seeds 0 to 4: ramp 95.7%, hinge 94.2%. Without flipped labels they are alike.
    """
    if not 0 <= flipped < 0.5:
        raise ValueError(f"flipped is a part of the labels from 0 to below 1/2, not {flipped}")
    features, classes, _, _ = split(data, flipped, seed)
    count, width = features.shape
    A = sp.IndexedBase("A", shape=(count, width))
    y = sp.IndexedBase("y", shape=(count,))
    w = sp.IndexedBase("w", shape=(width,))
    b = sp.Symbol("b")
    i, j = sp.symbols("i j", integer=True)
    margin = y[i] * (sp.Sum(A[i, j] * w[j], (j, 0, width - 1)) + b)
    return nc.Problem(
        sp.Sum(LOSSES[loss](margin), (i, 0, count - 1)) / count,
        data={A: features, y: classes},
        start={w: 0.0, b: 0.0},
        penalty=nc.L1(strength, on=w),
        samples=i,
    )


def hinge(m: sp.Expr) -> sp.Expr:
    """max(0, 1 - m), rounded off to a parabola between 0 and 1. [Rennie & Srebro 2005]"""
    return sp.Piecewise((sp.Rational(1, 2) - m, m <= 0), ((1 - m) ** 2 / 2, m <= 1), (0, True))


def ramp(m: sp.Expr) -> sp.Expr:
    """The hinge cut off: no point costs more than 1, so that a wrong label pulls on nothing."""
    return sp.Piecewise((1, m <= -1), (1 - (1 + m) ** 2 / 2, m <= 0), ((1 - m) ** 2 / 2, m <= 1), (0, True))


LOSSES = {"ramp": ramp, "hinge": hinge}


def split(data: Path, flipped: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Features and labels to learn from, a part of them flipped; features and right labels to test with, a third."""
    features, classes = read_two_classes(data)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(classes))
    test, train = np.split(order, [len(classes) // 3])
    wrong = rng.random(len(train)) < flipped
    return features[train], np.where(wrong, -1, 1) * classes[train], features[test], classes[test]
