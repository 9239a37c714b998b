"""Mueller-Brown: a model of a reaction with three valleys and two passes. [Mueller & Brown 1979]"""

import sympy as sp

import ncsolve as nc

HEIGHTS = (-200, -100, -170, 15)
XX = (-1, -1, sp.Rational(-13, 2), sp.Rational(7, 10))
XY = (0, 0, 11, sp.Rational(6, 10))
YY = (-10, -10, sp.Rational(-13, 2), sp.Rational(7, 10))
CENTERS = ((1, 0), (0, sp.Rational(1, 2)), (sp.Rational(-1, 2), sp.Rational(3, 2)), (-1, 1))


def problem() -> nc.Problem:
    x, y = sp.symbols("x y")
    hills = zip(HEIGHTS, XX, XY, YY, CENTERS, strict=True)
    return nc.Problem(
        sum(
            height * sp.exp(a * (x - p) ** 2 + b * (x - p) * (y - q) + c * (y - q) ** 2)
            for height, a, b, c, (p, q) in hills
        ),
        bounds={x: (-1.5, 1.2), y: (-0.2, 2)},
        start={x: 0, y: 1},
        known=[
            nc.Minimum({x: -0.5582236346330243, y: 1.4417258418046686}, value=-146.69951720995402),
            nc.Minimum({x: 0.6234994049308765, y: 0.028037758528685664}, value=-108.16672411685235),
            nc.Minimum({x: -0.050010822998206056, y: 0.4666941048719721}, value=-80.76781812965903),
            nc.Saddle({x: 0.212486582000662, y: 0.2929883251073678}, index=1, value=-72.24894011232522),
            nc.Saddle({x: -0.8220015587327321, y: 0.6243128028148713}, index=1, value=-40.664843508657405),
        ],
        constants={"minimum": -146.69951720995402},
    )
