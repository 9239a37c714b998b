"""KRAM1."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np
import sympy as sp

from ncsolve.problem import Minimum, Problem
from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve.theory.statistics import frequencies
from ncsolve_theorems import problems

CHAINS, CELLS, MOST = 1000, 10, 4000
LEVELS = 40.0
"""Where beta f is so much above its minimum, Gibbs' distribution ends."""


@cache
def double_well(tilt: int = 0) -> Problem:
    """f' = x (x + 1) (x - 1 - tilt): minima at -1 and 1 + tilt, a maximum at 0."""
    x = sp.Symbol("x", real=True)
    f = sp.integrate(sp.expand(x * (x + 1) * (x - 1 - tilt)), x)
    wells = [Minimum({x: end}, value=float(f.subs(x, end))) for end in (-1, 1 + tilt)]
    return Problem(f, name="double-well", start={x: -1.0}, known=wells)


class Kramers(Theorem):
    """The mean time of a Langevin chain from a minimum to another is an integral; cold, it is Kramers' formula.

    $$E_a[T_b] = \\beta \\int_a^b e^{\\beta f(y)} \\int_{-\\infty}^y e^{-\\beta f(z)}\\,dz\\,dy \\ \\sim\\
    \\frac{2\\pi}{\\sqrt{f''(a)\\,|f''(s)|}}\\,e^{\\beta (f(s) - f(a))} \\quad (\\beta \\to \\infty)$$

    One variable, minima a and b, the maximum s between them; mirrored where b < a. The law of the first passage of a
    chain with finite steps is known as well, from the powers of its transition kernel on Gauss' nodes. Three checks:
    the passages of 1000 chains follow that law, by chi-square; its mean is the integral, up to 5% for the length of the
    steps; the formula of Eyring and Kramers comes closer to the integral as beta grows.

    Proof: u(x) = E_x[T_b] solves u''/beta - f' u' = -1, u(b) = 0, no flux far out; Laplace's method gives the limit.
    """

    id: ClassVar[str] = "KRAM1"
    name: ClassVar[str] = "langevin-eyring-kramers"
    kind: ClassVar[str] = "distribution"
    solvers: ClassVar[tuple[str, ...]] = ("langevin",)
    assumptions: ClassVar[tuple[str, ...]] = ("one variable", "two known minima", "f grows far out")
    demand: ClassVar[str] = "chains = 1000; step_size = 0.05/f''(a), inverse_temperature = 1/(f(s) - f(a)) if not given"
    reference: ClassVar[str] = "Kramers 1940; Berglund 2013; Gardiner 2009, section 5.5, for the integral"

    def refusal(self, study: Study) -> str:
        if study.n != 1:
            return "f is not a function of one variable."
        if len([point for point in study.oracle.problem.known if isinstance(point, Minimum)]) != 2:
            return "It needs two known minima: known=[nc.Minimum(...), nc.Minimum(...)]."
        return ""

    def demands(self, study: Study) -> Mapping[str, Any]:
        well = Well.of(study)
        eta = study.options.get("step_size") or 0.05 / well.curvature(well.start)
        beta = study.options.get("inverse_temperature") or 1 / well.barrier
        return {"chains": CHAINS, "scattered": False, "step_size": eta, "inverse_temperature": beta}

    def claims(self, study: Study) -> Iterable[Claim]:
        well, eta, beta = Well.of(study), study.option("step_size"), study.option("inverse_temperature")
        staying, mean = well.survival(eta, beta)
        ends = np.unique(np.searchsorted(-staying, -(1 - np.arange(1, CELLS) / CELLS)))
        law = -np.diff(np.concatenate([[1.0], staying[ends], [0.0]]))
        passages = self.passages(study, well, int(ends[-1]) + 1)
        cells = np.bincount(np.searchsorted(ends, passages - 1), minlength=len(law))
        yield frequencies("first passages", cells, law)
        exact = well.mean_time(beta)
        yield Claim.equal("mean passage = integral, to 5%", [[mean * eta]], [[exact]], 0.05 * exact)
        cold, colder = (abs(well.mean_time(b) / well.kramers(b) - 1) for b in (8 / well.barrier, 16 / well.barrier))
        yield Claim.at_most("error of Eyring-Kramers at 2 beta < at beta", colder, cold, allowed=np.zeros(1))

    def passages(self, study: Study, well: Well, steps: int) -> np.ndarray:
        """The step with which each chain first passed b, steps + 1 where it did not."""
        rng, oracle = np.random.default_rng(study.seed), study.oracle
        state = study.solver.init(oracle, np.array([well.start]), rng)
        first = np.full(CHAINS, steps + 1)
        for k in range(1, steps + 1):
            state = study.solver.step(oracle, state, rng)
            beyond = (state.chains[:, 0] - well.end) * well.side >= 0
            first[beyond & (first > k)] = k
        return first

    def positive(self) -> Iterable[Case]:
        yield Case(double_well, witness=True)
        yield Case(lambda: double_well(1), options={"inverse_temperature": 4.0, "step_size": 0.02}, seed=1)

    def controls(self) -> Iterable[Case]:
        yield Case(double_well, VIOLATED, sabotage={"inverse_temperature": 4 / 1.25})
        yield Case(double_well, VIOLATED, sabotage={"step_size": 0.02})
        yield Case(problems.pl_sine, NOT_APPLICABLE)


