"""What the theorems about self-concordant functions share."""

from __future__ import annotations

from functools import cache

import numpy as np
import sympy as sp

from ncsolve.problem import Minimum, Problem
from ncsolve.theory import Study, Theorem

DIRECTIONS = 20
STEP, SLACK = 1e-4, 1e-4
SMALLEST = 1e-6
"""Decrements below this are those of rounding."""


@cache
def barrier(x0: float = 0.6) -> Problem:
    """x - log x: lambda = |x - 1|."""
    x = sp.Symbol("x", positive=True)
    return Problem(
        x - sp.log(x), name="barrier", start={x: x0}, known=[Minimum({x: 1.0}, value=1.0)],
        constants={"self_concordance": 1},
    )  # fmt: skip


@cache
def centre(size: float, rows: int = 12, n: int = 3) -> Problem:
    """-sum log(1 - a_i'x): the analytic centre of a polytope, from a point towards its boundary."""
    i, j = sp.symbols("i j", integer=True)
    half = np.random.default_rng(7).standard_normal((rows // 2, n))
    data = np.vstack([half, -1.3 * half])
    x, A = sp.IndexedBase("x", shape=(n,)), sp.IndexedBase("A", shape=(rows, n))
    f = -sp.Sum(sp.log(1 - sp.Sum(A[i, j] * x[j], (j, 0, n - 1))), (i, 0, rows - 1))
    start = size * data[0] / (data @ data[0]).max()
    return Problem(f, name="analytic-centre", data={A: data}, start={x: start}, constants={"self_concordance": 1})


class SelfConcordant(Theorem):
    """Theorems about Newton's method on a convex f with |f'''[h, h, h]| <= 2 M (h'Hh)^(3/2)."""

    solvers = ("newton",)
    constants = ("self_concordance",)
    horizon = 30

    def refusal(self, study: Study) -> str:
        H = study.hessian(study.x0)
        w = np.linalg.eigvalsh(H)
        if not w[0] > 0:
            return f"f is not strictly convex: the Hessian has the eigenvalue {w[0]:.4g} at x0."
        M = study.constant("self_concordance")
        rng = np.random.default_rng(0)
        for h in (-np.linalg.solve(H, study.oracle.gradient(study.x0)), *rng.standard_normal((DIRECTIONS, study.n))):
            square = float(h @ H @ h)
            if square <= 0:
                continue
            h = h / np.sqrt(square)
            ahead, back = (study.hessian(study.x0 + sign * STEP * h) for sign in (1, -1))
            third = abs(float(h @ (ahead - back) @ h)) / (2 * STEP)
            if third > 2 * M * (1 + SLACK) + SLACK:
                return f"self_concordance = {M:.6g} is refuted: |f'''| / 2 is {third / 2:.6g} along a direction at x0."
        return ""

    def decrements(self, study: Study) -> np.ndarray:
        """lambda_k = M sqrt(g'H^-1 g), until they are rounding."""
        M, found = study.constant("self_concordance"), []
        for x, g in zip(study.x, study.g, strict=True):
            found.append(M * np.sqrt(max(float(g @ np.linalg.solve(study.hessian(x), g)), 0.0)))
            if not found[-1] > SMALLEST:
                break
        return np.array(found)
