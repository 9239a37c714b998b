"""BCD1."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import ClassVar

import numpy as np
import sympy as sp

from ncsolve.problem import Minimum, Problem
from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems


@cache
def coupled(strength: float = 0.8, along: bool = True) -> Problem:
    """|u|^2/2 + |v|^2/2 + u'Bv, u and v in R^2, B diagonal: rho = strength^2; from the slowest direction, or not."""
    u, v = sp.IndexedBase("u", shape=(2,)), sp.IndexedBase("v", shape=(2,))
    i = sp.Symbol("i", integer=True)
    s = sp.Float(strength)
    square = sp.Sum(u[i] ** 2 + v[i] ** 2, (i, 0, 1)) / 2
    return Problem(
        square + s * u[0] * v[0] + s / 2 * u[1] * v[1],
        name="coupled",
        start={u: 1.0, v: np.array([1.0, 0.0]) if along else np.array([0.5, -2.0])},
        blocks=[u, v],
        known=[Minimum({u: 0.0, v: 0.0}, value=0.0)],
    )


def damped(study: Study) -> None:
    """Half of each sweep."""
    x = study.x.copy()
    for k in range(1, len(x)):
        x[k] = (x[k - 1] + study.x[k]) / 2
    study.x = x


class Alternating(Theorem):
    """Exact minimisation over two blocks in turn takes f - f* of a convex quadratic down by rho^2 in every sweep.

    $$H = \\begin{pmatrix} A & B \\\\ B^T & C \\end{pmatrix} > 0: \\qquad f_{k+1} - f_* \\le \\rho^2 (f_k - f_*),
    \\qquad \\rho = \\|A^{-1/2} B C^{-1/2}\\|^2$$

    From the second sweep on; the first has the factor rho. Proof: after a sweep f - f* is a function of one block
    alone, whose error is multiplied by T'T, T = A^{-1/2} B C^{-1/2}.
    """

    id: ClassVar[str] = "BCD1"
    name: ClassVar[str] = "als-two-blocks"
    kind: ClassVar[str] = "every iterate"
    solvers: ClassVar[tuple[str, ...]] = ("als",)
    constants: ClassVar[tuple[str, ...]] = ("minimum",)
    assumptions: ClassVar[tuple[str, ...]] = ("f is quadratic with H > 0", "there are two blocks")
    reference: ClassVar[str] = "proof above; Beck & Tetruashvili 2013 for general f"

    def refusal(self, study: Study) -> str:
        if not study.oracle.structure.quadratic or study.least_curvature(study.x0) <= 0:
            return "f is not a quadratic with H > 0."
        count = len(study.oracle.structure.blocks)
        return "" if count == 2 else f"The problem has {count} blocks, not two."

    def contraction(self, study: Study) -> float:
        """rho"""
        places = study.oracle.problem.unpack(np.arange(float(study.n)))
        first, second = (
            np.concatenate([np.ravel(places[name]) for name in block.names]).astype(int)
            for block in study.oracle.structure.blocks
        )
        H = study.hessian(study.x0)
        A, B, C = H[np.ix_(first, first)], H[np.ix_(first, second)], H[np.ix_(second, second)]
        return float(np.linalg.eigvals(np.linalg.solve(A, B) @ np.linalg.solve(C, B.T)).real.max())

    def claims(self, study: Study) -> Iterable[Claim]:
        rho, gap = self.contraction(study), study.gap
        factor = np.where(np.arange(len(gap) - 1) == 0, rho, rho**2)
        yield Claim.at_most("f+ - f* <= rho^2 (f - f*)", gap[1:], factor * gap[:-1], first=1)

    def rate(self, study: Study) -> float:
        return self.contraction(study) ** 2

    def positive(self) -> Iterable[Case]:
        yield Case(coupled, witness=True)
        yield Case(lambda: coupled(0.5, along=False))

    def controls(self) -> Iterable[Case]:
        yield Case(coupled, VIOLATED, mutate=damped)
        yield Case(problems.saddle_well, NOT_APPLICABLE)
