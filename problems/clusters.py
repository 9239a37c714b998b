"""k-means clustering of a real table. [MacQueen 1967; Lloyd 1982]"""

from pathlib import Path

import numpy as np
import sympy as sp

import ncsolve as nc

DATA = Path(__file__).parent / "data"
TABLES = ("iris", "wine", "digits")


def problem(table: str = "iris", clusters: int = 3) -> nc.Problem:
    """sum_i min_k |a_i - C_k|^2 over the rows a_i of iris (150 x 4), wine (178 x 13) or digits (1797 x 64).

    The lowest values known, from 1000 restarts of scikit-learn's KMeans: iris 152.347952, 78.851441, 57.228473 and
    46.446182 for 2 to 5 clusters; wine 2370689.687 for 3; digits 1165125.354 for 10.
    """
    points = read(table)
    count, width = points.shape
    if not 1 <= clusters <= count:
        raise ValueError(f"clusters must be from 1 to {count}, the number of points, not {clusters}")
    A, C = sp.IndexedBase("A", shape=(count, width)), sp.IndexedBase("C", shape=(clusters, width))
    i, d = sp.symbols("i d", integer=True)
    squares = [sp.Sum((A[i, d] - C[k, d]) ** 2, (d, 0, width - 1)) for k in range(clusters)]
    nearest = sp.Min(*squares, evaluate=False)  # SymPy would compare every pair of sums
    return nc.Problem(sp.Sum(nearest, (i, 0, count - 1)), data={A: points})


def read(table: str) -> np.ndarray:
    """The rows of a shipped table, without their classes."""
    if table not in TABLES:
        raise ValueError(f"table must be one of {', '.join(TABLES)}, not {table!r}")
    if table == "digits":
        with np.load(DATA / "digits.npz", allow_pickle=False) as file:
            return file["features"].astype(float)
    return np.loadtxt(DATA / f"{table}.csv", delimiter=",", skiprows=1)[:, :-1]
