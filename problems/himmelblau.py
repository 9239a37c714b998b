"""Himmelblau: four equal minima, four saddles and one maximum in the plane. [Himmelblau 1972]"""

import sympy as sp

import ncsolve as nc

MINIMA = [
    (3.0, 2.0),
    (3.5844283403304917, -1.8481265269644036),
    (-3.779310253377747, -3.2831859912861696),
    (-2.805118086952745, 3.131312518250573),
]
SADDLES = [
    (3.385154183607021, 0.07385187983774928, 13.31192627040559),
    (0.08667750455539636, 2.884254701174776, 67.71915008752615),
    (-3.0730257507643897, -0.08135304428796751, 104.0151629175581),
    (-0.12796134673068008, -1.9537149802445763, 178.33723920192747),
]


def problem() -> nc.Problem:
    x, y = sp.symbols("x y")
    return nc.Problem(
        (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2,
        start={x: 0, y: 0},
        known=[
            *(nc.Minimum({x: a, y: b}, value=0.0) for a, b in MINIMA),
            *(nc.Saddle({x: a, y: b}, index=1, value=f) for a, b, f in SADDLES),
            nc.Maximum({x: -0.2708445906673476, y: -0.9230385564799815}, value=181.6165215225827),
        ],
        constants={"minimum": 0},
    )
