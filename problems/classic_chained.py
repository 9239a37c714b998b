"""Large problems that are sums of small terms in neighbouring variables. [Toint 1983; Gould et al. 2015, CUTEst]"""

import numpy as np
import sympy as sp

import ncsolve as nc

i, j = sp.symbols("i j", integer=True)


def _unknowns(n: int, at_least: int = 2, multiple_of: int = 1) -> sp.IndexedBase:
    if n < at_least or n % multiple_of:
        rule = f", a multiple of {multiple_of}" if multiple_of > 1 else ""
        raise ValueError(f"n must be at least {at_least}{rule}, not {n}")
    return sp.IndexedBase("x", shape=(n,))


def generalised_rosenbrock(n: int = 100) -> nc.Problem:
    """Generalised Rosenbrock: one valley through all dimensions, from near its far end. [Nash 1984; GENROSE]"""
    x = _unknowns(n)
    return nc.Problem(
        1 + sp.Sum(100 * (x[i] - x[i - 1] ** 2) ** 2 + (x[i] - 1) ** 2, (i, 1, n - 1)),
        start={x: np.arange(1, n + 1) / (n + 1)},
        constants={"minimum": 1},
    )


def chained_rosenbrock(n: int = 100) -> nc.Problem:
    """Chained Rosenbrock without bounds, from -1.2, 1, -1.2, 1, ... [Toint 1978]"""
    x = _unknowns(n)
    return nc.Problem(
        sp.Sum(100 * (x[i] - x[i - 1] ** 2) ** 2 + (1 - x[i - 1]) ** 2, (i, 1, n - 1)),
        start={x: np.resize([-1.2, 1.0], n)},
        known=[nc.Minimum({x: 1.0}, value=0.0)],
        constants={"minimum": 0},
    )


