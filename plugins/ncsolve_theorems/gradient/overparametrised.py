"""GD7."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, ClassVar, NamedTuple

import numpy as np
import sympy as sp

from ncsolve.problem import Problem
from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study
from ncsolve_theorems.common import PLAIN, Descent

POINTS = 50
SLACK = 1e-9


@cache
def product(u: float = 2.0, v: float = 0.6) -> Problem:
    """(uv - 1)^2 / 2: the Jacobian (v, u) is 1-Lipschitz."""
    a, b = sp.symbols("u v", real=True)
    return Problem((a * b - 1) ** 2 / 2, name="product", start={a: u, b: v}, constants={"jacobian_lipschitz": 1})


@cache
def two_products() -> Problem:
    """(uv - 1)^2/2 + (wz - 6)^2/2, the first slow, the second steep: L_J = 1."""
    u, v, w, z = sp.symbols("u v w z", real=True)
    f = ((u * v - 1) ** 2 + (w * z - 6) ** 2) / 2
    start = {u: 1.2, v: 0.7, w: 4.0, z: 1.5}
    return Problem(f, name="two-products", start=start, constants={"jacobian_lipschitz": 1})


@cache
def bent() -> Problem:
    """Two residuals of three variables, linear but for sin/2: L_J = 1/2."""
    u, v, w = sp.symbols("u v w", real=True)
    first, second = 2 * u + v + sp.sin(w) / 2, u - 2 * v + sp.sin(u) / 2
    f = ((first - sp.Rational(1, 2)) ** 2 + (second + sp.Rational(1, 5)) ** 2) / 2
    return Problem(f, name="bent", start={u: 0.0, v: 0.0, w: 0.0}, constants={"jacobian_lipschitz": sp.Rational(1, 2)})


class Ball(NamedTuple):
    """Constants at x0: mu and beta hold in the ball of this radius."""

    radius: float
    mu: float
    beta: float
    least: float
    """The smallest singular value of J."""
    residual: float


class GDOverparametrised(Descent):
    """If J(x0) is well conditioned and r(x0) small, gradient descent fits f = |r|^2/2 linearly and stays near x0.

    $$\\sigma_{\\min}(J_0)^2 \\ge 8 L_J |r_0|: \\quad f(x_k) \\le (1 - \\mu/\\beta)^k f(x_0), \\quad |x_k - x_0| \\le R,
    \\quad \\sum_j |x_{j+1} - x_j| \\le 2\\sqrt{2 f(x_0)/\\mu}$$

    J has at least as many columns as rows and is L_J-Lipschitz; R = sigma_min/(2 L_J), mu = sigma_min^2/4, beta =
    (|J_0| + L_J R)^2 + L_J (|r_0| + (|J_0| + L_J R) R), eta = 1/beta.

    Proof: in the ball sigma_min(J) >= sigma_min(J_0)/2, so that |g|^2 >= 2 mu f, and f is beta-smooth; a step is at
    most (4/sqrt(2 mu)) (sqrt(f) - sqrt(f+)) long, and the sum telescopes to 4 |r_0|/sigma_min(J_0) <= R.
    """

    id: ClassVar[str] = "GD7"
    name: ClassVar[str] = "gd-overparametrised"
    kind: ClassVar[str] = "every iterate"
    constants: ClassVar[tuple[str, ...]] = ("jacobian_lipschitz",)
    assumptions: ClassVar[tuple[str, ...]] = (
        "f is a sum of squares",
        "J is L_J-Lipschitz",
        "sigma_min^2 >= 8 L_J |r0|",
    )
    demand: ClassVar[str] = "step_size = 1/beta"
    reference: ClassVar[str] = "proof above; cf. Oymak & Soltanolkotabi 2019; Liu, Zhu & Belkin 2022"

    def refusal(self, study: Study) -> str:
        if study.oracle.least_squares is None:
            return "f is not a sum of squares."
        J, L_J = self.jacobian(study, study.x0), study.constant("jacobian_lipschitz")
        if J.shape[0] > J.shape[1]:
            return f"There are {J.shape[0]} residuals and {J.shape[1]} variables: J cannot have full row rank."
        ball = self.ball(study)
        if ball.least**2 < 8 * L_J * ball.residual:
            return f"sigma_min(J(x0))^2 = {ball.least**2:.4g} is below 8 L_J |r(x0)| = {8 * L_J * ball.residual:.4g}."
        return self.refuted(study, J, L_J, min(ball.radius, 1e3))

    def refuted(self, study: Study, J: np.ndarray, L_J: float, radius: float) -> str:
        """A point of the ball at which J differs from J(x0) by more than L_J allows."""
        rng = np.random.default_rng(0)
        for _ in range(POINTS):
            d = rng.standard_normal(study.n)
            d *= radius * rng.random() / np.linalg.norm(d)
            change = float(np.linalg.norm(self.jacobian(study, study.x0 + d) - J, 2) / np.linalg.norm(d))
            if change > L_J * (1 + SLACK) + SLACK:
                return f"jacobian_lipschitz = {L_J:.6g} is refuted: J changes by {change:.6g} per length near x0."
        return ""

    def jacobian(self, study: Study, x: np.ndarray) -> np.ndarray:
        """Of r with f = |r|^2 / 2."""
        with study.oracle.uncounted():
            J = study.oracle.least_squares.jacobian(x)
        return np.sqrt(2) * (J if isinstance(J, np.ndarray) else J.toarray())

    def ball(self, study: Study) -> Ball:
        s = np.linalg.svd(self.jacobian(study, study.x0), compute_uv=False)
        L_J, r = study.constant("jacobian_lipschitz"), float(np.sqrt(2 * study.oracle.value(study.x0)))
        R = s[-1] / (2 * L_J) if L_J > 0 else np.inf
        largest = s[0] + s[-1] / 2
        beta = largest**2 + (L_J * (r + largest * R) if L_J > 0 else 0.0)
        return Ball(float(R), float(s[-1] ** 2 / 4), float(beta), float(s[-1]), r)

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"step_size": 1 / self.ball(study).beta, **PLAIN}

    def claims(self, study: Study) -> Iterable[Claim]:
        ball, f = self.ball(study), study.f
        above = int(np.argmax(f < 1e-24 * f[0])) or len(f)  # what is left is rounding
        path = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(study.x, axis=0), axis=1)))
        away = np.linalg.norm(study.x - study.x0, axis=1)
        bound = self.rate(study) ** np.arange(len(f)) * f[0]
        yield Claim.at_most("f_k <= (1 - mu/beta)^k f_0", (f / f[0])[:above], (bound / f[0])[:above])
        yield Claim.at_most("|x_k - x0| <= R", away, ball.radius)
        yield Claim.at_most("path <= 2 sqrt(2 f_0 / mu)", path, 2 * np.sqrt(2 * f[0] / ball.mu))

    def rate(self, study: Study) -> float:
        ball = self.ball(study)
        return 1 - ball.mu / ball.beta

    def positive(self) -> Iterable[Case]:
        yield Case(product)
        yield Case(bent)
        yield Case(two_products, witness=True)

    def controls(self) -> Iterable[Case]:
        yield Case(lambda: product(0.6, -0.6), NOT_APPLICABLE)
        yield Case(product, NOT_APPLICABLE, constants={"jacobian_lipschitz": 0.5})
        yield Case(product, VIOLATED, sabotage={"step_size": 0.6})
        yield Case(two_products, VIOLATED, sabotage={"step_size": 1e-4})
