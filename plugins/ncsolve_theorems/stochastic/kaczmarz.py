"""SGD5."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, ClassVar

import numpy as np
import sympy as sp

from ncsolve.problem import Problem
from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve.theory.statistics import frequencies
from ncsolve_theorems import problems
from ncsolve_theorems.common import EPS, outcomes
from ncsolve_theorems.stochastic.rows import one_row_demand, row_gradients, row_hessians, too_many_rows

DRAWS = 400


@cache
def tight_frame() -> Problem:
    """Three equations in two unknowns with A'A = 6 I and |a_i|^2 = 3, 4, 5: the rate is attained."""
    rows = np.array([[np.sqrt(3), 0.0], [np.sqrt(2), np.sqrt(2)], [-1.0, 2.0]])
    A, b, x = sp.IndexedBase("A", shape=(3, 2)), sp.IndexedBase("b", shape=(3,)), sp.IndexedBase("x", shape=(2,))
    i, j = sp.symbols("i j", integer=True)
    f = sp.Sum((sp.Sum(A[i, j] * x[j], (j, 0, 1)) - b[i]) ** 2, (i, 0, 2)) / 2
    return Problem(f, name="tight-frame", data={A: rows, b: rows @ [1.0, -2.0]}, start={x: 3.0}, samples=i)


class Kaczmarz(Theorem):
    """Kaczmarz's method with rows drawn in proportion to |a_i|^2 converges linearly in expectation, and never away.

    $$x_+ = x - \\frac{a_i^T x - b_i}{|a_i|^2}\\,a_i, \\quad P(i) = \\frac{|a_i|^2}{\\|A\\|_F^2}: \\qquad
    E|x_+ - x_*|^2 \\le \\left(1 - \\frac{\\sigma_{\\min}(A)^2}{\\|A\\|_F^2}\\right)|x - x_*|^2, \\quad
    |x_+ - x_*| \\le |x - x_*|$$

    For A x = b with a solution. It is SGD on |A x - b|^2 / 2 with batches of one row, drawn by curvature, and the step
    1/tr(H). The expectation is a mean over all rows at each iterate; that rows are drawn so, chi-square on 400 first
    updates.

    Proof: x+ - x* is the projection of x - x* along a_i, and E a_i a_i'/|a_i|^2 = A'A / |A|_F^2.
    """

    id: ClassVar[str] = "SGD5"
    name: ClassVar[str] = "sgd-kaczmarz"
    kind: ClassVar[str] = "expectation"
    solvers: ClassVar[tuple[str, ...]] = ("sgd",)
    assumptions: ClassVar[tuple[str, ...]] = ("f is a sum of squares of linear rows", "one x fits all rows", "H > 0")
    demand: ClassVar[str] = "batch_size = 1, sampling = curvature, step_size = 1/tr(H)"
    reference: ClassVar[str] = "Strohmer & Vershynin 2009, Thm 2"
    horizon: ClassVar[int] = 60

    def refusal(self, study: Study) -> str:
        if reason := too_many_rows(study):
            return reason
        if not study.oracle.structure.quadratic or study.least_curvature(study.x0) <= 0:
            return "f is not a quadratic with H > 0."
        w = np.linalg.eigvalsh(row_hessians(study))
        if (np.abs(w[:, :-1]) > 1e-9 * w[:, -1:]).any() or (w[:, -1] <= 0).any():
            return "A row is not the square of a linear function: the rank of its Hessian is not 1."
        left = float(np.abs(row_gradients(study, study.best)).max())
        scale = float(np.abs(row_gradients(study, study.x0)).max())
        return "" if left <= 1e-10 * scale else f"No x fits all rows: a row's gradient at x* is {left:.3g}."

    def demands(self, study: Study) -> Mapping[str, Any]:
        step_size = 1 / float(np.trace(study.hessian(study.x0)))
        return {**one_row_demand(step_size), "sampling": "curvature"}

    def probabilities(self, study: Study) -> np.ndarray:
        """|a_i|^2 / |A|_F^2"""
        size = np.trace(row_hessians(study), axis1=1, axis2=2)
        return np.asarray(size / size.sum())

    def reachable(self, study: Study, x: np.ndarray, eta: float) -> np.ndarray:
        """x+ for each row that may be drawn, (rows, n); a row's estimated gradient is N times its own."""
        p = self.probabilities(study)
        return np.asarray(x - eta / (p * len(p))[:, None] * row_gradients(study, x))

    def identity(self, study: Study) -> Claim | None:
        steps = zip(study.x, study.x[1:], strict=False)
        eta = study.option("step_size")
        misses = [np.abs(self.reachable(study, x, eta) - after).max(axis=1).min() for x, after in steps]
        allowed = 256 * EPS * float(np.abs(study.x).max())
        return Claim.equal("x+ solves one equation", np.array(misses), np.zeros(len(misses)), allowed)

    def claims(self, study: Study) -> Iterable[Claim]:
        p, H = self.probabilities(study), study.hessian(study.x0)
        squared = study.distance**2
        mean = [p @ self.squares(study, outcomes(study, state, len(p))) for state in study.states[:-1]]
        rate = 1 - float(np.linalg.eigvalsh(H)[0] / np.trace(H))
        allowed = 1e-12 * float(squared[0])
        yield Claim.at_most("E |x+ - x*|^2 <= (1 - s_min^2/|A|_F^2) |x - x*|^2", mean, rate * squared[:-1] + allowed)
        yield Claim.at_most("|x+ - x*| <= |x - x*|", squared[1:], squared[:-1] + allowed, first=1)
        yield frequencies("rows drawn", np.bincount(self.drawn(study), minlength=len(p)), p)

    def squares(self, study: Study, x: np.ndarray) -> np.ndarray:
        """|x - x*|^2 of each row of x."""
        return np.asarray(((x - study.best) ** 2).sum(axis=1))

    def drawn(self, study: Study) -> np.ndarray:
        """Which rows the solver draws at x0, told by where it lands."""
        rng = np.random.default_rng(study.seed)
        state = study.solver.init(study.oracle, study.x0, rng)
        ends = outcomes(study, state, study.oracle.rows)
        landed = [study.solver.step(study.oracle, state, rng).x for _ in range(DRAWS)]
        return np.array([np.abs(ends - x).max(axis=1).argmin() for x in landed])

    def positive(self) -> Iterable[Case]:
        yield Case(tight_frame, witness=True)
        yield Case(problems.interpolation)

    def controls(self) -> Iterable[Case]:
        for relaxation in (0.1, 2.2):
            yield Case(tight_frame, VIOLATED, sabotage={"step_size": relaxation / 12})
        yield Case(problems.interpolation, VIOLATED, sabotage={"sampling": "importance"})
        yield Case(lambda: problems.interpolation(0.3), NOT_APPLICABLE)
