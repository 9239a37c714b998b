"""Is a problem what it says? Derivatives against values, and every known point against what is found there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.classify import AFFORDABLE, classify
from ncsolve.critical.spectrum import EPS

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle
    from ncsolve.problem.known import KnownPoint

__all__ = ["Check", "all_checks", "slope_of"]

Vector = NDArray[np.float64]

RANDOM_POINTS = 2  # besides the start
DRAWS = 20  # for each, until f is finite
SLOPES = {"gradient": (2, 1.8), "Hessian": (3, 2.7)}  # order of the Taylor remainder, and what still passes for it
HALVINGS, TAIL = 46, 5  # steps h = 1/2, 1/4, ...; the last few show rounding only
AGREEMENT = 1e-10  # of products and entries of the Hessian, relative to its size
CONSTRAINTS = "start, of the constraints"
DIGITS = 1e-6  # to which a declared value is believed


@dataclass(frozen=True)
class Check:
    """One thing looked at."""

    check: str
    ok: bool
    detail: str


def all_checks(oracle: Oracle, seed: int = 0) -> Iterator[Check]:
    """Value, gradient and Hessian at the start and at random points; then kind, index and value of each known point."""
    rng = np.random.default_rng(seed)
    problem = oracle.problem
    start = problem.start_point(rng)
    yield from derivatives(oracle, start, "start", rng)
    if oracle.constraints is not None:  # with random multipliers: their gradient holds the constraints themselves
        multipliers = rng.standard_normal(oracle.constraints.m)
        yield from derivatives(oracle.constraints.terms, np.concatenate([start, multipliers]), CONSTRAINTS, rng)
    for k in range(1, RANDOM_POINTS + 1):
        draws = (problem.random_point(rng) for _ in range(DRAWS))
        x = next((x for x in draws if np.isfinite(oracle.value_and_gradient(x)[1]).all()), None)
        if x is None:
            yield Check(
                f"value at random point {k}", True, f"not finite at {DRAWS} random points, so not checked there"
            )
        else:
            yield from derivatives(oracle, x, f"random point {k}", rng)
    for k, known in enumerate(problem.known, start=1):
        yield known_point(oracle, known, f"known {known.kind} {k}")


def derivatives(oracle: Oracle, x: Vector, place: str, rng: np.random.Generator) -> Iterator[Check]:
    """At x, along a random direction v: f(x + hv) less its Taylor polynomial falls as h^2, then as h^3.

    Rounding limits how small h can be; a remainder that is rounding from the start is as good. The Hessian must also be
    symmetric and agree with its products.
    """
    f, g = oracle.value_and_gradient(x)
    if not (np.isfinite(f) and np.isfinite(g).all()):
        yield Check(f"value at the {place}", False, oracle.explain_nonfinite(x))
        return
    v = rng.standard_normal(oracle.n)
    v *= max(1.0, np.abs(x).max()) / np.linalg.norm(v)
    Hv = oracle.hvp(x, v)
    first, second, size = [], [], []
    for h in 0.5 ** np.arange(1, HALVINGS + 1):
        step = (x + h * v) - x  # as it is after rounding
        value, linear, quadratic = oracle.value(x + step), g @ step, h * (step @ Hv) / 2
        first.append(value - f - linear)
        second.append(value - f - linear - quadratic)
        size.append(max(abs(value), abs(f), abs(linear), abs(quadratic)))
    for name, remainder in (("gradient", first), ("Hessian", second)):
        order, least = SLOPES[name]
        slope = slope_of(np.array(remainder), EPS * np.array(size))
        told = "remainder within rounding" if np.isinf(slope) else f"slope of the Taylor remainder {slope:.2f}"
        told += f" (should be {order})"
        wrong = _disagreement(oracle, x, v, Hv) if name == "Hessian" else ""
        yield Check(f"{name} at the {place}", slope >= least and not wrong, f"{told}; {wrong}" if wrong else told)


def slope_of(remainder: Vector, rounding: Vector | float = 0.0) -> float:
    """The exponent p of |remainder| ~ h^p over the smallest steps that rounding leaves; inf where it leaves none."""
    size = np.abs(remainder)
    floor = np.maximum(10 * np.nanmax(size[-TAIL:]), 100 * rounding)
    clear = np.flatnonzero(np.isfinite(size) & (size > floor))
    steps = clear[:-1][np.diff(clear) == 1][-6:]
    return float(np.median(np.log2(size[steps] / size[steps + 1]))) if len(steps) else np.inf


def _disagreement(oracle: Oracle, x: Vector, v: Vector, Hv: Vector) -> str:
    """What is wrong between the entries of the Hessian and its product with v; "" if nothing is."""
    if oracle.n > AFFORDABLE and not oracle.structure.sparse:
        return ""
    H: Any = oracle.hessian(x)
    size = float(abs(H).max())
    allowed = AGREEMENT * size * max(1.0, float(np.abs(v).max()))
    if not abs(H - H.T).max() <= allowed:
        return f"the Hessian is not symmetric, by up to {abs(H - H.T).max():.2g}"
    apart = float(np.abs(H @ v - Hv).max())
    return "" if apart <= allowed else f"the Hessian differs from its products, by up to {apart:.2g}"


def known_point(oracle: Oracle, known: KnownPoint, name: str) -> Check:
    """The declared kind, index and value against what is found there. What stays open is not held against them."""
    point = classify(oracle, oracle.pack(known.point))
    same = point.kind == known.kind
    ok = (same or point.kind in ("degenerate", "undecided")) and known.index in (None, point.index)
    detail = f"{point.kind}, index {point.index}, objective {point.objective:.10g}"
    if known.value is not None and abs(point.objective - known.value) > DIGITS * max(1.0, abs(known.value)):
        ok, detail = False, f"{detail}, declared {known.value:.10g}"
    return Check(name, ok, detail if same and ok else f"{detail}: {point.explanation}")
