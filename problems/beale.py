"""Beale: a flat valley, with a saddle beside the start. [Beale 1958; More, Garbow & Hillstrom 1981]"""

import sympy as sp

import ncsolve as nc


def problem() -> nc.Problem:
    x, y = sp.symbols("x y")
    c = (sp.Rational(3, 2), sp.Rational(9, 4), sp.Rational(21, 8))
    return nc.Problem(
        sum((c[k] - x * (1 - y ** (k + 1))) ** 2 for k in range(3)),
        start={x: 1, y: 1},
        known=[
            nc.Minimum({x: 3.0, y: 0.5}, value=0.0),
            nc.Saddle({x: 0.0, y: 1.0}, index=1, value=14.203125),
            nc.Saddle({x: 0.10053793732415836, y: -2.644513585023125}, index=1, value=9.86451228475556),
        ],
        constants={"minimum": 0},
    )
