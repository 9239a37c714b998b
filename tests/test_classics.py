"""The classic test problems are typed correctly: values at the standard starts, and minima, from the literature."""

from __future__ import annotations

import numpy as np
import pytest

import ncsolve as nc
from ncsolve.problem import load

AT_START = [
    ("extended-rosenbrock", {}, 24.2),
    ("extended-rosenbrock", {"n": 10}, 121.0),
    ("freudenstein-roth", {}, 400.5),
    ("powell-badly-scaled", {}, 1.135261717),
    ("brown-badly-scaled", {}, 9.99998e11),
    ("beale", {}, 14.203125),
    ("jennrich-sampson", {}, 4171.306162),
    ("helical-valley", {}, 2500),
    ("bard", {}, 41.68169586),
    ("gaussian", {}, 3.888106991e-06),
    ("meyer", {}, 1693607809),
    ("gulf", {}, 12.11070583),
    ("box-three-dimensional", {}, 1031.1538),
    ("powell-singular", {}, 215),
    ("wood", {}, 19192),
    ("kowalik-osborne", {}, 0.0053131723),
    ("brown-dennis", {}, 7926693.337),
    ("osborne-1", {}, 0.8790262935),
    ("biggs-exp6", {}, 0.7790700757),
    ("osborne-2", {}, 2.0934195),
    ("watson", {"n": 6}, 30),
    ("watson", {"n": 12}, 30),
    ("extended-powell", {}, 2150),
    ("penalty-1", {"n": 4}, 885.06264),
    ("penalty-1", {"n": 10}, 148032.5653),
    ("penalty-2", {"n": 4}, 2.340008805),
    ("penalty-2", {"n": 10}, 162.6527766),
    ("variably-dimensioned", {}, 2198551.163),
    ("brown-almost-linear", {}, 273.2480478),
    ("discrete-boundary-value", {}, 0.0007885191013),
    ("discrete-integral", {}, 0.06341684158),
    ("broyden-tridiagonal", {}, 21),
    ("linear-full-rank", {}, 50),
    ("linear-full-rank", {"n": 9, "m": 45}, 72),
    ("linear-rank-one", {}, 8658670),
    ("linear-rank-one", {"n": 7, "m": 35}, 11654195),
    ("linear-rank-one-with-zeros", {"n": 7, "m": 35}, 4989195),
    ("chebyquad", {"n": 6}, 0.046428172),
    ("chebyquad", {"n": 8}, 0.038617698),
    ("chebyquad", {"n": 11}, 0.026740603),
    ("bdqrtic", {"n": 8}, 904),
    ("bdqrtic", {"n": 12}, 1808),
    ("cube", {"n": 5}, 56.5),
    ("cube", {"n": 8}, 98.6875),
    ("mancino", {"n": 5}, 2.5390844e09),
    ("mancino", {"n": 12}, 3.9910724e09),
    # by hand: 10 residuals of -6
    ("broyden-banded", {}, 360),
    # by hand, at x = 1/10: sum over i of (10 (1 - c) + i (1 - c) - s)^2 with c = cos 0.1, s = sin 0.1
    ("trigonometric", {}, sum(((10 + i) * (1 - np.cos(0.1)) - np.sin(0.1)) ** 2 for i in range(1, 11))),
]


@pytest.mark.parametrize(("name", "arguments", "value"), AT_START)
def test_value_at_the_standard_start(name, arguments, value):
    problem = load(name, arguments)
    assert nc.compile(problem).value(problem.start_point(np.random.default_rng(0))) == pytest.approx(value, rel=1e-7)


@pytest.mark.parametrize("name", ["freudenstein-roth", "meyer", "osborne-2", "watson", "brown-dennis", "chebyquad"])
def test_the_declared_minimum_is_reached(name):
    problem = load(name)
    result = nc.solve(problem, "trust-region", max_iterations=500)
    assert result.objective >= problem.constants["minimum"] - 1e-8 * abs(problem.constants["minimum"])
