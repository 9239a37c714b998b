"""Sums of squares in any number of variables, from their standard starts. [More, Garbow & Hillstrom 1981]"""

from collections.abc import Callable

import numpy as np
import sympy as sp

import ncsolve as nc

i, j = sp.symbols("i j", integer=True)


def _unknowns(n: int, at_least: int = 1, multiple_of: int = 1) -> tuple[sp.IndexedBase, tuple[sp.Symbol, int, int]]:
    """x and the range of i over all of it."""
    if n < at_least or n % multiple_of:
        rule = f", a multiple of {multiple_of}" if multiple_of > 1 else ""
        raise ValueError(f"n must be at least {at_least}{rule}, not {n}")
    return sp.IndexedBase("x", shape=(n,)), (i, 0, n - 1)


def _column(name: str, values: np.ndarray) -> tuple[sp.IndexedBase, dict[sp.IndexedBase, np.ndarray]]:
    column = sp.IndexedBase(name, shape=values.shape)
    return column, {column: values}


def extended_rosenbrock(n: int = 2) -> nc.Problem:
    """Extended Rosenbrock: n/2 curved valleys side by side. [MGH 1, 21; Rosenbrock 1960; Spedicato 1975]"""
    x, _ = _unknowns(n, 2, multiple_of=2)
    return nc.Problem(
        sp.Sum(100 * (x[2 * i + 1] - x[2 * i] ** 2) ** 2 + (1 - x[2 * i]) ** 2, (i, 0, n // 2 - 1)),
        start={x: np.tile([-1.2, 1.0], n // 2)},
        known=[nc.Minimum({x: 1.0}, value=0.0)],
        constants={"minimum": 0},
    )


def extended_powell(n: int = 40) -> nc.Problem:
    """Extended Powell: n/4 of Powell's singular functions side by side. [MGH 22; Spedicato 1975]"""
    x, _ = _unknowns(n, 4, multiple_of=4)
    a, b, c, d = (x[4 * i + k] for k in range(4))
    return nc.Problem(
        sp.Sum((a + 10 * b) ** 2 + 5 * (c - d) ** 2 + (b - 2 * c) ** 4 + 10 * (a - d) ** 4, (i, 0, n // 4 - 1)),
        start={x: np.tile([3.0, -1.0, 0.0, 1.0], n // 4)},
        constants={"minimum": 0},
    )


def penalty_1(n: int = 10) -> nc.Problem:
    """Penalty I: 1e-5 sum (x - 1)^2 + (sum x^2 - 1/4)^2. [MGH 23; Gill, Murray & Pitfield 1972]"""
    x, every = _unknowns(n)
    lowest = {4: 2.249977500842e-05, 10: 7.087651467e-05}
    return nc.Problem(
        sp.Sum((x[i] - 1) ** 2, every) / 10**5 + (sp.Sum(x[i] ** 2, every) - sp.Rational(1, 4)) ** 2,
        start={x: np.arange(1.0, n + 1)},
        constants={"minimum": lowest[n]} if n in lowest else {},
    )


def penalty_2(n: int = 10) -> nc.Problem:
    """Penalty II: exponentials beside a quartic that is 1e5 times as heavy. [MGH 24; Gill, Murray & Pitfield 1972]"""
    x, every = _unknowns(n, 2)
    k = np.arange(2, n + 1)
    y, data = _column("y", np.exp(k / 10) + np.exp((k - 1) / 10))
    tenth = sp.Rational(1, 10)
    fits = sp.Sum((sp.exp(x[i + 1] / 10) + sp.exp(x[i] / 10) - y[i]) ** 2, (i, 0, n - 2))
    rest = sp.Sum((sp.exp(x[i + 1] / 10) - sp.exp(-tenth)) ** 2, (i, 0, n - 2))
    lowest = {4: 9.376293e-06, 10: 0.00029366054}
    return nc.Problem(
        (x[0] - 2 * tenth) ** 2 + (fits + rest) / 10**5 + (sp.Sum((n - i) * x[i] ** 2, every) - 1) ** 2,
        data=data,
        start={x: 0.5},
        constants={"minimum": lowest[n]} if n in lowest else {},
    )


def variably_dimensioned(n: int = 10) -> nc.Problem:
    """Variably dimensioned: s^2 + s^4 with s = sum j (x_j - 1), and sum (x - 1)^2. [MGH 25]"""
    x, every = _unknowns(n)
    s = sp.Sum((i + 1) * (x[i] - 1), every)
    return nc.Problem(
        sp.Sum((x[i] - 1) ** 2, every) + s**2 + s**4,
        start={x: 1 - np.arange(1, n + 1) / n},
        known=[nc.Minimum({x: 1.0}, value=0.0)],
        constants={"minimum": 0},
    )


def trigonometric(n: int = 10) -> nc.Problem:
    """Trigonometric: n - sum cos x + i (1 - cos x_i) - sin x_i; many minima. [MGH 26; Spedicato 1975]"""
    x, every = _unknowns(n)
    total = sp.Sum(sp.cos(x[j]), (j, 0, n - 1))
    return nc.Problem(
        sp.Sum((n - total + (i + 1) * (1 - sp.cos(x[i])) - sp.sin(x[i])) ** 2, every),
        start={x: 1 / n},
        known=[nc.Minimum({x: 0.0}, value=0.0)],
        constants={"minimum": 0},
    )


def brown_almost_linear(n: int = 10) -> nc.Problem:
    """Brown almost-linear: n - 1 linear equations and one product. [MGH 27; Brown 1969]"""
    x, _ = _unknowns(n, 2)
    total = sp.Sum(x[j], (j, 0, n - 1))
    return nc.Problem(
        sp.Sum((x[i] + total - (n + 1)) ** 2, (i, 0, n - 2)) + (sp.Mul(*(x[k] for k in range(n))) - 1) ** 2,
        start={x: 0.5},
        known=[nc.Minimum({x: 1.0}, value=0.0)],
        constants={"minimum": 0},
    )


def discrete_boundary_value(n: int = 10) -> nc.Problem:
    """Discrete boundary value: u'' = (u + t + 1)^3 / 2 by finite differences. [MGH 28; More & Cosnard 1979]"""
    x, _ = _unknowns(n, 3)
    h = sp.Rational(1, n + 1)

    def curve(k: sp.Expr) -> sp.Expr:
        return 2 * x[k] + h**2 * (x[k] + (k + 1) * h + 1) ** 3 / 2

    ends = (curve(sp.S.Zero) - x[1]) ** 2 + (curve(sp.Integer(n - 1)) - x[n - 2]) ** 2
    t = np.arange(1, n + 1) / (n + 1)
    return nc.Problem(
        sp.Sum((curve(i) - x[i - 1] - x[i + 1]) ** 2, (i, 1, n - 2)) + ends,
        start={x: t * (t - 1)},
        constants={"minimum": 0},
    )


def discrete_integral(n: int = 10) -> nc.Problem:
    """Discrete integral equation: x + K (x + t + 1)^3 = 0, a dense Hessian. [MGH 29; More & Cosnard 1979]"""
    x, every = _unknowns(n)
    t = np.arange(1, n + 1) / (n + 1)
    kernel = np.minimum.outer(t, t) * (1 - np.maximum.outer(t, t)) / (2 * (n + 1))
    K, data = _column("K", kernel)
    T, more = _column("T", t)
    return nc.Problem(
        sp.Sum((x[i] + sp.Sum(K[i, j] * (x[j] + T[j] + 1) ** 3, (j, 0, n - 1))) ** 2, every),
        data=data | more,
        start={x: t * (t - 1)},
        constants={"minimum": 0},
    )


def broyden_tridiagonal(n: int = 10) -> nc.Problem:
    """Broyden tridiagonal: (3 - 2 x_i) x_i - x_(i-1) - 2 x_(i+1) + 1. [MGH 30; Broyden 1965]"""
    x, _ = _unknowns(n, 3)

    def own(k: sp.Expr | int) -> sp.Expr:
        return (3 - 2 * x[k]) * x[k] + 1

    ends = (own(0) - 2 * x[1]) ** 2 + (own(n - 1) - x[n - 2]) ** 2
    return nc.Problem(
        sp.Sum((own(i) - x[i - 1] - 2 * x[i + 1]) ** 2, (i, 1, n - 2)) + ends,
        start={x: -1.0},
        constants={"minimum": 0},
    )


def broyden_banded(n: int = 10) -> nc.Problem:
    """Broyden banded: each equation has up to five neighbours below and one above. [MGH 31; Broyden 1971]"""
    x, _ = _unknowns(n, 7)

    def residual(k: sp.Expr | int, neighbours: range) -> sp.Expr:
        return x[k] * (2 + 5 * x[k] ** 2) + 1 - sp.Add(*(x[k + d] * (1 + x[k + d]) for d in neighbours if d))

    first = sp.Add(*(residual(k, range(-k, 2)) ** 2 for k in range(5)))
    return nc.Problem(
        first + sp.Sum(residual(i, range(-5, 2)) ** 2, (i, 5, n - 2)) + residual(n - 1, range(-5, 1)) ** 2,
        start={x: -1.0},
        constants={"minimum": 0},
    )


def linear_full_rank(n: int = 10, m: int = 20) -> nc.Problem:
    """Linear function of full rank, with residuals left at the minimum: m - n. [MGH 32]"""
    x, every = _unknowns(n)
    mean = 2 * sp.Sum(x[j], (j, 0, n - 1)) / m
    return nc.Problem(
        sp.Sum((x[i] - mean - 1) ** 2, every) + (m - n) * (mean + 1) ** 2,
        start={x: 1.0},
        known=[nc.Minimum({x: -1.0}, value=float(m - n))],
        constants={"minimum": m - n},
    )


def linear_rank_one(n: int = 10, m: int = 20) -> nc.Problem:
    """Linear function of rank 1: minima fill a hyperplane. [MGH 33]"""
    x, _ = _unknowns(n)
    return nc.Problem(
        sp.Sum(((i + 1) * sp.Sum((j + 1) * x[j], (j, 0, n - 1)) - 1) ** 2, (i, 0, m - 1)),
        start={x: 1.0},
        constants={"minimum": m * (m - 1) / (2 * (2 * m + 1))},
    )


def linear_rank_one_with_zeros(n: int = 10, m: int = 20) -> nc.Problem:
    """Linear function of rank 1 with zero columns and rows: two variables do not occur. [MGH 34]"""
    x, _ = _unknowns(n, 3)
    total = sp.Sum((j + 1) * x[j], (j, 1, n - 2))
    return nc.Problem(
        sp.Sum((i * total - 1) ** 2, (i, 1, m - 2)) + 2,
        variables=[x],
        start={x: 1.0},
        constants={"minimum": (m * m + 3 * m - 6) / (2 * (2 * m - 3))},
    )


def chebyquad(n: int = 8) -> nc.Problem:
    """Chebyquad: the nodes of an n-point quadrature with equal weights. [MGH 35; Fletcher 1965]"""
    x, every = _unknowns(n)
    T = _chebyshev(2 * x[i] - 1)
    integral = [0 if k % 2 else sp.Rational(-1, k * k - 1) for k in range(2, n + 1)]
    lowest = {6: 0.0, 7: 0.0, 8: 0.003516873725677876, 9: 0.0, 10: 0.00650395480}
    return nc.Problem(
        sp.Add(*((sp.Sum(T(k), every) / n - w) ** 2 for k, w in enumerate([sp.S.Zero, *integral], start=1))),
        start={x: np.arange(1, n + 1) / (n + 1)},
        constants={"minimum": lowest[n]} if n in lowest else {},
    )


def _chebyshev(y: sp.Expr) -> Callable[[int], sp.Expr]:
    """k -> T_k(y) by halving, T_2k = 2 T_k^2 - 1 and T_(2k+1) = 2 T_k T_(k+1) - y: short, and stable for large k."""

    def T(k: int) -> sp.Expr:
        if k < 2:
            return y if k else sp.S.One
        return 2 * T(k // 2) ** 2 - 1 if k % 2 == 0 else 2 * T(k // 2) * T(k // 2 + 1) - y

    return T
