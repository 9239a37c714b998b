"""Expressions judged at a point: `judge(x**4, [0])`."""

from __future__ import annotations

import numpy as np
import pytest

import ncsolve as nc
from ncsolve.critical import classify


@pytest.fixture
def judge():
    def judge(expression, at, gradient_tolerance=1e-6, **declaration):
        oracle = nc.compile(nc.Problem(expression, **declaration))
        point = classify(oracle, np.array(at, dtype=float), gradient_tolerance)
        if point.witness is not None:
            assert oracle.value(point.x + point.witness) < point.objective
        return point

    return judge
