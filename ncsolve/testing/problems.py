"""The small problems of the kits: finite sums, so that stochastic solvers can take part."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import sympy as sp

from ncsolve.penalties import L1, Penalty
from ncsolve.problem import Minimum, Problem, Saddle

__all__ = ["box", "half_plane", "one_variable", "quadratic", "saddle", "sparse", "valley"]

SAMPLES = 20

x, y = sp.symbols("x y")
a = sp.IndexedBase("a", shape=(SAMPLES,))
i = sp.Symbol("i", integer=True)


def _mean(term: sp.Expr, center: float, start: dict[Any, Any], **declared: Any) -> Problem:
    """(1/N) sum of `term`, in which a[i] is data scattered around `center` with exactly that mean."""
    noise = np.random.default_rng(0).normal(size=SAMPLES)
    data = {a: center + 0.1 * (noise - noise.mean())}
    return Problem(sp.Sum(term, (i, 0, SAMPLES - 1)) / SAMPLES, start=start, data=data, samples=i, **declared)


@cache
def quadratic(penalty: Penalty | None = None) -> Problem:
    """Mean of (x - a)^2 + 10 (y + 1/2)^2, a around 1: the minimum is (1, -1/2)."""
    return _mean(
        (x - a[i]) ** 2 + 10 * (y + sp.Rational(1, 2)) ** 2,
        1.0,
        {x: -1.0, y: 1.0},
        penalty=penalty,
        name="kit-quadratic",
        blocks=[x, y],
        known=[Minimum({x: 1.0, y: -0.5})],
    )


@cache
def one_variable(penalty: Penalty | None = None) -> Problem:
    """Mean of (x - a)^2, a around 2."""
    return _mean((x - a[i]) ** 2, 2.0, {x: -3.0}, penalty=penalty, name="kit-one-variable", known=[Minimum({x: 2.0})])


@cache
def valley(penalty: Penalty | None = None) -> Problem:
    """Mean of (x^2 - a)^2 + (y - x)^2, a around 1: minima near (1, 1) and (-1, -1), a saddle at 0."""
    return _mean(
        (x**2 - a[i]) ** 2 + (y - x) ** 2,
        1.0,
        {x: 2.0, y: -1.0},
        penalty=penalty,
        name="kit-valley",
        blocks=[x, y],
        known=[Minimum({x: 1.0, y: 1.0}), Minimum({x: -1.0, y: -1.0}), Saddle({x: 0.0, y: 0.0})],
    )


@cache
def saddle(penalty: Penalty | None = None) -> Problem:
    """Mean of a x^2/2 - y^2/2 + y^4/4, a around 1, from (1, 0): from there gradients lead to the saddle at 0."""
    return _mean(
        a[i] * x**2 / 2 - y**2 / 2 + y**4 / 4, 1.0, {x: 1.0, y: 0.0}, penalty=penalty, name="kit-saddle", blocks=[x, y]
    )


@cache
def half_plane(penalty: Penalty | None = None) -> Problem:
    """Mean of a (x - log x) + y^2, a around 1, from (0.1, 1): not finite for x <= 0, the minimum is (1, 0)."""
    return _mean(
        a[i] * (x - sp.log(x)) + y**2,
        1.0,
        {x: 0.1, y: 1.0},
        penalty=penalty,
        name="kit-half-plane",
        known=[Minimum({x: 1.0, y: 0.0})],
    )


@cache
def box(penalty: Penalty | None = None) -> Problem:
    """The quadratic in a box that holds its minimum back: it moves to the corner (1/2, 0)."""
    return _mean(
        (x - a[i]) ** 2 + 10 * (y + sp.Rational(1, 2)) ** 2,
        1.0,
        {x: -1.0, y: 1.0},
        penalty=penalty,
        name="kit-box",
        bounds={x: (-2, 0.5), y: (0, 2)},
        blocks=[x, y],
        known=[Minimum({x: 0.5, y: 0.0})],
    )


@cache
def sparse() -> Problem:
    """Mean of (x - a)^2 + 10 (y + 1/50)^2, a around 1, with the penalty (|x| + |y|) / 2: the minimum is (3/4, 0)."""
    return _mean(
        (x - a[i]) ** 2 + 10 * (y + sp.Rational(1, 50)) ** 2,
        1.0,
        {x: -1.0, y: 1.0},
        penalty=L1(0.5),
        name="kit-sparse",
        known=[Minimum({x: 0.75, y: 0.0})],
    )
