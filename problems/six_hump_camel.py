"""Six-hump camel: fifteen critical points, two of them global minima. [Dixon & Szego 1978]"""

import sympy as sp

import ncsolve as nc

# One of each pair: the objective is the same at (x, y) and (-x, -y).
MINIMA = [
    (0.08984201310031806, -0.7126564030207396, -1.0316284534898774),
    (1.703606714969981, -0.7960835686726251, -0.21546382438371764),
    (1.6071047529201972, 0.5686514548841314, 2.1042503103112584),
]
SADDLES = [
    (1.1092053368047865, -0.7682680925095399, 0.5437186009781851),
    (1.6380679841897785, 0.22867406904439408, 2.2293571975307147),
    (1.2960702671671092, 0.6050843880386585, 2.22947081802986),
]
MAXIMA = [(1.2302298765166526, 0.16233458445899496, 2.496295351023577)]


def problem() -> nc.Problem:
    x, y = sp.symbols("x y")
    return nc.Problem(
        4 * x**2 - sp.Rational(21, 10) * x**4 + x**6 / 3 + x * y - 4 * y**2 + 4 * y**4,
        bounds={x: (-3, 3), y: (-2, 2)},
        start={x: -2, y: 1},
        known=[
            nc.Saddle({x: 0, y: 0}, index=1, value=0.0),
            *(nc.Minimum({x: s * a, y: s * b}, value=f) for a, b, f in MINIMA for s in (1, -1)),
            *(nc.Saddle({x: s * a, y: s * b}, index=1, value=f) for a, b, f in SADDLES for s in (1, -1)),
            *(nc.Maximum({x: s * a, y: s * b}, value=f) for a, b, f in MAXIMA for s in (1, -1)),
        ],
        constants={"minimum": -1.0316284534898774},
    )
