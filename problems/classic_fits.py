"""Curves fitted to data by least squares, from their standard starts. [More, Garbow & Hillstrom 1981]"""

from typing import Any

import numpy as np
import sympy as sp

import ncsolve as nc

i = sp.Symbol("i", integer=True)
x1, x2, x3, x4, x5, x6 = sp.symbols("x1:7")

KOWALIK_OSBORNE = [
    (4.0, 0.1957), (2.0, 0.1947), (1.0, 0.1735), (0.5, 0.1600), (0.25, 0.0844), (0.167, 0.0627), (0.125, 0.0456),
    (0.1, 0.0342), (0.0833, 0.0323), (0.0714, 0.0235), (0.0625, 0.0246),
]  # fmt: skip
BARD = [0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39]
GAUSSIAN = [0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521, 0.3989]
MEYER = [
    34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427, 3820, 3307, 2872,
]  # fmt: skip
OSBORNE_1 = [
    0.844, 0.908, 0.932, 0.936, 0.925, 0.908, 0.881, 0.850, 0.818, 0.784, 0.751, 0.718, 0.685, 0.658, 0.628,
    0.603, 0.580,     0.558, 0.538, 0.522, 0.506, 0.490, 0.478, 0.467, 0.457, 0.448, 0.438, 0.431, 0.424, 0.420,
    0.414, 0.411, 0.406,
]  # fmt: skip
OSBORNE_2 = [
    1.366, 1.191, 1.112, 1.013, 0.991, 0.885, 0.831, 0.847, 0.786, 0.725, 0.746, 0.679, 0.608, 0.655, 0.616,
    0.606, 0.602,     0.626, 0.651, 0.724, 0.649, 0.649, 0.694, 0.644, 0.624, 0.661, 0.612, 0.558, 0.533, 0.495,
    0.500, 0.423, 0.395, 0.375,     0.372, 0.391, 0.396, 0.405, 0.428, 0.429, 0.523, 0.562, 0.607, 0.653, 0.672,
    0.708, 0.633, 0.668, 0.645, 0.632, 0.591,     0.559, 0.597, 0.625, 0.739, 0.710, 0.729, 0.720, 0.636, 0.581,
    0.428, 0.292, 0.162, 0.098, 0.054,
]  # fmt: skip


def _fit(residual: Any, columns: dict[sp.IndexedBase, Any], **declared: Any) -> nc.Problem:
    """The sum over all rows of the data of residual**2."""
    count = len(next(iter(columns.values())))
    data = {column: np.asarray(values, dtype=float) for column, values in columns.items()}
    return nc.Problem(sp.Sum(residual**2, (i, 0, count - 1)), data=data, **declared)


def _columns(names: str, count: int) -> list[sp.IndexedBase]:
    return [sp.IndexedBase(name, shape=(count,)) for name in names.split()]


def jennrich_sampson() -> nc.Problem:
    """Jennrich-Sampson: two exponentials that cannot fit, 2 + 2i = exp(i x1) + exp(i x2). [MGH 6]"""
    (t,) = _columns("t", 10)
    return _fit(
        2 + 2 * t[i] - sp.exp(t[i] * x1) - sp.exp(t[i] * x2),
        {t: np.arange(1, 11)},
        start={x1: 0.3, x2: 0.4},
        constants={"minimum": 124.36218235561473},
    )


def bard() -> nc.Problem:
    """Bard: y = x1 + u / (v x2 + w x3); 17.43 is approached at infinity. [MGH 8; Bard 1970]"""
    u, v, w, y = _columns("u v w y", 15)
    number = np.arange(1, 16)
    return _fit(
        y[i] - x1 - u[i] / (v[i] * x2 + w[i] * x3),
        {u: number, v: 16 - number, w: np.minimum(number, 16 - number), y: BARD},
        start={x1: 1, x2: 1, x3: 1},
        constants={"minimum": 0.008214877306578963},
    )


def gaussian() -> nc.Problem:
    """Gaussian: y = x1 exp(-x2 (t - x3)^2 / 2), nearly solved at its start. [MGH 9]"""
    t, y = _columns("t y", 15)
    return _fit(
        x1 * sp.exp(-x2 * (t[i] - x3) ** 2 / 2) - y[i],
        {t: (8 - np.arange(1, 16)) / 2, y: GAUSSIAN + GAUSSIAN[-2::-1]},
        start={x1: 0.4, x2: 1, x3: 0},
        constants={"minimum": 1.1279327696189e-08},
    )


def meyer() -> nc.Problem:
    """Meyer: y = x1 exp(x2 / (t + x3)), a thermistor; the Hessian has condition 1e15. [MGH 10; Meyer 1970]"""
    t, y = _columns("t y", 16)
    return _fit(
        x1 * sp.exp(x2 / (t[i] + x3)) - y[i],
        {t: 45 + 5 * np.arange(1, 17), y: MEYER},
        start={x1: 0.02, x2: 4000, x3: 250},
        constants={"minimum": 87.94585517},
    )


def gulf(m: int = 99) -> nc.Problem:
    """Gulf research and development: t = exp(-|y - x2|^x3 / x1). [MGH 11; Cox 1969]"""
    t, y = _columns("t y", m)
    times = np.arange(1, m + 1) / 100
    return _fit(
        sp.exp(-(sp.Abs(y[i] - x2) ** x3) / x1) - t[i],
        {t: times, y: 25 + (-50 * np.log(times)) ** (2 / 3)},
        start={x1: 5, x2: 2.5, x3: 0.15},
        constants={"minimum": 0},
    )


