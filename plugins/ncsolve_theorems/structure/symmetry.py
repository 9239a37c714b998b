"""CONS3."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, ClassVar

import numpy as np
import sympy as sp

from ncsolve.critical.symmetry import generators
from ncsolve.problem import Problem
from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems

POINTS = 20
ACCURACY = 1e-6
"""Of the generators, which are solved for, relative."""
CRITICAL, NULL = 1e-7, 1e-5


@cache
def ring() -> Problem:
    """(x^2 + y^2 + z^2 - 1)^2 / 4 + (z - 1/3)^2: a circle of minima, one rotation."""
    x, y, z = sp.symbols("x y z", real=True)
    f = (x**2 + y**2 + z**2 - 1) ** 2 / 4 + (z - sp.Rational(1, 3)) ** 2
    return Problem(f, name="ring", start={x: 1.5, y: -0.5, z: 0.2})


@cache
def chain_of_three() -> Problem:
    """(a - b)^4 + (b - c - 1)^2: translations, so that a minimum is never alone."""
    a, b, c = sp.symbols("a b c", real=True)
    return Problem((a - b) ** 2 + (a - b) ** 4 + (b - c - 1) ** 2, name="chain-of-three", start={a: 1, b: 0, c: 2})


def wrong_hessian(study: Study) -> None:
    """A second derivative that is off by a thousandth."""
    true = study.hessian
    study.hessian = lambda x: true(x) + 1e-3 * np.eye(len(x))


class SymmetryDirections(Theorem):
    """Where f is constant along x' = Ax + b, that direction v is level, and H v = -A' grad f, at every x.

    $$\\nabla f(x)^T (A x + b) = 0, \\qquad H(x)\\,(A x + b) = -A^T \\nabla f(x)$$

    At a critical point H v = 0: the nullity of H is at least the dimension of the orbit, and a point with no other zero
    and no negative eigenvalue is a minimum up to the symmetry. The generators (A, b) are found near x0, and the claims
    are checked at the iterates. Proof: differentiate the first equation.
    """

    id: ClassVar[str] = "CONS3"
    name: ClassVar[str] = "gd-symmetry"
    kind: ClassVar[str] = "identity"
    solvers: ClassVar[tuple[str, ...]] = ("gd", "momentum", "nag", "newton", "bfgs", "lbfgs", "trust-region", "arc")
    assumptions: ClassVar[tuple[str, ...]] = ("f has a linear symmetry", "at most 24 variables")
    reference: ClassVar[str] = "Kunin et al. 2021; proof above"

    def refusal(self, study: Study) -> str:
        if study.n > 24:
            return "More than 24 variables: not all generators are looked for."
        return "" if len(self.generators(study)) else "No linear symmetry of f was found."

    def generators(self, study: Study) -> Any:
        with study.oracle.uncounted():
            return generators(study.oracle, study.x0)

    def claims(self, study: Study) -> Iterable[Claim]:
        found = self.generators(study)
        parts = [np.split(found.matrix(k).toarray(), [study.n], axis=1) for k in range(len(found))]
        chosen = np.unique(np.linspace(0, len(study.x) - 1, POINTS).astype(int))
        level, bent = [], []
        for x, g in zip(study.x[chosen], study.g[chosen], strict=True):
            H = study.hessian(x)
            for A, b in parts:
                v = A @ x + b[:, 0]
                moved = 1.0 + float(np.linalg.norm(x))  # |v| at most, as |(A b)| = 1
                curved = float(np.linalg.norm(H))
                size = (float(np.linalg.norm(g)) + 1e-7 * curved * moved) * moved  # g is rounded as well
                level.append(abs(float(g @ v)) / (size or 1.0))
                size = curved * moved + float(np.linalg.norm(g))
                bent.append(float(np.linalg.norm(H @ v + A.T @ g)) / (size or 1.0))
        yield Claim.equal("g'(Ax + b) = 0, relative", level, np.zeros(len(level)), ACCURACY)
        yield Claim.equal("H (Ax + b) = -A'g, relative", bent, np.zeros(len(bent)), ACCURACY)
        if np.abs(study.g[-1]).max() <= CRITICAL:
            w = np.abs(np.linalg.eigvalsh(study.hessian(study.x[-1])))
            missing = found.tangents(study.x[-1]).shape[1] - int((w <= NULL * w.max()).sum())
            what = "dimension of the orbit <= nullity at the end"
            yield Claim.at_most(what, float(max(missing, 0)), 0.0, first=len(study.x) - 1)

    def positive(self) -> Iterable[Case]:
        yield Case(ring, witness=True)
        yield Case(chain_of_three)
        yield Case(problems.hyperbola)

    def controls(self) -> Iterable[Case]:
        yield Case(ring, VIOLATED, mutate=wrong_hessian)
        yield Case(problems.pl_sine, NOT_APPLICABLE)
