"""BFGS2."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

import numpy as np

from ncsolve.theory import VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems


def shifted(study: Study) -> None:
    """B is off by a thousandth."""
    study.states = [replace(state, B=1.001 * state.B) for state in study.states]


class Secant(Theorem):
    """BFGS keeps B positive definite and fulfils the secant equation B+ s = y in every step that is not damped.

    $$B_+ s = y, \\qquad B_+ \\succ 0, \\qquad s = x_+ - x, \\quad y = \\nabla f_+ - \\nabla f$$

    A step is damped where s'y < s'Bs / 5 [Powell 1978]; there only B+ > 0 is promised.
    """

    id: ClassVar[str] = "BFGS2"
    name: ClassVar[str] = "bfgs-secant"
    kind: ClassVar[str] = "identity"
    solvers: ClassVar[tuple[str, ...]] = ("bfgs",)
    reference: ClassVar[str] = "Nocedal & Wright 2006, section 6.1 and procedure 18.2"
    horizon: ClassVar[int] = 40

    def claims(self, study: Study) -> Iterable[Claim]:
        residuals, allowed, lowest = [], [], []
        for k, (before, after) in enumerate(zip(study.states, study.states[1:], strict=False)):
            if not len(after.B):
                continue
            s, y = after.x - before.x, study.g[k + 1] - study.g[k]
            w = np.linalg.eigvalsh(after.B)
            lowest.append(-w[0] / w[-1])
            if len(before.B) and s @ y >= 0.2 * (s @ before.B @ s) * (1 + 1e-9):
                residuals.append(np.abs(after.B @ s - y).max())
                allowed.append(1e-9 * np.abs(y).max() + 1e-12)
        yield Claim.equal("B+ s = y", np.array(residuals), np.zeros(len(residuals)), np.array(allowed))
        yield Claim.equal("B+ > 0", np.maximum(np.array(lowest), 0), np.zeros(len(lowest)), 0.0)

    def positive(self) -> Iterable[Case]:
        yield Case(problems.rotated_sum, witness=True)
        yield Case(problems.logistic_ridge)

    def controls(self) -> Iterable[Case]:
        yield Case(problems.rotated_sum, VIOLATED, mutate=shifted)
