"""What several theorems share: the update of gradient descent, convexity, and the demand of a step 1/L."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ncsolve.theory import Claim, Study, Theorem, nonconvexity

EPS = float(np.finfo(float).eps)
PLAIN = {"line_search": None, "schedule": "constant", "batch_size": None}


def plain_update(study: Study, eta: float) -> Claim:
    """x+ = x - eta g(x), g recomputed by the oracle, to rounding."""
    step = eta * study.g[:-1]
    size = np.abs(study.x[:-1]).max(axis=1) + np.abs(step).max(axis=1)
    return Claim.equal("x+ = x - eta g(x)", study.x[1:], study.x[:-1] - step, 16 * EPS * size)


class Descent(Theorem):
    """Gradient descent with the step that the theorem demands."""

    solvers = ("gd",)

    def identity(self, study: Study) -> Claim | None:
        return plain_update(study, study.option("step_size"))


class UnitStep(Descent):
    """Gradient descent with eta = 1/L."""

    demand = "step_size = 1/L"

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"step_size": 1 / study.L, **PLAIN}


def convex(study: Study) -> str:
    """The refusal of theorems about convex f; otherwise the constant of strong convexity, perhaps 0, is used."""
    return nonconvexity(study) if "strong_convexity" not in study.known else known_convex(study)


def known_convex(study: Study) -> str:
    m = study.constant("strong_convexity")
    return "" if m >= 0 else f"f is not proven convex: the lowest eigenvalue of its Hessian in the box is {m:.6g}."


def heavy_ball_update(study: Study) -> Claim:
    """x+ = x - alpha g(x) + beta (x - x-), from rest."""
    x = study.x
    before = np.vstack([x[:1], x[:-2]])
    alpha, beta = study.option("step_size"), study.option("momentum")
    step = -alpha * study.g[:-1] + beta * (x[:-1] - before)
    size = np.abs(x[:-1]).max(axis=1) + np.abs(alpha * study.g[:-1]).max(axis=1) + np.abs(step).max(axis=1)
    slack = 64 * EPS * np.maximum.accumulate(size)
    return Claim.equal("x+ = x - alpha g(x) + beta (x - x-)", x[1:], x[:-1] + step, slack)


def nesterov_update(study: Study, beta: np.ndarray) -> Claim:
    """z+ = y - eta g(y), y+ = z+ + beta (z+ - z), from z = y."""
    z = study.x - study.option("step_size") * study.g
    before = np.vstack([study.x[:1], z[:-2]])
    after = z[:-1] + beta[:, None] * (z[:-1] - before)
    size = np.abs(z[:-1]).max(axis=1) + np.abs(study.x[:-1]).max(axis=1)
    return Claim.equal("y+ = z+ + beta (z+ - z)", study.x[1:], after, 64 * EPS * np.maximum.accumulate(size))


def values_at(study: Study, points: np.ndarray) -> np.ndarray:
    """f at rows of points that are no iterates."""
    with study.oracle.uncounted():
        return np.array([study.oracle.value(np.ascontiguousarray(x)) for x in points])


def newton_steps(study: Study) -> np.ndarray:
    """Which steps are x+ = x - H^-1 g, to rounding, shape (K,)."""
    pure, study = [], study.floats
    for x, g, after in zip(study.x, study.g, study.x[1:], strict=False):
        H = study.hessian(x)
        s = -np.linalg.solve(H, g) if np.linalg.cond(H) < 1 / EPS else np.full_like(x, np.nan)
        size = np.abs(x).max() + np.abs(s).max()
        pure.append(bool(np.abs(after - x - s).max() <= 1e-9 * np.abs(s).max() + 64 * EPS * size))
    return np.array(pure, dtype=bool)


def adagrad_update(study: Study) -> Claim:
    """x+ = x - eta g / (sqrt(G+) + epsilon), G+ = G + g^2 by coordinate, or G + |g|^2."""
    g, norm = study.g[:-1], study.option("norm")
    G = study.option("initial_accumulator") + np.cumsum((g**2).sum(axis=1, keepdims=True) if norm else g**2, axis=0)
    return scaled_update(study, "x+ = x - eta g / (sqrt(G+) + epsilon)", g, G)


def rmsprop_update(study: Study) -> Claim:
    """x+ = x - eta g / (sqrt(v+) + epsilon), v+ = beta2 v + (1 - beta2) g^2."""
    g = study.g[:-1]
    return scaled_update(study, "x+ = x - eta g / (sqrt(v+) + epsilon)", g, running_mean(g**2, study.option("beta2")))


def adam_update(study: Study) -> Claim:
    """x+ = x - eta (m^ / (sqrt(v^) + epsilon) + weight_decay x), the means corrected for their bias, or not."""
    g, b1, b2 = study.g[:-1], study.option("beta1"), study.option("beta2")
    m, v, k = running_mean(g, b1), running_mean(g**2, b2), np.arange(1, len(g) + 1)[:, None]
    if study.option("bias_correction"):
        m, v = m / (1 - b1**k), v / (1 - b2**k)
    if study.option("amsgrad"):
        v = np.maximum.accumulate(v, axis=0)
    return scaled_update(study, "x+ = x - eta m^ / (sqrt(v^) + epsilon)", m, v, study.option("weight_decay"))


def running_mean(rows: np.ndarray, kept: float) -> np.ndarray:
    """m_k = kept m_{k-1} + (1 - kept) row_k from 0, for every k."""
    means, m = np.empty_like(rows), np.zeros_like(rows[0]) if len(rows) else 0.0
    for k, row in enumerate(rows):
        means[k] = m = kept * m + (1 - kept) * row
    return means


def scaled_update(study: Study, what: str, m: np.ndarray, v: np.ndarray, decay: float = 0.0) -> Claim:
    """x+ = x - eta (m / (sqrt(v) + epsilon) + decay x), 0 / 0 = 0."""
    x, root = study.x[:-1], np.sqrt(v) + study.option("epsilon")
    step = study.option("step_size") * (m / np.where(root > 0, root, 1.0) + decay * x)
    size = np.abs(x).max(axis=1) + np.abs(step).max(axis=1)
    return Claim.equal(what, study.x[1:], x - step, 64 * EPS * size)


def runs(study: Study, count: int, steps: int, until: Callable[[Any], bool] = lambda state: False) -> list[list[Any]]:
    """The states of so many independent runs, by their seeds, each of so many steps or `until` a state of some kind.

    Without the loop, which evaluates f at each state.
    """
    found, solver, oracle = [], study.solver, study.oracle
    with oracle.uncounted(), np.errstate(all="ignore"):
        for k in range(count):
            rng = np.random.default_rng(study.seed + 1 + k)
            states = [solver.init(oracle, study.x0, rng)]
            while len(states) <= steps and not until(states[-1]):
                states.append(solver.step(oracle, states[-1], rng))
            found.append(states)
    return found


class Chosen:
    """Stands in for a random generator where one index is drawn: it draws this one."""

    def __init__(self, index: int) -> None:
        self.index = index

    def integers(self, high: int, size: Any = None) -> Any:
        return self.index if size is None else np.full(size, self.index)

    def choice(self, count: int, size: Any, p: Any = None) -> np.ndarray:
        return np.full(size, self.index)


def outcomes(study: Study, state: Any, count: int) -> np.ndarray:
    """Where the solver's own step leads from a state for each index that it may draw, (count, n)."""
    with study.oracle.uncounted(), np.errstate(all="ignore"):
        return np.array([study.solver.step(study.oracle, state, Chosen(k)).x for k in range(count)])