def box_three_dimensional(m: int = 10) -> nc.Problem:
    """Box: exp(-t x1) - exp(-t x2) = x3 (exp(-t) - exp(-10 t)), zero along two lines. [MGH 12; Box 1966]"""
    (t,) = _columns("t", m)
    return _fit(
        sp.exp(-t[i] * x1) - sp.exp(-t[i] * x2) - x3 * (sp.exp(-t[i]) - sp.exp(-10 * t[i])),
        {t: np.arange(1, m + 1) / 10},
        start={x1: 0, x2: 10, x3: 20},
        known=[nc.Minimum({x1: 1, x2: 10, x3: 1}, value=0.0)],
        constants={"minimum": 0},
    )


def kowalik_osborne() -> nc.Problem:
    """Kowalik-Osborne: an enzyme's rational rate law; 0.00102734 is approached at infinity. [MGH 15]"""
    u, y = _columns("u y", 11)
    values = np.array(KOWALIK_OSBORNE)
    return _fit(
        y[i] - x1 * (u[i] ** 2 + u[i] * x2) / (u[i] ** 2 + u[i] * x3 + x4),
        {u: values[:, 0], y: values[:, 1]},
        start={x1: 0.25, x2: 0.39, x3: 0.415, x4: 0.39},
        constants={"minimum": 0.00030750560384924},
    )


def brown_dennis(m: int = 20) -> nc.Problem:
    """Brown-Dennis: (x1 + t x2 - exp t)^2 + (x3 + x4 sin t - cos t)^2, large residuals. [MGH 16]"""
    (t,) = _columns("t", m)
    return _fit(
        (x1 + t[i] * x2 - sp.exp(t[i])) ** 2 + (x3 + x4 * sp.sin(t[i]) - sp.cos(t[i])) ** 2,
        {t: np.arange(1, m + 1) / 5},
        start={x1: 25, x2: 5, x3: -5, x4: -1},
        constants={"minimum": 85822.20162635628} if m == 20 else {},
    )


def osborne_1() -> nc.Problem:
    """Osborne 1: y = x1 + x2 exp(-t x4) + x3 exp(-t x5). [MGH 17; Osborne 1972]"""
    t, y = _columns("t y", 33)
    return _fit(
        y[i] - x1 - x2 * sp.exp(-t[i] * x4) - x3 * sp.exp(-t[i] * x5),
        {t: 10 * np.arange(33), y: OSBORNE_1},
        start={x1: 0.5, x2: 1.5, x3: -1, x4: 0.01, x5: 0.02},
        constants={"minimum": 5.464894697482687e-05},
    )


def biggs_exp6(m: int = 13) -> nc.Problem:
    """Biggs EXP6: three exponentials; a minimum of 0.00566 beside those of value 0. [MGH 18; Biggs 1971]"""
    t, y = _columns("t y", m)
    times = np.arange(1, m + 1) / 10
    return _fit(
        x3 * sp.exp(-t[i] * x1) - x4 * sp.exp(-t[i] * x2) + x6 * sp.exp(-t[i] * x5) - y[i],
        {t: times, y: np.exp(-times) - 5 * np.exp(-10 * times) + 3 * np.exp(-4 * times)},
        start={x1: 1, x2: 2, x3: 1, x4: 1, x5: 1, x6: 1},
        constants={"minimum": 0},
    )


def osborne_2() -> nc.Problem:
    """Osborne 2: a decay and three Gaussian peaks, 11 variables. [MGH 19; Osborne 1972]"""
    t, y = _columns("t y", 65)
    x = sp.IndexedBase("x", shape=(11,))
    peaks = [x[k + 1] * sp.exp(-((t[i] - x[k + 8]) ** 2) * x[k + 5]) for k in range(3)]
    return _fit(
        y[i] - x[0] * sp.exp(-t[i] * x[4]) - sp.Add(*peaks),
        {t: np.arange(65) / 10, y: OSBORNE_2},
        start={x: np.array([1.3, 0.65, 0.65, 0.7, 0.6, 3, 5, 7, 2, 4.5, 5.5])},
        constants={"minimum": 0.0401377362935477},
    )


def watson(n: int = 6) -> nc.Problem:
    """Watson: a polynomial that solves an ordinary differential equation; ill-conditioned. [MGH 20]"""
    if not 2 <= n <= 31:
        raise ValueError(f"Watson's function has 2 to 31 variables, not {n}")
    x = sp.IndexedBase("x", shape=(n,))
    P, D = sp.IndexedBase("P", shape=(29, n)), sp.IndexedBase("D", shape=(29, n))
    j = sp.Symbol("j", integer=True)
    powers = (np.arange(1, 30)[:, None] / 29) ** np.arange(n)
    slopes = np.arange(n) * np.roll(powers, 1, axis=1)
    slope, value = (sp.Sum(M[i, j] * x[j], (j, 0, n - 1)) for M in (D, P))
    lowest = {6: 0.00228767005355, 9: 1.399760138e-06, 12: 4.7223811e-10}
    return nc.Problem(
        sp.Sum((slope - value**2 - 1) ** 2, (i, 0, 28)) + x[0] ** 2 + (x[1] - x[0] ** 2 - 1) ** 2,
        data={P: powers, D: slopes},
        start={x: 0.0},
        constants={"minimum": lowest[n]} if n in lowest else {},
    )
