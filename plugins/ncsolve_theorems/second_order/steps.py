"""What second-order theorems share: the steps of a run as solutions of (H + lambda I) s = -g, and their worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ncsolve.theory import Claim, Study, Theorem

ACCURACY = 1e-6
"""Of the equations of a step, relative: a step is the difference of two rounded points."""
SHORTEST = 1e-7
"""Part of |x| below which rounding hides what a step was."""


class Step(NamedTuple):
    k: int
    s: np.ndarray
    g: np.ndarray
    H: np.ndarray
    shift: float
    """lambda, by least squares."""

    @property
    def length(self) -> float:
        return float(np.linalg.norm(self.s))

    @property
    def scale(self) -> float:
        return float(np.abs(self.H).max()) + abs(self.shift)

    @property
    def lowest(self) -> float:
        """lambda_min(H)"""
        return float(np.linalg.eigvalsh(self.H)[0])

    @property
    def fall(self) -> float:
        """What the quadratic model promised: -(g's + s'Hs/2)."""
        return -float(self.g @ self.s + self.s @ self.H @ self.s / 2)

    def residual(self, shift: float) -> float:
        """|(H + shift I) s + g| in |H| |s|."""
        return float(np.linalg.norm(self.H @ self.s + shift * self.s + self.g)) / (self.scale * self.length)


def steps_of(study: Study) -> list[Step]:
    """The steps of the run, until they are so short that rounding hides them."""
    found = []
    for k, (x, g, after) in enumerate(zip(study.x, study.g, study.x[1:], strict=False)):
        s = after - x
        square = float(s @ s)
        if not square > (SHORTEST * max(1.0, float(np.abs(x).max()))) ** 2:
            break
        H = study.hessian(x)
        found.append(Step(k, s, g, H, float(-(g + H @ s) @ s) / square))
    return found


def untouched(study: Study, k: int) -> bool:
    """Whether step k was the first trial in its trust region: else the radius would have changed."""
    return bool(study.states[k + 1].radius == study.states[k].radius)


def zero(what: str, values: list[float], first: int = 0) -> Claim:
    """All of these are 0 to the accuracy of a step."""
    return Claim.equal(f"{what}, relative", np.array(values), np.zeros(len(values)), ACCURACY, first)


def shifted_update(study: Study, what: str, factor: float, power: float) -> Claim:
    """(H + lambda I) s = -g with lambda = factor |s|, or factor sqrt(|g|) where `power` is 1/2."""
    residuals = []
    for step in steps_of(study):
        size = step.length if power == 1 else float(np.linalg.norm(step.g)) ** power
        residuals.append(step.residual(factor * size))
    return zero(what, residuals)


def best_in_ball(g: np.ndarray, H: np.ndarray, radius: float) -> float:
    """The largest fall -(g'p + p'Hp/2) over |p| <= radius, H > 0."""
    from scipy.optimize import brentq

    w, Q = np.linalg.eigh(H)
    c = Q.T @ g

    def excess(shift: float) -> float:
        return float(np.linalg.norm(c / (w + shift))) - radius

    shift = 0.0
    if excess(0.0) > 0:
        shift = float(brentq(excess, 0.0, float(np.linalg.norm(g)) / radius, xtol=1e-300, rtol=1e-14))
    q = -c / (w + shift)
    return -float(c @ q + (w * q) @ q / 2)


def cauchy_fall(g: np.ndarray, H: np.ndarray, radius: float) -> float:
    """The largest fall along -g in the ball."""
    size, bend = float(np.linalg.norm(g)), float(g @ H @ g)
    t = radius / size if bend <= 0 else min(size**2 / bend, radius / size)
    return t * size**2 - t**2 * bend / 2


def conjugate_gradients(H: np.ndarray, g: np.ndarray, x: np.ndarray, count: int) -> np.ndarray:
    """The iterates of linear conjugate gradients, fewer than count + 1 where g vanishes. [Hestenes & Stiefel 1952]"""
    iterates, r, p, first = [x], -g, -g, float(np.linalg.norm(g))
    for _ in range(count):
        Hp = H @ p
        step = float(r @ r) / float(p @ Hp)
        x, after = x + step * p, r - step * Hp
        p, r = after + float(after @ after) / float(r @ r) * p, after
        iterates.append(x)
        if float(np.linalg.norm(r)) <= 1e-10 * first:
            break
    return np.array(iterates)


class CubicStep(Theorem):
    """Cubic regularisation with M = L, the Hessian's Lipschitz constant."""

    solvers = ("cubic",)
    demand = "regularization = L"

    def refusal(self, study: Study) -> str:
        return "" if study.constant("hessian_lipschitz") > 0 else "The Hessian is constant: L = 0 regularises nothing."

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"regularization": study.constant("hessian_lipschitz")}

    def identity(self, study: Study) -> Claim | None:
        return shifted_update(study, "(H + M |s|/2 I) s = -g", study.constant("hessian_lipschitz") / 2, 1)
