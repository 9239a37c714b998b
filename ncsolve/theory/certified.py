"""Constants of a problem over a box, with bounds that are proven: L, m, M, mu and f*.

    found = constants(problem, box={x: (-10, 10)})
    found["pl"].value, found["pl"].upper, found["pl"].provenance      # 0.17553, 0.17553, "certified(box)"

What structure gives comes first: the eigenvalues of a quadratic, the critical points of a polynomial's derivatives in
one variable (isolated by Sturm's theorem), J J^T of a sum of squares, p of p(A x), each part of a separable f alone.
The rest is branch and bound. `value` is the safe side: what holds for certain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.modes import towards_critical
from ncsolve.errors import OptionError, ProblemError
from ncsolve.landscapes.find import box_of, unbounded
from ncsolve.oracle import compile
from ncsolve.problem import Problem
from ncsolve.theory.branch import Field, Least, least
from ncsolve.theory.composite import reduced
from ncsolve.theory.constants import CERTIFIED, CLOSED_FORM, DECLARED, SAMPLED, Constant, declared, exact
from ncsolve.theory.pl import Basin, Ratio, basin
from ncsolve.theory.polynomial import polynomial_constants
from ncsolve.theory.residual import by_residuals
from ncsolve.theory.strict_saddle import Steepness, curvatures
from ncsolve.theory.third import third_derivative

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

__all__ = ["constants"]

Vector = NDArray[np.float64]
Known = Mapping[str, Constant]
SADDLE = ("saddle_gradient", "saddle_curvature", "saddle_convexity")
ORDER = ("smoothness", "hessian_lipschitz", "strong_convexity", "pl", "minimum", *SADDLE)
CLOSE = 0.5  # a mu that is this part of |grad f|^2 / (2 (f - f*)) somewhere is not looked for by boxes, ...
FEWER = 10  # ... and by so many times fewer boxes where structure gives one
SAMPLES = 2048  # random points of the box
STARTS = 8  # of them, from where the lowest value is looked for
RUN = 200  # iterations of such a run
HUGE = 1e100
CURVATURES = 64  # of them, where Hessians are looked at
DENSE = 200  # variables up to which they are
TINY = 1e-9  # seconds, where none are left
ROUNDING = 1e-12  # by which f may seem to rise, relative to 1 + |f|
MOST_VARIABLES = 12  # of a part that is divided into boxes
MOST_SADDLE = 4  # variables of the strict-saddle property, and of a box whose corners are looked at
POINTS = 256  # from which critical points are looked for


def constants(
    problem: Problem,
    box: Mapping[Any, Any] | None = None,
    tolerance: float | None = None,
    max_boxes: int = 100_000,
    seed: int = 0,
    max_seconds: float = 60.0,
) -> dict[str, Constant]:
    """The constants of f by name, each with the interval in which the best one lies and its provenance.

    Parameters
    ----------
    box
        {variable: (low, high)}; without it the problem's bounds. A quadratic needs none.
    tolerance
        Relative width of the intervals; 1e-5 in one variable and where f is separable, else 1e-2.
    max_boxes
        Boxes looked at for each constant.
    max_seconds
        For all of them. No constant gets more than half of what is left, so that each is begun. Where boxes or time do
        not suffice, what is proven until then is returned.

    smoothness L is the largest |eigenvalue| of the Hessian in the box, strong_convexity m the lowest (negative where f
    is not convex), hessian_lipschitz M, pl mu the least |grad f|^2 / (2 (f - f*)), with f* the least value in the box.
    saddle_gradient, saddle_curvature and saddle_convexity are the strict-saddle triple (eps, gamma, alpha), see
    `ncsolve.theory.strict_saddle`. What is neither proven nor declared is sampled; what cannot be had is missing.
    """
    if tolerance is not None and not 0 < tolerance < 1:
        raise OptionError(f"tolerance must be between 0 and 1, not {tolerance!r}.")
    if not max_seconds > 0:
        raise OptionError(f"max_seconds must be positive, not {max_seconds!r}.")
    end = perf_counter() + max_seconds
    if problem.constrained or problem.penalty is not None or problem.signs is not None:
        raise ProblemError(
            f"'{problem.name}' has constraints, a penalty or a min-max objective: constants are those of f alone."
        )
    oracle = compile(problem)
    found = {name: Constant(v, CLOSED_FORM, v, v) for name, v in exact(oracle).items()}
    if box is not None or not oracle.structure.quadratic:
        lower, upper = box_of(problem, box)
    if not oracle.structure.quadratic:
        search = _Search(unbounded(problem), oracle, lower, upper, tolerance, max_boxes, seed, end)
        steps = (search.by_polynomials, search.by_structure, search.by_boxes, search.by_declaration, search.by_samples)
        for add in steps:
            for name, constant in add(found).items():
                if name not in found or (
                    name == "pl" and add == search.by_boxes and constant.value > found[name].value
                ):
                    found[name] = constant
    return {name: found[name] for name in ORDER if name in found}


@dataclass(frozen=True, eq=False)
class _Search:
    problem: Problem
    oracle: Oracle
    lower: Vector
    upper: Vector
    tolerance: float | None
    most: int
    seed: int
    end: float
    """When the time is up, by `perf_counter`."""

    def by_polynomials(self, known: Known) -> dict[str, Constant]:
        found = polynomial_constants(self.problem, self.lower, self.upper)
        return {name: Constant(value, CLOSED_FORM, lo, hi) for name, (value, lo, hi) in found.items()}

    def by_structure(self, known: Known) -> dict[str, Constant]:
        """mu of a sum of squares, and of p with f(x) = p(R x)."""
        if "pl" in known or not self.oracle.structure.smooth:
            return {}
        found = {}
        mu = by_residuals(self.problem, self.lower, self.upper, self.places)
        if mu is not None:
            found["pl"] = Constant(mu, CERTIFIED, mu, max(mu, self.least_ratio))
        elif (smaller := reduced(self.problem, self.sampled[1], self.lower, self.upper)) is not None:
            of_p = constants(*smaller, self.tolerance, self.most, self.seed, self.share)
            if "pl" in of_p and of_p["pl"].provenance != SAMPLED:
                f = Field(self.problem).value(self.lowest_point[None], self.lowest_point[None]).hi[0]
                found["pl"] = of_p["pl"]
                found["minimum"] = Constant(float(f), CERTIFIED, of_p["minimum"].lower, float(f))
        return found

    def by_boxes(self, known: Known) -> dict[str, Constant]:
        """Part by part where f is separable."""
        if max(map(len, self.terms)) > MOST_VARIABLES:
            return {}
        found: dict[str, Constant] = {}
        if "smoothness" not in known:
            found |= _largest("smoothness", self.over(lambda field: field.smoothness))
        if "strong_convexity" not in known:
            found |= _lowest("strong_convexity", self.over(lambda field: field.curvature))
        if "hessian_lipschitz" not in known:
            third = third_derivative(self.problem) if self.oracle.structure.smooth else None
            found |= _largest("hessian_lipschitz", [self.least(third, self.lower, self.upper)]) if third else {}
        return found | self.by_ratio(known) | self.by_steepness()

    def by_ratio(self, known: Known) -> dict[str, Constant]:
        """mu and f*, as far as they are not known."""
        if {"pl", "minimum"} <= known.keys():
            return {}
        basins = [self.basin(free) for free in self.terms]
        good = [b for b in basins if b is not None and b.proven]
        if len(good) < len(basins):
            return {}
        x = self.lowest_point
        f = Field(self.problem).value(x[None], x[None])
        down = sum(b.f_hi - b.f_lo for b in good) * (1 + 1e-12) + 5e-324
        lo, hi = float(np.nextafter(f.lo[0] - down, -np.inf)), float(f.hi[0])
        least_value = {"minimum": Constant(hi, CERTIFIED, lo, hi)}
        most = self.most
        if "pl" in known:
            if known["pl"].value >= CLOSE * self.least_ratio:
                return least_value
            most = most // FEWER
        ratios = []
        for free, b in zip(self.terms, good, strict=True):
            low, high = x.copy(), x.copy()
            low[free], high[free] = self.lower[free], self.upper[free]
            ratios.append(self.least(Ratio(Field(self.problem, free), b), low, high, most))
        return least_value | _lowest("pl", ratios, positive=True)

    def by_steepness(self) -> dict[str, Constant]:
        """The strict-saddle triple, of an f of few variables."""
        if self.oracle.n > MOST_SADDLE or not self.oracle.structure.smooth:
            return {}
        chosen = curvatures(self.oracle, self.points[:POINTS], self.lower, self.upper)
        if chosen is None:
            return {}
        found = self.least(Steepness(Field(self.problem), *chosen), self.lower, self.upper)
        if not 0 < found.lower < np.inf:
            return {}
        values = (found.lower, found.upper), (chosen[0], chosen[0]), (chosen[1], chosen[1])
        return {name: Constant(lo, CERTIFIED, lo, hi) for name, (lo, hi) in zip(SADDLE, values, strict=True)}

    def by_declaration(self, known: Known) -> dict[str, Constant]:
        return {name: Constant(value, DECLARED) for name, value in declared(self.oracle).items()}

    def by_samples(self, known: Known) -> dict[str, Constant]:
        """L is at least, m at most that of the random points; mu where f* is known."""
        points, found = self.points, {}
        H = [self.oracle.hessian(x, dense=True) for x in points[:CURVATURES]] if self.oracle.n <= DENSE else []
        curvatures = np.array([np.linalg.eigvalsh(h) for h in H if np.isfinite(h).all()])
        if curvatures.size:
            largest, lowest = float(np.abs(curvatures).max()), float(curvatures.min())
            found["smoothness"] = Constant(largest, SAMPLED, largest)
            found["strong_convexity"] = Constant(lowest, SAMPLED, upper=lowest)
        if "pl" not in known and np.isfinite(self.least_ratio):
            found["pl"] = Constant(self.least_ratio, SAMPLED, upper=self.least_ratio)
        f = float(self.oracle.value(self.lowest_point))
        return {**found, "minimum": Constant(f, SAMPLED, upper=f)}

    # -- parts -------------------------------------------------------------------------------------------------------

    def over(self, bound: Callable[[Field], Callable[[Vector, Vector], tuple[Vector, Vector]]]) -> list[Least]:
        """The least of a bound over each term's variables, the others held in the middle: they do not matter there."""
        found = []
        for free in self.terms:
            low = self.lower / 2 + self.upper / 2
            high = low.copy()
            low[free], high[free] = self.lower[free], self.upper[free]
            found.append(self.least(bound(Field(self.problem, free)), low, high))
        return found

    def least(self, bound: Any, low: Vector, high: Vector, most: int | None = None) -> Least:
        tolerance = self.tolerance or (1e-5 if (low < high).sum() == 1 else 1e-2)
        return least(bound, low, high, tolerance, self.most if most is None else most, perf_counter() + self.share)

    def basin(self, free: NDArray[np.intp]) -> Basin | None:
        x = self.lowest_point
        lower, upper = x.copy(), x.copy()
        lower[free], upper[free] = self.lower[free], self.upper[free]
        return basin(Field(self.problem, free), x, lower, upper, self.most, perf_counter() + self.share)

    @property
    def share(self) -> float:
        """Seconds that the next search may take."""
        return max(self.end - perf_counter(), TINY) / 2

    @cached_property
    def terms(self) -> list[NDArray[np.intp]]:
        """Groups of variables of which f is a sum."""
        label = self.oracle.structure.groups
        return [np.flatnonzero(label == k) for k in range(label.max() + 1)]

    @cached_property
    def places(self) -> Vector:
        """Points and the corners of the box."""
        sides = np.array(list(product((0, 1), repeat=min(self.oracle.n, MOST_SADDLE))))
        corners = self.lower + sides * (self.upper - self.lower) if sides.shape[1] == self.oracle.n else self.points[:0]
        return np.concatenate([corners, self.points])

    @cached_property
    def least_ratio(self) -> float:
        """|grad f|^2 / (2 (f - f_low)) at some points, of which none is below mu, since f_low >= f*."""
        values, slopes = self.sampled
        gap = values - float(self.oracle.value(self.lowest_point))
        ratio = (slopes**2).sum(axis=1)[gap > 0] / (2 * gap[gap > 0])
        return float(ratio.min(initial=np.inf))

    @cached_property
    def points(self) -> Vector:
        rng = np.random.default_rng(self.seed)
        return self.lower + rng.random((SAMPLES, self.oracle.n)) * (self.upper - self.lower)

    @cached_property
    def sampled(self) -> tuple[Vector, Vector]:
        with self.oracle.uncounted(), np.errstate(all="ignore"):
            values, slopes = self.oracle.value_and_gradient(self.points)
        finite = np.isfinite(values) & np.isfinite(slopes).all(axis=1)
        return np.where(finite, values, np.inf), np.where(finite[:, None], slopes, 0.0)

    def finite(self, x: Vector) -> tuple[float, Vector]:
        """f and its gradient for a line search, which must not see that f is undefined or unbounded."""
        value, slope = self.oracle.value_and_gradient(x)
        known = np.isfinite(value) and np.isfinite(slope).all()
        return (float(value), slope) if known else (HUGE, np.zeros_like(x))

    @cached_property
    def lowest_point(self) -> Vector:
        """Where f is lowest of what quasi-Newton runs in the box find, made precise where a critical point is that."""
        from scipy.optimize import minimize

        bounds = list(zip(self.lower, self.upper, strict=True))
        starts = self.points[np.argsort(self.sampled[0])[: STARTS if self.oracle.n <= DENSE else 1]]
        limits = {"maxiter": RUN, "maxfun": 2 * RUN}
        runs = [minimize(self.finite, x, jac=True, bounds=bounds, options=limits) for x in starts]
        best = min(runs, key=lambda run: float(run.fun))
        x = np.array(best.x)
        for refined in towards_critical(self.oracle, x[None]) if self.oracle.n <= DENSE else ():
            inside = ((refined >= self.lower) & (refined <= self.upper)).all()
            if inside and self.oracle.value(refined) <= best.fun + ROUNDING * (1 + abs(best.fun)):
                return np.asarray(refined)
        return x


def _lowest(name: str, found: list[Least], positive: bool = False) -> dict[str, Constant]:
    lower, upper = min(f.lower for f in found), min(f.upper for f in found)
    if not np.isfinite(lower) or (positive and lower <= 0):
        return {}
    return {name: Constant(lower, CERTIFIED, lower, upper)}


def _largest(name: str, found: list[Least]) -> dict[str, Constant]:
    lower, upper = max(-f.upper for f in found), max(-f.lower for f in found)
    return {name: Constant(upper + 0.0, CERTIFIED, lower + 0.0, upper + 0.0)} if np.isfinite(upper) else {}
