"""Many starting points at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import OptionError

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Points = NDArray[np.float64]
Vector = NDArray[np.float64]
Sampling = Literal["random", "latin-hypercube", "sobol"]


def starting_points(
    oracle: Oracle, x0: Vector, count: int, sampling: Sampling, width: float | None, rng: np.random.Generator
) -> Points:
    """x0 and count - 1 more points, shape (count, n).

    "random" draws them as the problem does for `starts`, or uniformly in x0 +- width. A Latin hypercube [McKay, Beckman
    & Conover 1979] and Sobol's sequence, scrambled [Sobol 1967; Owen 1998], spread them evenly over the bounds, or
    x0 +- width. Raises OptionError where there are neither.
    """
    others = count - 1
    low, high = _box(oracle, x0, width)
    bounded = bool(np.isfinite(low).all() and np.isfinite(high).all())
    if sampling == "random" and width is None:
        drawn = np.array([oracle.problem.random_point(rng) for _ in range(others)]).reshape(others, oracle.n)
    elif not bounded:
        raise OptionError(
            f"Solver 'multistart' spreads its starts by '{sampling}' over a box, but problem '{oracle.problem.name}' "
            "has no finite bounds. Declare bounds={x: (low, high)} for every variable, give the option width, or take "
            "sampling=random."
        )
    else:
        drawn = low + (high - low) * _unit(others, oracle.n, sampling, rng)
    return np.concatenate([x0[None], drawn])


def _box(oracle: Oracle, x0: NDArray[np.float64], width: float | None) -> tuple[Points, Points]:
    """The bounds; where a side has none, x0 -+ width."""
    reach = np.inf if width is None else width
    low, high = x0 - reach, x0 + reach
    lower, upper = oracle.lower, oracle.upper
    if lower is None or upper is None:
        return low, high
    return np.where(np.isfinite(lower), lower, low), np.where(np.isfinite(upper), upper, high)


def _unit(count: int, n: int, sampling: Sampling, rng: np.random.Generator) -> Points:
    """Points in the unit cube."""
    if sampling == "random" or count == 0:
        return rng.random((count, n))
    from scipy.stats import qmc

    if sampling == "latin-hypercube":
        return np.asarray(qmc.LatinHypercube(n, rng=rng).random(count))
    sequence = qmc.Sobol(n, rng=rng)  # balanced for powers of two: the first `count` points of the next one
    return np.asarray(sequence.random_base2(max(count - 1, 1).bit_length())[:count])
