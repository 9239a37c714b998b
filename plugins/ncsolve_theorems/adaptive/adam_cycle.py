"""ADAM2."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, ClassVar

import numpy as np

from ncsolve.problem import Problem
from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems


@cache
def turns(C: float = 4.0) -> Problem:
    """The mean of Cx, -x and -x, from 1: lowest at -1 in [-1, 1]."""
    import sympy as sp

    c, x, i = sp.IndexedBase("c", shape=(3,)), sp.Symbol("x", real=True), sp.Symbol("i", integer=True)
    return Problem(sp.Sum(c[i] * x, (i, 0, 2)) / 3, name="turns", data={c: [C, -1.0, -1.0]}, start={x: 1.0}, samples=i)


class InTurn:
    """An oracle whose row changes with every gradient that is asked for; x is kept in [-1, 1]."""

    lower, upper = np.full(1, -1.0), np.full(1, 1.0)

    def __init__(self, slopes: np.ndarray) -> None:
        self.slopes, self.seen = slopes, 0

    def project(self, x: np.ndarray) -> np.ndarray:
        return np.clip(x, -1.0, 1.0)

    def value_and_gradient(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        c = self.slopes[self.seen % len(self.slopes)]
        self.seen += 1
        return float(c * x[0]), np.array([c])


class AdamCycle(Theorem):
    """Adam may not converge on a convex f: with rows Cx, -x, -x in turn it comes back to 1, where the mean is highest.

    $$\\beta_1 = 0,\\ \\beta_2 = \\frac{1}{1 + C^2},\\ \\eta_t = \\eta/\\sqrt t,\\ \\eta < \\sqrt{1 - \\beta_2}:
    \\qquad x_{3k + 1} = 1, \\qquad \\frac{1}{3K}\\sum_{t \\le 3K} f_t(x_t) - f_t(-1) \\ge \\frac{2C - 4}{3}$$

    C > 2, x in [-1, 1], without bias correction. The row with the large slope makes one short step to the left, since
    it is divided by its own size, and the two others go further to the right. AMSGrad does not forget the large slope:
    it goes to -1, and the check fails.
    """

    id: ClassVar[str] = "ADAM2"
    name: ClassVar[str] = "adam-cycle"
    kind: ClassVar[str] = "every iterate"
    solvers: ClassVar[tuple[str, ...]] = ("adam",)
    assumptions: ClassVar[tuple[str, ...]] = ("f is the mean of Cx, -x and -x with C > 2", "x0 = 1")
    demand: ClassVar[str] = "beta1 = 0, beta2 = 1/(1 + C^2), schedule = 1/sqrt(k), epsilon = 0, bias_correction = false"
    reference: ClassVar[str] = "Reddi, Kale & Kumar 2018, Thm 1"
    horizon: ClassVar[int] = 600

    def refusal(self, study: Study) -> str:
        c = self.slopes(study)
        if len(c) != 3 or not c[0] > 2 or abs(c[1:] + 1).max() > 1e-12 or study.x0[0] != 1:
            return "f is not the mean of Cx, -x and -x, C > 2, from x0 = 1."
        return ""

    def slopes(self, study: Study) -> np.ndarray:
        """Of the rows, which do not depend on x; empty where f is no such sum."""
        oracle = study.oracle
        if study.n != 1 or oracle.rows != 3:
            return np.empty(0)
        gradient = oracle.row_gradient(np.random.default_rng(0))
        rows = np.array([[gradient(np.full(1, x), np.array([i]), 3.0)[0] for i in range(3)] for x in (0.0, 1.0)])
        return rows[0] if np.array_equal(*rows) else np.empty(0)

    def demands(self, study: Study) -> Mapping[str, Any]:
        beta2 = 1 / (1 + float(self.slopes(study)[0]) ** 2)
        eta = study.options.get("step_size") or 0.5
        means = {"beta1": 0.0, "beta2": beta2, "epsilon": 0.0, "bias_correction": False, "amsgrad": False}
        steps = {"step_size": min(eta, 0.99 * math.sqrt(1 - beta2)), "schedule": "1/sqrt(k)", "schedule_steps": 1}
        return {**means, **steps, "weight_decay": 0.0, "warm_up": 0, "line_search": None, "batch_size": None}

    def path(self, study: Study) -> np.ndarray:
        """x_1, x_2, ..., at each of which the row of its turn was looked at."""
        oracle, rng, solver = InTurn(self.slopes(study)), np.random.default_rng(study.seed), study.solver
        state = solver.init(oracle, study.x0, rng)
        x = [state.x[0]]
        for _ in range(study.horizon - 1):
            state = solver.step(oracle, state, rng)
            x.append(state.x[0])
        return np.array(x)

    def claims(self, study: Study) -> Iterable[Claim]:
        x, c = self.path(study), self.slopes(study)
        yield Claim.equal("x_{3k+1} = 1", x[::3], np.ones(len(x[::3])), 0.0)
        turn = c[np.arange(len(x)) % 3]
        regret = np.cumsum(turn * (x + 1))[2::3] / np.arange(3, len(x) + 1, 3)
        yield Claim.at_most("(2C - 4)/3 <= mean regret", np.full(len(regret), (2 * c[0] - 4) / 3), regret)

    def positive(self) -> Iterable[Case]:
        yield Case(turns, witness=True)
        yield Case(lambda: turns(10.0), options={"step_size": 0.9})

    def controls(self) -> Iterable[Case]:
        yield Case(turns, VIOLATED, sabotage={"amsgrad": True})
        yield Case(turns, VIOLATED, sabotage={"beta2": 0.999})
        yield Case(problems.parabola, NOT_APPLICABLE)
