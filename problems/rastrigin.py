"""Rastrigin: a bowl with a grid of minima, 11^n of them in the box. [Rastrigin 1974; Muehlenbein et al. 1991]"""

import sympy as sp

import ncsolve as nc

# The objective is a sum over coordinates. Each has these critical points next to 0, t + 10 pi sin(2 pi t) = 0:
PEAK, PEAK_VALUE = 0.5025460365546747, 20.251272990990113
DIP, DIP_VALUE = 0.9949586376523348, 0.9949590570932914


def problem(n: int = 2) -> nc.Problem:
    if n < 1:
        raise ValueError(f"n must be at least 1, not {n}")
    x = sp.IndexedBase("x", shape=(n,))
    i = sp.Symbol("i", integer=True)
    known = [
        nc.Minimum({x: 0.0}, value=0.0),
        nc.Minimum({x: DIP}, value=n * DIP_VALUE),
        nc.Maximum({x: PEAK}, value=n * PEAK_VALUE),
    ]
    if n > 1:
        known.append(nc.Saddle({x: [PEAK] + [0.0] * (n - 1)}, index=1, value=PEAK_VALUE))
    return nc.Problem(
        sp.Sum(10 + x[i] ** 2 - 10 * sp.cos(2 * sp.pi * x[i]), (i, 0, n - 1)),
        bounds={x: (-5.12, 5.12)},
        start={x: nc.Uniform(-5.12, 5.12)},
        known=known,
        constants={"minimum": 0},
    )
