"""All linear symmetries of f that are found: groups, what gradient flow conserves, a gauge, signs and permutations.

    found = symmetries(oracle)
    len(found.generators), found.group          # 4, "GL(2)"
    found.conserved                             # x^T A x / 2 + b^T x of each symmetric generator
    found.gauge                                 # variables to hold, after which no generator moves a point

A generator (A, b) has grad f(x) . (A x + b) = 0. Along x' = -grad f(x) a symmetric one conserves
Q(x) = x^T A x / 2 + b^T x, as dQ/dt = -grad f . (A x + b) = 0. [Kunin et al. 2021; Tanaka & Kunin 2021]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.discrete import Discrete, discrete_symmetries
from ncsolve.critical.lie import group_name, symmetric
from ncsolve.critical.symmetry import Generators, generators

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

__all__ = ["Symmetries", "conserved_value", "gauge", "symmetries"]

Vector = NDArray[np.float64]
Places = NDArray[np.intp]

CLEAR = 1e-9  # an entry of a generator below is 0


@dataclass(frozen=True, eq=False)
class Symmetries:
    """What leaves f as it is; bounds, penalties and constraints are not looked at."""

    generators: Generators
    """d of them, simple ones."""

    group: str
    """Name of the connected group that they generate; "" where it is not known."""

    conserved: Generators
    """A basis of the symmetric ones: gradient flow conserves x^T A x / 2 + b^T x."""

    gauge: Places
    """Variables that, held at the values they have at some point, leave no continuous symmetry around it."""

    discrete: tuple[Discrete, ...]
    """Changes of sign and permutations of variables, from which others are composed."""


def symmetries(oracle: Oracle, seed: int = 0) -> Symmetries:
    """Find them by values and derivatives at random points, where they hold to rounding."""
    rng = np.random.default_rng(seed)
    with oracle.uncounted(), np.errstate(all="ignore"):
        x = oracle.project(oracle.problem.random_point(rng))
        found = generators(oracle, x)
        discrete = tuple(discrete_symmetries(oracle, rng))
    return Symmetries(simple(found), group_name(found), simple(symmetric(found)), gauge(found, x), discrete)


def conserved_value(found: Generators, x: Vector) -> Vector:
    """x^T A x / 2 + b^T x of each symmetric generator, (d,): A x counts half, b whole."""
    weight = np.where(found.columns < found.n, 0.5, 1.0)
    ends = np.append(x, 1.0)[found.columns] * x[found.rows] * weight
    return np.asarray(found.values @ ends)


def simple(found: Generators) -> Generators:
    """Another basis, not orthonormal, with few entries: in reduced row echelon form."""
    values = found.values.copy()
    row = 0
    for column in range(values.shape[1]):
        if row == len(values):
            break
        pivot = row + int(np.argmax(np.abs(values[row:, column])))
        if np.abs(values[pivot, column]) <= CLEAR:
            continue
        values[[row, pivot]] = values[[pivot, row]]
        values[row] /= values[row, column]
        others = np.arange(len(values)) != row
        values[others] -= np.outer(values[others, column], values[row])
        row += 1
    nearest = np.round(values)
    values = np.where(np.abs(values - nearest) <= CLEAR, nearest, values)
    return Generators(found.n, found.rows, found.columns, values)


def gauge(found: Generators, x: Vector) -> Places:
    """As many variables as generators move x: fixing them is transversal to the orbit, by QR with pivoting."""
    from scipy.linalg import qr

    tangents = found.tangents(x)
    if not tangents.shape[1]:
        return np.zeros(0, dtype=np.intp)
    chosen = qr(tangents.T, mode="r", pivoting=True)[1][: tangents.shape[1]]
    return np.sort(np.asarray(chosen, dtype=np.intp))
