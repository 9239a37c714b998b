"""Monkey saddle: three valleys meet where the Hessian vanishes; there is no minimum. [Hilbert & Cohn-Vossen 1932]"""

import sympy as sp

import ncsolve as nc


def problem() -> nc.Problem:
    x, y = sp.symbols("x y")
    return nc.Problem(
        x**3 - 3 * x * y**2,
        start={x: 1.0, y: 0.5},
        known=[nc.Saddle({x: 0.0, y: 0.0}, index=0, value=0.0)],
    )
