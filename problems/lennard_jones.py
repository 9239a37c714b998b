"""Lennard-Jones cluster: atoms in pairs, the minima beyond counting. [Northby 1987; Wales & Doye 1997]"""

from dataclasses import dataclass

import numpy as np
import sympy as sp

import ncsolve as nc
from ncsolve.problem import Sampler

DISTANCE = 2 ** (1 / 6)
GLOBAL_MINIMUM = {
    2: -1.0,
    3: -3.0,
    4: -6.0,
    5: -9.103852415707557,
    6: -12.712062256809341,
    7: -16.505384168012217,
    8: -19.821489192154765,
    9: -24.113360433647184,
    10: -28.422531893437558,
    11: -32.76597008997901,
    12: -37.96759956236393,
    13: -44.32680141953402,
}
ICOSAHEDRON_RADIUS = 1.0818382885513657


@dataclass(frozen=True)
class JitteredLattice(Sampler):
    """The sites of a cubic lattice nearest its middle, each moved by N(0, jitter^2), so that no two atoms coincide."""

    spacing: float
    jitter: float

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        edge = int(np.ceil(round(shape[0] ** (1 / 3), 9)))
        sites = np.stack(np.meshgrid(*3 * [np.arange(edge) - (edge - 1) / 2], indexing="ij"), axis=-1).reshape(-1, 3)
        nearest = np.argsort((sites**2).sum(axis=1), kind="stable")[: shape[0]]
        return self.spacing * sites[nearest] + rng.normal(0.0, self.jitter, shape)


def icosahedron() -> np.ndarray:
    """An atom in the middle and twelve around it."""
    golden = (1 + 5**0.5) / 2
    corners = np.array([(0, a, b * golden) for a in (1, -1) for b in (1, -1)]) / np.hypot(1, golden)
    around = np.concatenate([np.roll(corners, turn, axis=1) for turn in range(3)])
    return np.vstack([np.zeros(3), ICOSAHEDRON_RADIUS * around])


def problem(atoms: int = 13) -> nc.Problem:
    """Energy 4 sum_(i<j) (r_ij^-12 - r_ij^-6) of the positions X, in units of the well depth and the zero distance."""
    if atoms < 2:
        raise ValueError(f"a cluster needs at least 2 atoms, not {atoms}")
    X = sp.IndexedBase("X", shape=(atoms, 3))
    i, j, d = sp.symbols("i j d", integer=True)
    squared = sp.Sum((X[i, d] - X[j, d]) ** 2, (d, 0, 2))
    pairs = (j, i + 1, atoms - 1), (i, 0, atoms - 2)
    known = {
        2: [(0, 0, 0), (DISTANCE, 0, 0)],
        3: [(0, 0, 0), (DISTANCE, 0, 0), (DISTANCE / 2, DISTANCE * 3**0.5 / 2, 0)],
        4: DISTANCE / 8**0.5 * np.array([(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)]),
        13: icosahedron(),
    }
    value = GLOBAL_MINIMUM.get(atoms)
    return nc.Problem(
        4 * sp.Sum(squared**-6 - squared**-3, *pairs),
        start={X: JitteredLattice(spacing=DISTANCE, jitter=0.1)},
        known=[nc.Minimum({X: known[atoms]}, value=value)] if atoms in known else [],
        constants={} if value is None else {"minimum": value},
    )
