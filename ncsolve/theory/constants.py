"""Constants of a problem with their provenance: what bounds are computed from, and how far it can be trusted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import OptionError, did_you_mean
from ncsolve.problem.known import CONSTANTS, Minimum

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

__all__ = [
    "CERTIFIED",
    "CLOSED_FORM",
    "DECLARED",
    "SAMPLED",
    "Constant",
    "checked_claims",
    "constants_of",
    "nearest_minimiser",
]

Vector = NDArray[np.float64]

CLOSED_FORM, CERTIFIED, DECLARED, SAMPLED = "closed-form", "certified(box)", "declared", "sampled"
LARGEST = 1000
"""Variables up to which eigenvalues of the Hessian are computed."""
POINTS = 64
ROUNDING = 1e-12


@dataclass(frozen=True)
class Constant:
    """A number and where it comes from: a sampled one can refute, never confirm. The best one is in [lower, upper]."""

    value: float
    provenance: str
    lower: float = -math.inf
    upper: float = math.inf


def checked_claims(claims: Mapping[str, object]) -> dict[str, float]:
    """Constants that a user claims: known names, finite numbers. Strong convexity 0 says that f is convex."""
    checked: dict[str, float] = {}
    for name, value in claims.items():
        if name not in CONSTANTS:
            hint = did_you_mean(str(name), CONSTANTS) or f" The constants are {', '.join(CONSTANTS)}."
            raise OptionError(f"There is no constant '{name}'.{hint}")
        try:
            number = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number) or (name != "minimum" and number < 0) or (name in POSITIVE and number == 0):
            wanted = "a number" if name == "minimum" else "a positive number" if name in POSITIVE else "at least 0"
            raise OptionError(f"Constant '{name}' must be {wanted}, not {value!r}.")
        checked[name] = number
    return checked


POSITIVE = ("smoothness", "pl")


def constants_of(oracle: Oracle, claims: Mapping[str, float], x0: Vector) -> dict[str, Constant]:
    """Every constant that is to be had, by name: as claimed, else exact, else declared by the problem, else sampled.

    A strongly convex f is mu-PL with the same constant. What nobody gave is sampled at x0 and random points: a largest
    curvature from below, a least one and a pl constant from above; a minimum never is.
    """
    found = {name: Constant(value, DECLARED) for name, value in claims.items()}
    for name, value in exact(oracle).items():
        found.setdefault(name, Constant(value, CLOSED_FORM))
    for name, value in declared(oracle).items():
        found.setdefault(name, Constant(value, DECLARED))
    convexity = found.get("strong_convexity")
    if convexity is not None and convexity.value > 0:
        found.setdefault("pl", convexity)
    for name, value in sampled(oracle, x0, found).items():
        found.setdefault(name, Constant(value, SAMPLED))
    return found


def declared(oracle: Oracle) -> dict[str, float]:
    """What the problem says of itself: its constants, and the lowest of its known minima."""
    values = dict(oracle.constants)
    minima = [p.value for p in oracle.problem.known if isinstance(p, Minimum) and p.value is not None]
    if minima:
        values.setdefault("minimum", min(minima))
    return values


def exact(oracle: Oracle) -> dict[str, float]:
    """Of a quadratic f, by the eigenvalues w of its Hessian: L = max |w|, m = min w, mu the least w > 0, M = 0, f*."""
    structure = oracle.structure
    if not structure.quadratic or oracle.n > LARGEST:
        return {}
    with oracle.uncounted():
        origin = np.zeros(oracle.n)
        w, Q = np.linalg.eigh(oracle.hessian(origin, dense=True))
        f, g = oracle.value_and_gradient(origin)
        size = float(np.abs(w).max())
        if size == 0:
            return {}
        zero = ROUNDING * size * oracle.n
        values = {"smoothness": size, "hessian_lipschitz": 0.0}
        if w[0] < -zero:
            return values
        values["strong_convexity"] = float(w[0]) if w[0] > zero else 0.0
        along = Q.T @ g
        positive = w > zero
        if np.abs(along[~positive]).max(initial=0.0) <= ROUNDING * max(1.0, float(np.abs(along).max())):
            values["pl"] = float(w[positive].min())
            values["minimum"] = float(f - 0.5 * (along[positive] ** 2 / w[positive]).sum())
        return values


def sampled(oracle: Oracle, x0: Vector, known: Mapping[str, Constant]) -> dict[str, float]:
    """Estimates at x0 and at random points, of what is not known and can be estimated."""
    wanted = {"smoothness", "strong_convexity", "pl"} - set(known)
    if not wanted or oracle.n > LARGEST // 10:
        return {}
    rng = np.random.default_rng(0)
    points = [x0, *(oracle.problem.random_point(rng) for _ in range(POINTS))]
    values: dict[str, float] = {}
    with oracle.uncounted(), np.errstate(all="ignore"):
        if wanted & {"smoothness", "strong_convexity"}:
            matrices = [oracle.hessian(x, dense=True) for x in points]
            w = np.array([np.linalg.eigvalsh(H) for H in matrices if np.isfinite(H).all()])
            if w.size:
                values["smoothness"] = float(np.abs(w).max())
                if w.min() >= 0:
                    values["strong_convexity"] = float(w.min())
        if "pl" in wanted and "minimum" in known:
            f, g = oracle.value_and_gradient(np.array(points))
            gap = f - known["minimum"].value
            ratio = (g * g).sum(axis=1)[gap > 0] / (2 * gap[gap > 0])
            if ratio.size and ratio.min() > 0:
                values["pl"] = float(ratio.min())
    return {name: value for name, value in values.items() if name in wanted and math.isfinite(value)}


def nearest_minimiser(oracle: Oracle, x0: Vector, minimum: float | None) -> Vector | None:
    """x*: of a convex quadratic the minimiser nearest to x0, else the nearest known minimum with the value f*."""
    if oracle.structure.quadratic and oracle.n <= LARGEST:
        with oracle.uncounted():
            H, g = oracle.hessian(x0, dense=True), oracle.gradient(x0)
        if float(np.linalg.eigvalsh(H)[0]) >= -ROUNDING * float(np.abs(H).max()) * oracle.n:
            return np.asarray(x0 - np.linalg.lstsq(H, g, rcond=ROUNDING)[0])
    problem, best = oracle.problem, []
    for point in problem.known:
        if isinstance(point, Minimum):
            x = problem.pack(point.point)
            with oracle.uncounted():
                value = oracle.value(x)
            if minimum is not None and abs(value - minimum) <= 1e-9 * max(1.0, abs(minimum)):
                best.append(x)
    return min(best, key=lambda x: float(np.linalg.norm(x - x0)), default=None)
