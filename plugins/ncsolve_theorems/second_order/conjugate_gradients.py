"""CG1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems
from ncsolve_theorems.common import PLAIN
from ncsolve_theorems.second_order.steps import conjugate_gradients, zero

CLOSE = 1e-9
"""Relative distance of eigenvalues that count as one, and size of components that count as none."""

KEPT = 10
"""Steps after which rounding has cost the conjugacy."""


def steepest(study: Study) -> None:
    """Steepest descent with the same line search."""
    from ncsolve_first_order.gd import GradientDescent

    study.solver = GradientDescent(line_search="exact")


class ConjugateGradients(Theorem):
    """Conjugate gradients with an exact line search reduce the error of a convex quadratic by Chebyshev's polynomials.

    $$\\|e_k\\|_H \\le \\frac{2 \\rho^k}{1 + \\rho^{2k}} \\|e_0\\|_H \\le 2 \\rho^k \\|e_0\\|_H, \\qquad
    \\rho = \\frac{\\sqrt K - 1}{\\sqrt K + 1}, \\quad K = \\lambda_{\\max}/\\lambda_{\\min}$$

    |e|_H^2 = 2 (f - f*) never rises, and is 0 after as many steps as H has distinct eigenvalues, counting those along
    which x0 - x* has a component (checked up to 10: rounding costs the conjugacy). Proof: among all polynomials p of
    degree k with p(0) = 1, p(H) e_0 is smallest.
    """

    id: ClassVar[str] = "CG1"
    name: ClassVar[str] = "cg-quadratic"
    kind: ClassVar[str] = "every iterate"
    solvers: ClassVar[tuple[str, ...]] = ("cg",)
    constants: ClassVar[tuple[str, ...]] = ("smoothness", "strong_convexity", "minimum")
    assumptions: ClassVar[tuple[str, ...]] = ("f is quadratic with H > 0",)
    demand: ClassVar[str] = "line_search = exact"
    reference: ClassVar[str] = "Hestenes & Stiefel 1952; Nocedal & Wright 2006, Thm 5.4, eq. 5.36"
    horizon: ClassVar[int] = 100

    def refusal(self, study: Study) -> str:
        if not study.oracle.structure.quadratic:
            return "f is not quadratic: its Hessian is not constant."
        return "" if study.known["strong_convexity"].value > 0 else "H is not positive definite."

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {**PLAIN, "line_search": "exact"}

    def identity(self, study: Study) -> Claim | None:
        wanted = conjugate_gradients(study.hessian(study.x0), study.g[0], study.x0, min(KEPT, len(study.x) - 1))
        away = np.linalg.norm(study.x[: len(wanted)] - wanted, axis=1) / np.linalg.norm(study.x0 - study.best)
        return zero("x_k = those of linear conjugate gradients", list(away))

    def claims(self, study: Study) -> Iterable[Claim]:
        gap, rho = study.gap, self.rho(study)
        k = np.arange(len(gap))
        factor = 2 * rho**k / (1 + rho ** (2 * k))
        yield Claim.at_most("|e_k|^2 <= (2 rho^k/(1 + rho^2k))^2 |e_0|^2", 2 * gap, factor**2 * 2 * gap[0])
        yield Claim.at_most("|e_k+1| <= |e_k|", gap[1:], gap[:-1], first=1)
        steps = self.distinct(study)
        if steps < min(len(gap), KEPT + 1):
            what = f"|e_k| = 0 after the {steps} distinct eigenvalues"
            yield Claim.at_most(what, gap[steps:] / gap[0], 1e-12, first=steps)

    def distinct(self, study: Study) -> int:
        """Eigenvalues of H along which x0 - x* has a component, each counted once."""
        w, Q = np.linalg.eigh(study.hessian(study.x0))
        part = np.abs(Q.T @ study.oracle.gradient(study.x0))
        w = w[part > CLOSE * part.max()]
        return 1 + int((np.diff(w) > CLOSE * w[-1]).sum())

    def rho(self, study: Study) -> Any:
        root = np.sqrt(study.L / study.constant("strong_convexity"))
        return (root - 1) / (root + 1)

    def rate(self, study: Study) -> float:
        return float(self.rho(study) ** 2)

    def positive(self) -> Iterable[Case]:
        yield Case(lambda: problems.quadratic(*np.linspace(1.0, 100.0, 30)))
        yield Case(lambda: problems.quadratic(1.0, 3.0, 3.0, 3.0, 10.0))
        yield Case(
            lambda: problems.quadratic_form(np.diag([1.0, 10.0]), np.array([1.0, 0.1]), "steepest"), witness=True
        )

    def controls(self) -> Iterable[Case]:
        for problem in (
            lambda: problems.quadratic(*np.linspace(1.0, 100.0, 30)),
            lambda: problems.quadratic(1.0, 3.0, 3.0, 3.0, 10.0),
        ):
            yield Case(problem, VIOLATED, mutate=steepest)
        yield Case(lambda: problems.degenerate(1), NOT_APPLICABLE)
        yield Case(problems.pl_sine, NOT_APPLICABLE)
