"""Methods in a trust region: one step of all of them, whatever their model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ncsolve_second_order.faces import QuadraticModel, minimise_inside
from ncsolve_second_order.ratio import Bounded, Objective, Trial, has_gradient, shortening, too_short, try_step

Vector = NDArray[np.float64]

ACCEPT, POOR, GOOD = 1e-4, 0.25, 0.75
GROWTH = 2.5


@dataclass(frozen=True)
class RegionState:
    """A point and the trust region around it."""

    x: Vector
    objective: float
    gradient: Vector
    radius: float
    first: float = 0.0
    """|g| at the first point."""
    stalled: bool = False


class Accepted(NamedTuple):
    """The step that was accepted, or None, and the radius that follows."""

    trial: Trial | None
    radius: float


def first_radius(radius: float | None, max_radius: float, x0: Vector) -> float:
    """Delta to begin with."""
    return min(radius or max(1.0, float(np.abs(x0).max())), max_radius)


def region_step(
    oracle: Bounded,
    state: RegionState,
    model: QuadraticModel,
    max_radius: float,
    *,
    excess: float = 0.0,
    objective: Objective | None = None,
) -> Accepted:
    """Shorten Delta until x + p lowers f as the model promised [Conn, Gould & Toint 2000, Alg. 6.1.1].

    `excess` is how far above f(x) a non-monotone method measures from; `objective` is what f and g are taken from.
    """
    x, f, g, radius = state.x, state.objective, state.gradient, state.radius
    while not too_short(radius, x):
        p, restricted = minimise_inside(oracle, model, x, radius)
        promised, length = -model.value(p), float(np.linalg.norm(p))
        if not (promised > 0 and math.isfinite(length)):  # lost in the rounding of a large H
            radius /= 4
            continue
        trial = try_step(objective or oracle, x, f, g, p, promised)
        accepted = relaxed(trial.rho, f - trial.f, promised, excess) > ACCEPT
        if accepted and has_gradient(objective or oracle, trial.x):
            return Accepted(trial, radius_after(radius, length, trial.rho, restricted, max_radius))
        bend = trial.f - f if not accepted else math.inf
        radius = shortening(float(g.dot(p)), bend) * min(length, radius)
    return Accepted(None, radius)


def relaxed(rho: float, fall: float, promised: float, excess: float) -> float:
    """The ratio of a non-monotone method: rho, or the fall below the highest of the last values, if that is larger.

    `excess` is how far that highest value lies above f(x). Steps along curved valleys may rise for a while, and global
    convergence is kept [Grippo, Lampariello & Lucidi 1986; Toint 1996].
    """
    return max(rho, (excess + fall) / (excess + promised)) if excess > 0 else rho


def radius_after(radius: float, length: float, rho: float, restricted: bool, max_radius: float) -> float:
    """Delta after an accepted step of this length."""
    if rho < POOR:
        return (0.5 if rho > 0 else 0.25) * length
    return min(max(radius, GROWTH * length), max_radius) if rho > GOOD and restricted else radius