@dataclass(frozen=True)
class Well:
    """A minimum `start`, another one `end`, and what lies between; side is 1 where end is to the right."""

    study: Study
    start: float
    end: float

    @classmethod
    def of(cls, study: Study) -> Well:
        """From the known minimum nearest to x0 to the other one."""
        problem = study.oracle.problem
        minima = [float(problem.pack(point.point)[0]) for point in problem.known if isinstance(point, Minimum)]
        start, end = sorted(minima, key=lambda x: abs(x - study.x0[0]))
        return cls(study, start, end)

    @property
    def side(self) -> float:
        return math.copysign(1.0, self.end - self.start)

    @property
    def top(self) -> float:
        """s, to the accuracy of a grid: f is flat there."""
        between = np.linspace(self.start, self.end, 4001)
        return float(between[self.f(between).argmax()])

    @property
    def barrier(self) -> float:
        """f(s) - f(a)"""
        heights = self.f(np.array([self.top, self.start]))
        return float(heights[0] - heights[1])

    def f(self, points: np.ndarray) -> np.ndarray:
        with self.study.oracle.uncounted():
            return np.asarray(self.study.oracle.value(points[:, None]))

    def curvature(self, x: float) -> float:
        return float(self.study.hessian(np.array([x]))[0, 0])

    def far(self, beta: float) -> float:
        """A point behind the well beyond which Gibbs' distribution is empty."""
        lowest = min(self.f(np.array([self.start, self.end])))
        reach = abs(self.end - self.start) / 4
        while beta * (self.f(np.array([self.start - self.side * reach]))[0] - lowest) < LEVELS:
            reach *= 1.2
        return self.start - self.side * reach

    def mean_time(self, beta: float) -> float:
        """The double integral, by Simpson's rule."""
        from scipy.integrate import cumulative_simpson

        far = self.far(beta)
        y = np.linspace(0.0, abs(self.end - far), 8001)
        height = beta * self.f(far + self.side * y)
        height -= height.min()
        inner = cumulative_simpson(np.exp(-height), x=y, initial=0.0)
        outer = cumulative_simpson(np.exp(height) * inner, x=y, initial=0.0)
        return float(beta * (outer[-1] - np.interp(abs(self.start - far), y, outer)))

    def kramers(self, beta: float) -> float:
        """The formula of Eyring and Kramers."""
        prefactor = 2 * math.pi / math.sqrt(self.curvature(self.start) * abs(self.curvature(self.top)))
        return prefactor * math.exp(beta * self.barrier)

    def survival(self, eta: float, beta: float) -> tuple[np.ndarray, float]:
        """Of the chain from a: P(T > k) for k = 1, 2, ..., until it is below 1/20, and the mean of T in steps."""
        far, spread = self.far(beta), math.sqrt(2 * eta / beta)
        count = min(1500, math.ceil(4 * abs(self.end - far) / spread) + 40)
        nodes, weights = np.polynomial.legendre.leggauss(count)
        z = far + (self.end - far) * (nodes + 1) / 2
        weights = weights * abs(self.end - far) / 2 / (spread * math.sqrt(2 * math.pi))
        x = np.append(z, self.start)
        with self.study.oracle.uncounted():
            drift = x - eta * self.study.oracle.gradient(x[:, None])[:, 0]
        kernel = np.exp(-((z - drift[:, None]) ** 2) / (2 * spread**2)) * weights
        mean = 1 + kernel[-1] @ np.linalg.solve(np.eye(count) - kernel[:-1], np.ones(count))
        staying, density = [], kernel[-1]
        while len(staying) < MOST and (not staying or staying[-1] > 0.05):
            staying.append(density.sum())
            density = density @ kernel[:-1]
        return np.array(staying), float(mean)
