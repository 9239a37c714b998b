"""Nonlinear systems in few variables, as sums of squares. [More, Garbow & Hillstrom 1981]"""

import sympy as sp

import ncsolve as nc

x1, x2, x3, x4 = sp.symbols("x1:5")


def _squares(*residuals: sp.Expr) -> sp.Expr:
    return sp.Add(*(r**2 for r in residuals))


def freudenstein_roth() -> nc.Problem:
    """Freudenstein-Roth: a minimum of value 48.98 waits beside the root (5, 4). [MGH 2; Freudenstein & Roth 1963]"""
    return nc.Problem(
        _squares(x1 + ((5 - x2) * x2 - 2) * x2 - 13, x1 + ((x2 + 1) * x2 - 14) * x2 - 29),
        start={x1: 0.5, x2: -2},
        known=[nc.Minimum({x1: 5, x2: 4}, value=0.0)],
        constants={"minimum": 0},
    )


def powell_badly_scaled() -> nc.Problem:
    """Powell's badly scaled function: the root is (1.098e-5, 9.106). [MGH 3; Powell 1970]"""
    return nc.Problem(
        _squares(10**4 * x1 * x2 - 1, sp.exp(-x1) + sp.exp(-x2) - sp.Rational(10001, 10000)),
        start={x1: 0, x2: 1},
        constants={"minimum": 0},
    )


def brown_badly_scaled() -> nc.Problem:
    """Brown's badly scaled function: the root is (1e6, 2e-6). [MGH 4]"""
    return nc.Problem(
        _squares(x1 - 10**6, x2 - sp.Rational(2, 10**6), x1 * x2 - 2),
        start={x1: 1, x2: 1},
        constants={"minimum": 0},
    )


def helical_valley() -> nc.Problem:
    """Helical valley: the angle has a cut at x1 = 0, x2 < 0. [MGH 7; Fletcher & Powell 1963]"""
    turn = sp.atan(x2 / x1) / (2 * sp.pi)
    angle = sp.Piecewise((turn, x1 > 0), (turn + sp.Rational(1, 2), True))
    return nc.Problem(
        _squares(10 * (x3 - 10 * angle), 10 * (sp.sqrt(x1**2 + x2**2) - 1), x3),
        start={x1: -1, x2: 0, x3: 0},
        known=[nc.Minimum({x1: 1, x2: 0, x3: 0}, value=0.0)],
        constants={"minimum": 0},
    )


def powell_singular() -> nc.Problem:
    """Powell's singular function: the Hessian has rank 2 at the minimum. [MGH 13; Powell 1962]"""
    return nc.Problem(
        (x1 + 10 * x2) ** 2 + 5 * (x3 - x4) ** 2 + (x2 - 2 * x3) ** 4 + 10 * (x1 - x4) ** 4,
        start={x1: 3, x2: -1, x3: 0, x4: 1},
        constants={"minimum": 0},
    )


def wood() -> nc.Problem:
    """Wood: two valleys, and a saddle near (-1, 1, -1, 1) beside the way. [MGH 14; Colville 1968]"""
    return nc.Problem(
        100 * (x2 - x1**2) ** 2
        + (1 - x1) ** 2
        + 90 * (x4 - x3**2) ** 2
        + (1 - x3) ** 2
        + 10 * (x2 + x4 - 2) ** 2
        + (x2 - x4) ** 2 / 10,
        start={x1: -3, x2: -1, x3: -3, x4: -1},
        known=[nc.Minimum({x1: 1, x2: 1, x3: 1, x4: 1}, value=0.0)],
        constants={"minimum": 0},
    )