def chained_wood(n: int = 100) -> nc.Problem:
    """Chained Wood: neighbours share two of the four variables. [Toint 1978; CHAINWOO]"""
    x = _unknowns(n, 4, multiple_of=2)
    a, b, c, d = (x[2 * i + k] for k in range(4))
    valleys = 100 * (b - a**2) ** 2 + (1 - a) ** 2 + 90 * (d - c**2) ** 2 + (1 - c) ** 2
    start = np.full(n, -2.0)
    start[:4] = -3, -1, -3, -1
    return nc.Problem(
        sp.Sum(valleys + 10 * (b + d - 2) ** 2 + (b - d) ** 2 / 10, (i, 0, n // 2 - 2)),
        start={x: start},
        known=[nc.Minimum({x: 1.0}, value=0.0)],
        constants={"minimum": 0},
    )


def chained_powell(n: int = 100) -> nc.Problem:
    """Chained Powell singular: a singular Hessian at the minimum, whatever the size. [Toint 1978]"""
    x = _unknowns(n, 4, multiple_of=4)
    a, b, c, d = (x[2 * i + k] for k in range(4))
    return nc.Problem(
        sp.Sum((a + 10 * b) ** 2 + 5 * (c - d) ** 2 + (b - 2 * c) ** 4 + 10 * (a - d) ** 4, (i, 0, n // 2 - 2)),
        start={x: np.tile([3.0, -1.0, 0.0, 1.0], n // 4)},
        constants={"minimum": 0},
    )


def extended_freudenstein_roth(n: int = 100) -> nc.Problem:
    """Extended Freudenstein-Roth: neighbours share a variable. [Toint 1978; FREUROTH]"""
    x = _unknowns(n)
    a, b = x[i], x[i + 1]
    start = np.zeros(n)
    start[:2] = 0.5, -2
    return nc.Problem(
        sp.Sum((a - 13 + ((5 - b) * b - 2) * b) ** 2 + (a - 29 + ((b + 1) * b - 14) * b) ** 2, (i, 0, n - 2)),
        start={x: start},
    )


def arrowhead(n: int = 1000) -> nc.Problem:
    """Arrowhead: every term holds the last variable, the Hessian is an arrow. [ARWHEAD]"""
    x = _unknowns(n)
    return nc.Problem(
        sp.Sum((x[i] ** 2 + x[n - 1] ** 2) ** 2 - 4 * x[i] + 3, (i, 0, n - 2)),
        start={x: 1.0},
        constants={"minimum": 0},
    )


def bdqrtic(n: int = 100) -> nc.Problem:
    """Banded quartic with an arrow: 2 n - 8 squares. [Conn, Gould, Lescrenier & Toint 1994; BDQRTIC]"""
    x = _unknowns(n, 5)
    quartic = x[i] ** 2 + 2 * x[i + 1] ** 2 + 3 * x[i + 2] ** 2 + 4 * x[i + 3] ** 2 + 5 * x[n - 1] ** 2
    lowest = {8: 10.2389734, 10: 18.281162, 11: 22.260592, 12: 26.272766}
    return nc.Problem(
        sp.Sum((3 - 4 * x[i]) ** 2 + quartic**2, (i, 0, n - 5)),
        start={x: 1.0},
        constants={"minimum": lowest[n]} if n in lowest else {},
    )


def engval(n: int = 1000) -> nc.Problem:
    """Engvall: (x_i^2 + x_(i+1)^2)^2 - 4 x_i + 3. [ENGVAL1]"""
    x = _unknowns(n)
    return nc.Problem(
        sp.Sum((x[i] ** 2 + x[i + 1] ** 2) ** 2 - 4 * x[i] + 3, (i, 0, n - 2)),
        start={x: 2.0},
    )


def edensch(n: int = 1000) -> nc.Problem:
    """Extended Dennis-Schnabel: quartic, bilinear and quadratic terms. [Dennis & Schnabel 1983; EDENSCH]"""
    x = _unknowns(n)
    return nc.Problem(
        16 + sp.Sum((x[i] - 2) ** 4 + (x[i] - 2) ** 2 * x[i + 1] ** 2 + (x[i + 1] + 1) ** 2, (i, 0, n - 2)),
        start={x: 8.0},
    )


DIXON_MAANY = {
    "A": (1.0, 0.0, 0.125, 0.125, 0, 0, 0, 0),
    "B": (1.0, 0.0625, 0.0625, 0.0625, 0, 0, 0, 1),
    "E": (1.0, 0.0, 0.125, 0.125, 1, 0, 0, 1),
    "I": (1.0, 0.0, 0.125, 0.125, 2, 0, 0, 2),
    "L": (1.0, 0.26, 0.26, 0.26, 2, 0, 0, 2),
}


def dixon_maany(n: int = 300, variant: str = "L") -> nc.Problem:
    """Dixon-Maany: products of variables n/3 and 2n/3 apart, more and more ill-conditioned from A to L. [DIXMAAN]"""
    if variant not in DIXON_MAANY:
        raise ValueError(f"the variants are {', '.join(DIXON_MAANY)}, not {variant!r}")
    x, m = _unknowns(n, 6, multiple_of=3), n // 3
    a, b, c, d, *powers = (sp.nsimplify(v) for v in DIXON_MAANY[variant])
    w = [((i + 1) / sp.Integer(n)) ** power for power in powers]
    return nc.Problem(
        1
        + a * sp.Sum(w[0] * x[i] ** 2, (i, 0, n - 1))
        + b * sp.Sum(w[1] * x[i] ** 2 * (x[i + 1] + x[i + 1] ** 2) ** 2, (i, 0, n - 2))
        + c * sp.Sum(w[2] * x[i] ** 2 * x[i + m] ** 4, (i, 0, 2 * m - 1))
        + d * sp.Sum(w[3] * x[i] * x[i + 2 * m], (i, 0, m - 1)),
        start={x: 2.0},
        known=[nc.Minimum({x: 0.0}, value=1.0)],
        constants={"minimum": 1},
    )


def cragg_levy(n: int = 1000) -> nc.Problem:
    """Extended Cragg-Levy: an exponential, a tangent and an eighth power; singular at the minimum. [CRAGGLVY]"""
    x = _unknowns(n, 4, multiple_of=2)
    a, b, c, d = (x[2 * i + k] for k in range(4))
    term = (sp.exp(a) - b) ** 4 + 100 * (b - c) ** 6 + (sp.tan(c - d) + c - d) ** 4 + a**8 + (d - 1) ** 2
    start = np.full(n, 2.0)
    start[0] = 1
    return nc.Problem(sp.Sum(term, (i, 0, n // 2 - 2)), start={x: start})


def liarwhd(n: int = 1000) -> nc.Problem:
    """Arrowhead with a nearly singular start: 4 (x_i^2 - x_1)^2 + (x_i - 1)^2. [Li 1990; LIARWHD]"""
    x = _unknowns(n)
    return nc.Problem(
        sp.Sum(4 * (x[i] ** 2 - x[0]) ** 2 + (x[i] - 1) ** 2, (i, 0, n - 1)),
        start={x: 4.0},
        known=[nc.Minimum({x: 1.0}, value=0.0)],
        constants={"minimum": 0},
    )


def nondia(n: int = 1000) -> nc.Problem:
    """Non-diagonal Rosenbrock: every valley bends around the same x_1. [Shanno 1978; NONDIA]"""
    x = _unknowns(n)
    return nc.Problem(
        (x[0] - 1) ** 2 + sp.Sum(100 * (x[0] - x[i - 1] ** 2) ** 2, (i, 1, n - 1)),
        variables=[x],
        start={x: -1.0},
        constants={"minimum": 0},
    )


def nondquar(n: int = 100) -> nc.Problem:
    """Non-diagonal quartic: the Hessian has rank 2 at the minimum. [Powell, in Toint 1978; NONDQUAR]"""
    x = _unknowns(n, 3)
    return nc.Problem(
        (x[0] - x[1]) ** 2 + sp.Sum((x[i] + x[i + 1] + x[n - 1]) ** 4, (i, 0, n - 3)) + (x[n - 2] + x[n - 1]) ** 2,
        start={x: np.resize([1.0, -1.0], n)},
        constants={"minimum": 0},
    )


def tridiagonal_quadratic(n: int = 1000) -> nc.Problem:
    """A convex quadratic, condition n^2: (x_1 - 1)^2 + sum i (2 x_i - x_(i-1))^2. [Buckley 1989; TRIDIA]"""
    x = _unknowns(n)
    return nc.Problem(
        (x[0] - 1) ** 2 + sp.Sum((i + 1) * (2 * x[i] - x[i - 1]) ** 2, (i, 1, n - 1)),
        start={x: 1.0},
        constants={"minimum": 0},
    )


def quartic(n: int = 100) -> nc.Problem:
    """Sum (x_i - i)^4: the Hessian is zero at the minimum. [QUARTC]"""
    x = _unknowns(n, 1)
    return nc.Problem(sp.Sum((x[i] - (i + 1)) ** 4, (i, 0, n - 1)), start={x: 2.0}, constants={"minimum": 0})


def sinquad(n: int = 100) -> nc.Problem:
    """Sines and quadratics with an arrow to the first and the last variable. [SINQUAD]"""
    x = _unknowns(n, 3)
    terms = sp.Sum((sp.sin(x[i] - x[n - 1]) - x[0] ** 2 + x[i] ** 2) ** 2, (i, 1, n - 2))
    return nc.Problem(
        (x[0] - 1) ** 4 + terms + (x[n - 1] ** 2 - x[0] ** 2) ** 2, start={x: 0.1}, constants={"minimum": 0}
    )


def tquartic(n: int = 1000) -> nc.Problem:
    """(x_1 - 1)^2 + sum (x_1^2 - x_i^2)^2: minima at every choice of signs. [TQUARTIC]"""
    x = _unknowns(n)
    return nc.Problem(
        (x[0] - 1) ** 2 + sp.Sum((x[0] ** 2 - x[i] ** 2) ** 2, (i, 1, n - 1)),
        start={x: 0.1},
        known=[nc.Minimum({x: 1.0}, value=0.0)],
        constants={"minimum": 0},
    )


def fletcher_chained(n: int = 100) -> nc.Problem:
    """Fletcher's chained Rosenbrock: 100 (x_(i+1) - x_i + 1 - x_i^2)^2. [Fletcher; FLETCHCR]"""
    x = _unknowns(n)
    return nc.Problem(
        sp.Sum(100 * (x[i + 1] - x[i] + 1 - x[i] ** 2) ** 2, (i, 0, n - 2)), start={x: 0.0}, constants={"minimum": 0}
    )


def cosine(n: int = 1000) -> nc.Problem:
    """Sum of cos(x_i^2 - x_(i+1) / 2): hills everywhere. [Luksan; COSINE]"""
    x = _unknowns(n)
    return nc.Problem(
        sp.Sum(sp.cos(x[i] ** 2 - x[i + 1] / 2), (i, 0, n - 2)), start={x: 1.0}, constants={"minimum": 1 - n}
    )


def scaled_cosine(n: int = 100) -> nc.Problem:
    """The cosines with variables scaled from 1 to e^12. [Luksan; SCOSINE]"""
    x = _unknowns(n)
    s, scales = sp.IndexedBase("s", shape=(n,)), np.exp(12 * np.arange(n) / (n - 1))
    return nc.Problem(
        sp.Sum(sp.cos(s[i] ** 2 * x[i] ** 2 - s[i + 1] * x[i + 1] / 2), (i, 0, n - 2)),
        data={s: scales},
        start={x: 1 / scales},
        constants={"minimum": 1 - n},
    )


def humps() -> nc.Problem:
    """A bowl full of bumps, from far away. [Andrei; HUMPS]"""
    x, y = sp.symbols("x y")
    return nc.Problem(
        (x**2 + y**2) / 20 + (sp.sin(20 * x) * sp.sin(20 * y)) ** 2,
        start={x: -506.0, y: -506.2},
        known=[nc.Minimum({x: 0.0, y: 0.0}, value=0.0)],
        constants={"minimum": 0},
    )


def generalised_humps(n: int = 100) -> nc.Problem:
    """Bumps on a bowl, chained: 5 million local minima for n = 5 already. [GENHUMPS]"""
    x = _unknowns(n)
    start = np.full(n, 506.2)
    start[0] = -506
    term = (sp.sin(2 * x[i]) * sp.sin(2 * x[i + 1])) ** 2 + (x[i] ** 2 + x[i + 1] ** 2) / 20
    return nc.Problem(
        sp.Sum(term, (i, 0, n - 2)),
        start={x: start},
        known=[nc.Minimum({x: 0.0}, value=0.0)],
        constants={"minimum": 0},
    )


def schmidt_vetters(n: int = 1000) -> nc.Problem:
    """Schmidt-Vetters: a rational, a sine and an exponential term of three neighbours. [SCHMVETT]"""
    x = _unknowns(n, 3)
    a, b, c = x[i], x[i + 1], x[i + 2]
    term = 1 / (1 + (a - b) ** 2) + sp.sin((sp.pi * b + c) / 2) + sp.exp(-(((a + c) / b - 2) ** 2))
    return nc.Problem(-sp.Sum(term, (i, 0, n - 3)), start={x: 0.5}, constants={"minimum": -3.0 * (n - 2)})


def nonconvex_chain(n: int = 100) -> nc.Problem:
    """s^2 + 4 cos s over sums s of three far variables; saddles all along. [Nash 1984; NONCVXUN]"""
    x = _unknowns(n, 4)
    own = np.arange(1, n + 1)
    tables = {"second": (2 * own - 1) % n, "third": (3 * own - 1) % n}
    P, Q = (sp.IndexedBase(name, shape=(n,)) for name in tables)
    s = x[i] + x[P[i]] + x[Q[i]]
    return nc.Problem(
        sp.Sum(s**2 + 4 * sp.cos(s), (i, 0, n - 1)),
        data=dict(zip((P, Q), tables.values(), strict=True)),
        start={x: own.astype(float)},
    )


def cube(n: int = 5) -> nc.Problem:
    """Cube: (x_1 - 1)^2 + 100 sum (x_i - x_(i-1)^3)^2, a sharper Rosenbrock. [Leon 1966; More & Wild 2009]"""
    x = _unknowns(n)
    return nc.Problem(
        (x[0] - 1) ** 2 + 100 * sp.Sum((x[i] - x[i - 1] ** 3) ** 2, (i, 1, n - 1)),
        start={x: 0.5},
        known=[nc.Minimum({x: 1.0}, value=0.0)],
        constants={"minimum": 0},
    )


def mancino(n: int = 10) -> nc.Problem:
    """Mancino: roots, sines and cosines of logarithms, a value of 1e9 at the start. [Mancino 1975; More & Wild 2009]"""
    x = _unknowns(n)
    number = np.arange(1.0, n + 1)
    ratio, cubes = number[:, None] / number, (number - 50) ** 3
    R, c = sp.IndexedBase("R", shape=(n, n)), sp.IndexedBase("c", shape=(n,))
    v = sp.sqrt(x[i] ** 2 + R[i, j])
    total = sp.Sum(v * (sp.sin(sp.log(v)) ** 5 + sp.cos(sp.log(v)) ** 5), (j, 0, n - 1))
    at_zero = np.sqrt(ratio) * (np.sin(np.log(ratio) / 2) ** 5 + np.cos(np.log(ratio) / 2) ** 5)
    return nc.Problem(
        sp.Sum((1400 * x[i] + c[i] + total) ** 2, (i, 0, n - 1)),
        data={R: ratio, c: cubes},
        start={x: -8.710996e-4 * (cubes + at_zero.sum(axis=1))},
        constants={"minimum": 0},
    )


def heart_dipole() -> nc.Problem:
    """Heart dipole: eight polynomial equations, nearly singular. [Nelson & Hodgkin 1981; More & Wild 2009]"""
    a, b, c, d, t, u, v, w = sp.symbols("a b c d t u v w")
    moments = ("-0.69", "-0.044", "-1.57", "-1.31", "-2.65", "2", "-12.6", "9.48")
    mx, my, A, B, C, D, E, F = map(sp.Rational, moments)
    p, q, r, s = (k * (k**2 - 3 * m**2) for k, m in ((t, v), (v, t), (u, w), (w, u)))
    residuals = [
        a + b - mx,
        c + d - my,
        t * a + u * b - v * c - w * d - A,
        v * a + w * b + t * c + u * d - B,
        a * (t**2 - v**2) - 2 * c * t * v + b * (u**2 - w**2) - 2 * d * u * w - C,
        c * (t**2 - v**2) + 2 * a * t * v + d * (u**2 - w**2) + 2 * b * u * w - D,
        a * p + c * q + b * r + d * s - E,
        c * p - a * q + d * r - b * s - F,
    ]
    start = (-0.3, -0.39, 0.3, -0.344, -1.2, 2.69, 1.59, -1.5)
    return nc.Problem(
        sp.Add(*(r**2 for r in residuals)),
        variables=[a, b, c, d, t, u, v, w],
        start=dict(zip((a, b, c, d, t, u, v, w), start, strict=True)),
        constants={"minimum": 0},
    )
