"""CONS1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, ClassVar

import numpy as np
import sympy as sp

from ncsolve.problem import Problem
from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study
from ncsolve_theorems import problems
from ncsolve_theorems.common import EPS, PLAIN, Descent

Matrices = list[tuple[np.ndarray, np.ndarray]]


@cache
def network(second: float = 0.4, samples: int = 6) -> Problem:
    """|W2 W1 X - Y|^2 / 2, W1 3 x 2 and W2 2 x 3, the second layer from random numbers times `second`."""
    rng = np.random.default_rng(8)
    i, j, h, k = sp.symbols("i j h k", integer=True)
    W1, W2 = sp.IndexedBase("W1", shape=(3, 2)), sp.IndexedBase("W2", shape=(2, 3))
    X, Y = sp.IndexedBase("X", shape=(2, samples)), sp.IndexedBase("Y", shape=(2, samples))
    hidden = sp.Sum(W1[h, j] * X[j, k], (j, 0, 1))
    residual = sp.Sum(W2[i, h] * hidden, (h, 0, 2)) - Y[i, k]
    data = {X: rng.standard_normal((2, samples)), Y: rng.standard_normal((2, samples))}
    start = {W1: 0.5 * rng.standard_normal((3, 2)), W2: second * rng.standard_normal((2, 3))}
    f = sp.Sum(residual**2, (i, 0, 1), (k, 0, samples - 1)) / 2
    return Problem(f, name="linear-network", data=data, start=start)


def one_weight(study: Study) -> None:
    """The first weight moves twice as far, as by a step size of its own."""
    x = study.x[:2].copy()
    x[1, 0] += x[1, 0] - x[0, 0]
    study.x = x


class LayerBalance(Descent):
    """Gradient descent on f(W2 W1) changes W1 W1' - W2' W2 by eta^2 times the same of the gradients, and no more.

    $$Q = W_1 W_1^T - W_2^T W_2: \\qquad Q_+ - Q = \\eta^2 (G_1 G_1^T - G_2^T G_2), \\qquad
    \\|Q_k - Q_0\\|_F \\le \\eta^2 \\sum_{j < k} |\\nabla f(x_j)|^2$$

    Under the gradient flow Q is conserved; with eta <= 1/L the sum is at most 2 eta (f_0 - f_k), of the order of the
    step. Proof: f does not change under W1 -> A W1, W2 -> W2 A^-1, and so W1 G1' = G2' W2.
    """

    id: ClassVar[str] = "CONS1"
    name: ClassVar[str] = "gd-layer-balance"
    kind: ClassVar[str] = "identity"
    assumptions: ClassVar[tuple[str, ...]] = ("f is a function of the product of its two matrices",)
    demand: ClassVar[str] = "a fixed step_size; 0.02 where none is given"
    reference: ClassVar[str] = "Saxe, McClelland & Ganguli 2014; Kunin et al. 2021; proof above"
    horizon: ClassVar[int] = 100

    def refusal(self, study: Study) -> str:
        shapes = [variable.shape for variable in study.oracle.problem.variables]
        if len(shapes) != 2 or not all(len(shape) == 2 for shape in shapes):
            return "f is not a function of two matrices."
        return "" if self.order(study) is not None else "f is not a function of the product of its matrices."

    def order(self, study: Study) -> tuple[str, str] | None:
        """The names of W1 and W2."""
        problem, rng = study.oracle.problem, np.random.default_rng(0)
        a, b = problem.variables
        for first, second in ((a, b), (b, a)):
            h = first.shape[0]
            if second.shape[1] != h:
                continue
            A = np.eye(h) + 0.2 * rng.standard_normal((h, h))
            places = problem.unpack(study.x0)
            moved = {first.name: A @ places[first.name], second.name: places[second.name] @ np.linalg.inv(A)}
            if np.isclose(study.oracle.value(problem.pack(moved)), study.oracle.value(study.x0), rtol=1e-9):
                return first.name, second.name
        return None

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"step_size": study.options.get("step_size") or 0.02, **PLAIN}

    def claims(self, study: Study) -> Iterable[Claim]:
        eta, x, g = study.option("step_size"), self.matrices(study, study.x), self.matrices(study, study.g)
        Q = np.array([W1 @ W1.T - W2.T @ W2 for W1, W2 in x])
        change = eta**2 * np.array([G1 @ G1.T - G2.T @ G2 for G1, G2 in g[:-1]])
        size = (study.x**2).sum(axis=1)
        what = "Q+ - Q = eta^2 (G1 G1' - G2' G2)"
        yield Claim.equal(what, np.diff(Q, axis=0), change, 64 * EPS * (size[1:] + size[:-1]))
        drift = np.linalg.norm(Q[1:] - Q[0], axis=(1, 2))
        yield Claim.at_most("|Q_k - Q_0| <= eta^2 sum |g_j|^2", drift, eta**2 * np.cumsum(study.slope[:-1]), first=1)

    def matrices(self, study: Study, rows: np.ndarray) -> Matrices:
        """W1 and W2 in each row."""
        order = self.order(study)
        assert order is not None
        places = [study.oracle.problem.unpack(row) for row in rows]
        return [(each[order[0]], each[order[1]]) for each in places]

    def positive(self) -> Iterable[Case]:
        yield Case(network)
        yield Case(lambda: network(0.0), witness=True)
        yield Case(network, options={"step_size": 0.1})

    def controls(self) -> Iterable[Case]:
        yield Case(network, VIOLATED, mutate=one_weight)
        yield Case(problems.hyperbola, NOT_APPLICABLE)
