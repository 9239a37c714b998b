"""Problems with constraints, by Hock and Schittkowski, and from physics. [Hock & Schittkowski 1981]"""

import numpy as np
import sympy as sp

import ncsolve as nc

x1, x2, x3, x4, x5, x6, x7 = sp.symbols("x1:8")

MINIMUM_100 = (
    2.33049937287957,
    1.951372372896889,
    -0.4775413923888716,
    4.36572623365581,
    -0.6244869705268175,
    1.0381310186079584,
    1.5942267116118685,
)


def hs6() -> nc.Problem:
    """HS6: Rosenbrock's valley as an equality. [Hock & Schittkowski 1981, 6; Betts 1977]"""
    return nc.Problem(
        (1 - x1) ** 2,
        equal=[10 * (x2 - x1**2)],
        start={x1: -1.2, x2: 1},
        known=[nc.Minimum({x1: 1, x2: 1}, value=0.0)],
    )


def hs7() -> nc.Problem:
    """HS7: a logarithm on an oval. [Hock & Schittkowski 1981, 7; Miele et al. 1972]"""
    return nc.Problem(
        sp.log(1 + x1**2) - x2,
        equal=[(1 + x1**2) ** 2 + x2**2 - 4],
        start={x1: 2, x2: 2},
        known=[nc.Minimum({x1: 0, x2: 3**0.5}, value=-(3**0.5))],
    )


def hs26() -> nc.Problem:
    """HS26: the reduced Hessian is singular at the minimum. [Hock & Schittkowski 1981, 26; Huang & Aggerwal 1973]"""
    return nc.Problem(
        (x1 - x2) ** 2 + (x2 - x3) ** 4,
        equal=[(1 + x2**2) * x1 + x3**4 - 3],
        start={x1: -2.6, x2: 2, x3: 2},
        known=[nc.Minimum({x1: 1, x2: 1, x3: 1}, value=0.0)],
    )


def hs28() -> nc.Problem:
    """HS28: a quadratic on a plane. [Hock & Schittkowski 1981, 28; Huang & Aggerwal 1973]"""
    return nc.Problem(
        (x1 + x2) ** 2 + (x2 + x3) ** 2,
        equal=[x1 + 2 * x2 + 3 * x3 - 1],
        start={x1: -4, x2: 1, x3: 1},
        known=[nc.Minimum({x1: 0.5, x2: -0.5, x3: 0.5}, value=0.0)],
    )


def hs43() -> nc.Problem:
    """HS43, Rosen-Suzuki: three balls and ellipsoids. [Hock & Schittkowski 1981, 43; Rosen & Suzuki 1965]"""
    return nc.Problem(
        x1**2 + x2**2 + 2 * x3**2 + x4**2 - 5 * x1 - 5 * x2 - 21 * x3 + 7 * x4,
        less=[
            x1**2 + x2**2 + x3**2 + x4**2 + x1 - x2 + x3 - x4 <= 8,
            x1**2 + 2 * x2**2 + x3**2 + 2 * x4**2 - x1 - x4 <= 10,
            2 * x1**2 + x2**2 + x3**2 + 2 * x1 - x2 - x4 <= 5,
        ],
        start={x1: 0, x2: 0, x3: 0, x4: 0},
        known=[nc.Minimum({x1: 0, x2: 1, x3: 2, x4: -1}, value=-44.0)],
    )


def hs71() -> nc.Problem:
    """HS71: an equality, an inequality and a box. [Hock & Schittkowski 1981, 71; Bartholomew-Biggs 1976]"""
    X = (x1, x2, x3, x4)
    return nc.Problem(
        x1 * x4 * (x1 + x2 + x3) + x3,
        equal=[sp.Add(*(x**2 for x in X)) - 40],
        less=[sp.Mul(*X) >= 25],
        bounds=dict.fromkeys(X, (1, 5)),
        start={x1: 1, x2: 5, x3: 5, x4: 1},
        known=[
            nc.Minimum(
                {x1: 1, x2: 4.742999637264417, x3: 3.8211499841848737, x4: 1.3794082931726723},
                value=17.014017289156303,
            )
        ],
    )


def hs100() -> nc.Problem:
    """HS100: seven variables, four inequalities, two of them active. [Hock & Schittkowski 1981, 100; Asaadi 1973]"""
    X = (x1, x2, x3, x4, x5, x6, x7)
    return nc.Problem(
        (x1 - 10) ** 2
        + 5 * (x2 - 12) ** 2
        + x3**4
        + 3 * (x4 - 11) ** 2
        + 10 * x5**6
        + 7 * x6**2
        + x7**4
        - 4 * x6 * x7
        - 10 * x6
        - 8 * x7,
        less=[
            2 * x1**2 + 3 * x2**4 + x3 + 4 * x4**2 + 5 * x5 <= 127,
            7 * x1 + 3 * x2 + 10 * x3**2 + x4 - x5 <= 282,
            23 * x1 + x2**2 + 6 * x6**2 - 8 * x7 <= 196,
            4 * x1**2 + x2**2 - 3 * x1 * x2 + 2 * x3**2 + 5 * x6 - 11 * x7 <= 0,
        ],
        start={x1: 1, x2: 2, x3: 0, x4: 4, x5: 0, x6: 1, x7: 1},
        known=[nc.Minimum(dict(zip(X, MINIMUM_100, strict=True)), value=680.6300573744021)],
    )


def thomson(charges: int = 6) -> nc.Problem:
    """Thomson's problem: charges on the unit sphere, up to rotation. [Thomson 1904; Wales & Ulker 2006]"""
    if charges < 2:
        raise ValueError(f"there are at least 2 charges, not {charges}")
    X = sp.IndexedBase("X", shape=(charges, 3))
    i, j, d = sp.symbols("i j d", integer=True)
    distance = sp.sqrt(sp.Sum((X[i, d] - X[j, d]) ** 2, (d, 0, 2)))
    octahedron = np.vstack([np.eye(3), -np.eye(3)])
    square = [(1, 0, 0), (0, 1, 0), (-1, 0, 0), (0, -1, 0)]
    tetrahedron = np.array([(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)]) / 3**0.5
    known = {
        4: [nc.Minimum({X: tetrahedron}, value=6 / (8 / 3) ** 0.5), nc.Saddle({X: square}, index=1, value=1 + 8**0.5)],
        6: [nc.Minimum({X: octahedron}, value=12 / 2**0.5 + 1.5)],
    }
    return nc.Problem(
        sp.Sum(1 / distance, (j, i + 1, charges - 1), (i, 0, charges - 2)),
        equal=[(sp.Sum(X[i, d] ** 2, (d, 0, 2)) - 1, (i, 0, charges - 1))],
        start={X: nc.Normal(0, 1)},
        known=known.get(charges, []),
    )
