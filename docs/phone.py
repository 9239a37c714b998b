"""Find a phone by its distances to four masts along a road."""
import numpy as np
import sympy as sp

import ncsolve as nc

masts = np.array([[0.0, 0.0], [3.0, 0.0], [6.0, 0.0], [9.0, 0.0]])
measured = np.array([5.8, 3.7, 3.1, 5.1])

x, y = sp.symbols("x y")
i = sp.Symbol("i", integer=True)
M = sp.IndexedBase("M", shape=masts.shape)
d = sp.IndexedBase("d", shape=measured.shape)

problem = nc.Problem(
    sp.Sum((sp.sqrt((x - M[i, 0]) ** 2 + (y - M[i, 1]) ** 2) - d[i]) ** 2, (i, 0, 3)),
    data={M: masts, d: measured},
    start={x: 4, y: 0},
)
