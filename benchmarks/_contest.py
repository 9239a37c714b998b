"""One run of one solver, ours or SciPy's, on one problem: what it cost, and whether it found a minimum."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

import ncsolve as nc
from ncsolve import api
from ncsolve.critical import classify
from ncsolve.errors import BudgetExhausted, NcsolveError
from ncsolve.solving import Criteria, run

TOLERANCE = 1e-6
SCIPY = ("BFGS", "L-BFGS-B", "CG", "Newton-CG", "trust-ncg", "trust-krylov", "trust-exact")
HESSIANS = ("Newton-CG", "trust-ncg", "trust-krylov", "trust-exact")
DENSE = 1000
"""Variables up to which SciPy's methods are given a dense Hessian, which is one evaluation; beyond, products."""


@dataclass(frozen=True)
class Run:
    """What a run cost and where it ended."""

    solver: str
    problem: str
    n: int
    x: np.ndarray
    objective: float
    gradient_norm: float
    kind: str
    evaluations: int
    seconds: float
    claims: bool
    """Whether the solver calls it a success."""

    def solved(self, best: float) -> bool:
        """A gradient of at most 1e-6, or a value within 1e-6 of the best one known; and no way down is found."""
        near = self.objective - best <= TOLERANCE * max(1.0, abs(best))
        if self.gradient_norm <= TOLERANCE:
            return self.kind in ("minimum", "degenerate") or (near and self.kind == "undecided")
        return near and self.kind not in ("saddle", "maximum")

    @property
    def false_success(self) -> bool:
        """Success is claimed at a saddle, at a maximum, or where the gradient does not vanish."""
        return self.claims and self.kind in ("saddle", "maximum", "not-critical")


def warm_up(problem: nc.Problem, backend: str) -> None:
    """Derive and print everything before the clock starts."""
    oracle = nc.compile(problem, backend)
    x = problem.start_point(np.random.default_rng(0))
    with np.errstate(all="ignore"):
        oracle.value(x), oracle.value_and_gradient(x), oracle.hvp(x, x)
        if oracle.n <= DENSE or oracle.structure.sparse:
            oracle.hessian(x)
        if oracle.least_squares is not None and oracle.n <= DENSE:
            oracle.least_squares.residuals(x), oracle.least_squares.jacobian(x)


def ours(solver: str, name: str, problem: nc.Problem, x0: np.ndarray, limits: Criteria, backend: str) -> Run | None:
    """None where the problem does not offer what the solver needs. The final judgement is not part of the time."""
    oracle = nc.compile(problem, backend)
    try:
        start = time.perf_counter()
        chosen, _ = api.resolve(solver, {}, oracle)
        choosing = time.perf_counter() - start
        if solver == "auto":  # as a user has it: it switches where a run stalls
            result = nc.solve(problem, solver, x0, max_evaluations=limits.max_evaluations,
                              max_seconds=limits.max_seconds, backend=backend)  # fmt: skip
        else:
            result = run(oracle, chosen, x0=x0, criteria=limits)
    except NcsolveError:
        return None
    count, seconds = sum(result.evaluations.values()), choosing + float(result.trace.seconds[-1])
    g, kind = result.gradient_norm, result.point.kind
    return Run(solver, name, oracle.n, result.x, result.objective, g, kind, count, seconds, result.success)


class _Done(Exception):
    """The gradient is small enough: SciPy's own tests, in other norms, are not waited for."""


class _Memo:
    """An oracle as SciPy wants it: value and gradient of the last point are kept."""

    def __init__(self, oracle: nc.Oracle, together: bool) -> None:
        self.oracle, self.together = oracle, together
        self.at = np.full(oracle.n, np.nan)
        self.f: float | None = None
        self.g: np.ndarray | None = None
        self.best, self.best_x, self.best_norm = np.inf, self.at, np.inf

    def move(self, x: np.ndarray) -> None:
        if not np.array_equal(x, self.at):
            self.at, self.f, self.g = np.array(x), None, None
            self.at.flags.writeable = False

    def value(self, x: np.ndarray) -> float:
        self.move(x)
        if self.f is None:
            if self.together:
                self.gradient(x)
            else:
                self.f = float(self.oracle.value(self.at))
        assert self.f is not None
        if self.f < self.best:
            self.best, self.best_x = self.f, self.at
        return self.f

    def gradient(self, x: np.ndarray) -> np.ndarray:
        self.move(x)
        if self.g is None:
            self.f, self.g = self.oracle.value_and_gradient(self.at)
        if self.f <= self.best:
            self.best, self.best_x = self.f, self.at
        if np.abs(self.g).max() <= TOLERANCE:
            self.best_x = self.at
            raise _Done
        return self.g

    def hessian(self, x: np.ndarray) -> Any:
        return self.oracle.hessian(np.array(x), dense=True)

    def hvp(self, x: np.ndarray, v: np.ndarray) -> np.ndarray:
        return self.oracle.hvp(np.array(x), np.array(v))


OPTIONS: dict[str, dict[str, float]] = {
    "BFGS": {"gtol": 1e-12},
    "CG": {"gtol": 1e-12},
    "L-BFGS-B": {"gtol": 1e-12, "ftol": 0.0, "maxfun": 10**6},
    "Newton-CG": {"xtol": 1e-14},
    "trust-ncg": {"gtol": 1e-12},
    "trust-krylov": {"gtol": 1e-12},
    "trust-exact": {"gtol": 1e-12},
}


def scipy(method: str, name: str, problem: nc.Problem, x0: np.ndarray, limits: Criteria, backend: str) -> Run | None:
    """None where a method needs a dense Hessian that is too large."""
    import warnings

    from scipy.optimize import minimize

    oracle = nc.compile(problem, backend)
    if method == "trust-exact" and oracle.n > DENSE:
        return None
    memo = _Memo(oracle, together=method not in HESSIANS)
    second: dict[str, Any] = {}
    if method in HESSIANS:
        second = {"hess": memo.hessian} if oracle.n <= DENSE else {"hessp": memo.hvp}
    start = time.perf_counter()
    oracle.limit(limits.max_evaluations, start + (limits.max_seconds or 1e9))
    claims = False
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = minimize(
                memo.value, x0, jac=memo.gradient, method=method,
                options={**OPTIONS[method], "maxiter": 10**6}, **second,
            )  # fmt: skip
            claims = bool(found.success)
        except _Done:
            claims = True
        except (BudgetExhausted, ValueError, np.linalg.LinAlgError, OverflowError):
            pass
        seconds = time.perf_counter() - start
        oracle.limit()
        count = sum(oracle.counts.values())
        x = memo.best_x if np.isfinite(memo.best_x).all() else x0
        f, g = oracle.value_and_gradient(x)
        point = classify(oracle, x)
    norm = float(np.abs(g).max())
    return Run(method, name, oracle.n, x, float(f), norm, point.kind, count, seconds, claims)
