"""Chained Rosenbrock: one narrow curved valley. [Rosenbrock 1960; Kok & Sandrock 2009]"""

import sympy as sp

import ncsolve as nc

LOCAL_MINIMUM = [
    -0.9620510206947501,
    0.93573939597671,
    0.8807136041943205,
    0.7778776758544064,
    0.6050936785926528,
]
SADDLE = [
    -0.5574683158988488,
    0.3247400428337763,
    0.11656732144533992,
    0.02335439646429822,
    0.0005454278342116253,
]


def problem(n: int = 10) -> nc.Problem:
    if n < 2:
        raise ValueError(f"the chain needs at least 2 variables, not {n}")
    x = sp.IndexedBase("x", shape=(n,))
    i = sp.Symbol("i", integer=True)
    known = [nc.Minimum({x: 1.0}, value=0.0)]
    if n == 5:
        known += [
            nc.Minimum({x: LOCAL_MINIMUM}, value=3.930839434133028),
            nc.Saddle({x: SADDLE}, index=1, value=4.657371428200574),
        ]
    return nc.Problem(
        sp.Sum(100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2, (i, 0, n - 2)),
        bounds={x: (-5, 5)},
        start={x: -1.2},
        known=known,
        constants={"minimum": 0},
    )
