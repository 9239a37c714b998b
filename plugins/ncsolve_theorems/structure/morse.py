"""MORSE."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, ClassVar

import numpy as np
import sympy as sp

from ncsolve.problem import Minimum, Problem, Uniform
from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Missing, Study, Theorem
from ncsolve.theory.study import Refused
from ncsolve_theorems import problems

RUNS, STEPS = 100, 40
RAYS, RUNNERS, FAR = 100, 5, (1e2, 1e3)
RISE = 0.1
"""Part of the rise up to the first distance that f must rise by on its way to the second."""
CRITICAL, FLAT, SAME = 1e-8, 1e-6, 1e-5
LARGEST = 4
"""Variables up to which random starts can be hoped to find all critical points."""


@cache
def four_minima() -> Problem:
    """Himmelblau's function without bounds: 4 minima, 4 saddles, 1 maximum."""
    x, y = sp.symbols("x y", real=True)
    known = [Minimum({x: 3.0, y: 2.0}, value=0.0)]
    f = (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2
    return Problem(f, name="four-minima", start={x: Uniform(-5, 5), y: Uniform(-5, 5)}, known=known)


@cache
def matrix_root() -> Problem:
    """|xx' - diag(3, 2, -1)|^2 / 4: critical at 0 and at both roots of each positive eigenvalue."""
    x, a, i, j = sp.IndexedBase("x", shape=(3,)), sp.IndexedBase("a", shape=(3, 3)), *sp.symbols("i j", integer=True)
    f = sp.Sum((x[i] * x[j] - a[i, j]) ** 2, (i, 0, 2), (j, 0, 2)) / 4
    return Problem(f, name="matrix-root", data={a: np.diag([3.0, 2.0, -1.0])}, start={x: Uniform(-2, 2)})


def near_minima(study: Study) -> None:
    """All starts lie beside the minima: the saddles are not found."""
    minima = np.array([[3.0, 2.0], [-2.805118, 3.131313], [-3.779310, -3.283186], [3.584428, -1.848127]])
    study.random_start = lambda rng: minima[rng.integers(4)] + 1e-3 * rng.standard_normal(2)


class MorseSum(Theorem):
    """Over all critical points of a coercive Morse function on R^n, the sum of (-1)^index is 1.

    $$f(x) \\to \\infty\\ (|x| \\to \\infty),\\ \\det H \\ne 0 \\text{ where } \\nabla f = 0: \\qquad
    \\sum_{\\nabla f(x) = 0} (-1)^{\\mathrm{index}\\,H(x)} = 1$$

    A cheap alarm, necessary and not sufficient: where the sum is not 1, a critical point is missing. The points are
    those at which full Newton steps, which are drawn to saddles as well, end from 100 random starts, and the known
    ones. Where some were seen only once, more are to be expected, and a wrong sum says nothing.
    """

    id: ClassVar[str] = "MORSE"
    name: ClassVar[str] = "newton-morse-sum"
    kind: ClassVar[str] = "identity"
    solvers: ClassVar[tuple[str, ...]] = ("newton",)
    assumptions: ClassVar[tuple[str, ...]] = ("f is coercive", "no critical point is degenerate", "no bounds, n <= 4")
    demand: ClassVar[str] = "line_search = none"
    reference: ClassVar[str] = "Milnor 1963, section 5; Good 1953 for what was seen once"
    horizon: ClassVar[int] = 2

    def refusal(self, study: Study) -> str:
        if study.n > LARGEST or study.oracle.lower is not None:
            return f"The problem has bounds, or more than {LARGEST} variables."
        start, near, far = study.oracle.value(study.x0), *(self.lowest_on_sphere(study, radius) for radius in FAR)
        if far - near > RISE * max(near - start, 1.0):
            return ""
        return f"f does not seem coercive: it comes down to {near:.4g} at a distance of 100, to {far:.4g} at 1000."

    def lowest_on_sphere(self, study: Study, radius: float) -> float:
        """The least f at this distance from x0, by the method L-BFGS from the lowest of some rays."""
        from scipy.optimize import minimize

        def fun(v: np.ndarray) -> tuple[float, np.ndarray]:
            size = float(np.linalg.norm(v))
            f, g = study.oracle.value_and_gradient(study.x0 + radius / size * v)
            return f, radius / size * (g - (g @ v) / size**2 * v)

        rays = np.random.default_rng(0).standard_normal((RAYS, study.n))
        with np.errstate(all="ignore"):
            rays = sorted(rays, key=lambda v: fun(v)[0])[:RUNNERS]
            return min(float(minimize(fun, v, jac=True, method="L-BFGS-B").fun) for v in rays)

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"line_search": None}

    def points(self, study: Study) -> tuple[np.ndarray, np.ndarray]:
        """Distinct critical points, and how often each was seen; known ones count as seen often."""
        problem, rng = study.oracle.problem, np.random.default_rng(study.seed)
        found = [problem.pack(known.point) for known in problem.known]
        counts = [RUNS] * len(found)
        for _ in range(RUNS):
            end = self.end(study, study.random_start(rng), rng)
            if not self.critical(study, end):
                continue
            for k, x in enumerate(found):
                if np.abs(x - end.x).max() <= SAME * max(1.0, float(np.abs(x).max())):
                    counts[k] += 1
                    break
            else:
                found.append(end.x)
                counts.append(1)
        return np.array(found).reshape(-1, study.n), np.array(counts)

    def end(self, study: Study, x: np.ndarray, rng: np.random.Generator) -> Any:
        """Where Newton's steps from x come to rest."""
        with study.oracle.uncounted(), np.errstate(all="ignore"):
            state = study.solver.init(study.oracle, x, rng)
            for _ in range(STEPS):
                if not np.isfinite(state.gradient).all() or self.critical(study, state):
                    break
                state = study.solver.step(study.oracle, state, rng)
        return state

    def critical(self, study: Study, state: Any) -> bool:
        """|g| is small beside |H|."""
        size = float(np.abs(state.gradient).max())
        return size <= CRITICAL * max(1.0, float(np.abs(study.hessian(state.x)).max()))

    def claims(self, study: Study) -> Iterable[Claim]:
        points, counts = self.points(study)
        signs = []
        for x in points:
            w = np.linalg.eigvalsh(study.hessian(x))
            if np.abs(w).min() <= FLAT * max(1.0, np.abs(w).max()):
                raise Refused(f"The critical point {np.array2string(x, precision=6)} is degenerate.")
            signs.append(1.0 - 2.0 * (int((w < 0).sum()) % 2))
        once = int((counts == 1).sum())
        if sum(signs) != 1 and once:
            raise Missing(
                f"The sum over {len(points)} critical points is {sum(signs):g}, but {once} were seen only once."
            )
        yield Claim.equal(f"sum of (-1)^index over {len(points)} critical points = 1", [sum(signs)], [1.0], 0.0)

    def positive(self) -> Iterable[Case]:
        yield Case(four_minima, witness=True)
        yield Case(problems.saddle_well)
        yield Case(matrix_root)

    def controls(self) -> Iterable[Case]:
        yield Case(four_minima, VIOLATED, mutate=near_minima)
        yield Case(problems.quartic, NOT_APPLICABLE)
