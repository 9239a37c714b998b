"""What the samplers share: their options, where chains start, how long a step is, and walls that throw them back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ncsolve.solving import option

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Array = NDArray[np.float64]
PRODUCTS = 20
"""Steps of the power iteration that measures the curvature where nothing is declared."""


@dataclass(frozen=True)
class Chains:
    """Options of a solver that advances many Markov chains together. A base class: a solver inherits them."""

    step_size: float | None = option(None, "eta", above=0)
    inverse_temperature: float = option(1.0, "beta", above=0)
    chains: int = option(4, "chains that advance together", at_least=1)
    burn_in: int = option(0, "first iterations that are not kept as samples", at_least=0)
    thin: int = option(1, "keep every so many iterations", at_least=1)
    scattered: bool = option(False, "start all chains but the first at random points of the problem, as R-hat wants it")

    def first_points(self, oracle: Oracle, x0: Array, rng: np.random.Generator) -> Array:
        """Where the chains start, (chains, n): all at x0, or all but the first at random points of the problem."""
        points = np.tile(x0, (self.chains, 1))
        if self.scattered:
            points[1:] = [oracle.problem.random_point(rng) for _ in range(self.chains - 1)]
        return points


def noisy_step(
    oracle: Oracle, chains: Array, gradients: Array, eta: float, beta: float, rng: np.random.Generator
) -> Array:
    """x - eta g + sqrt(2 eta / beta) xi of every chain, (chains, n), reflected at the bounds; xi is standard normal."""
    moved = rng.standard_normal(chains.shape)
    moved *= math.sqrt(2 * eta / beta)
    moved += chains
    moved -= eta * gradients
    return reflected(moved, oracle.lower, oracle.upper)


def smoothness(oracle: Oracle, x0: Array, rng: np.random.Generator) -> float:
    """The declared L, else the size of the Hessian's largest eigenvalue at x0, by power iteration; 1 if that is 0."""
    declared = oracle.constants.get("smoothness")
    if declared is not None:
        return declared
    v, size = rng.standard_normal(oracle.n), 0.0
    for _ in range(PRODUCTS):
        v = oracle.hvp(x0, v / float(np.linalg.norm(v)))
        size = float(np.linalg.norm(v))
        if not (np.isfinite(size) and size > 0):
            return 1.0
    return size


def reflected(points: Array, lower: Array | None, upper: Array | None) -> Array:
    """The points (chains, n), folded back at the bounds as often as they were crossed."""
    if lower is None or upper is None or ((points >= lower).all() and (points <= upper).all()):
        return points
    low, high = np.isfinite(lower), np.isfinite(upper)
    folded = np.where(low & (points < lower), 2 * lower - points, points)
    folded = np.where(high & (points > upper), 2 * upper - points, folded)
    box = low & high
    width = np.where(box, upper - lower, 1.0)
    phase = np.mod(points - np.where(box, lower, 0.0), 2 * width)
    folded = np.where(box, lower + np.minimum(phase, 2 * width - phase), folded)
    return np.asarray(np.clip(folded, lower, upper))  # rounding


def lowest(values: Array) -> int:
    """The chain with the lowest objective, or one where it is not finite: the run ends there."""
    k = int(values.argmin())  # of nan, the first
    return k if np.isfinite(values.sum()) else int(np.argmin(np.isfinite(values)))
