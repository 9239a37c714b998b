"""NEWT1."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems
from ncsolve_theorems.common import newton_steps


def damped(study: Study) -> None:
    """Nine tenths of the first step."""
    start, end = study.x[:2]
    study.x = np.array([start, start + 0.9 * (end - start)])


class NewtonBarrier(Theorem):
    """On x - log x Newton's step squares the error: 1 - x+ = (1 - x)^2.

    $$f = x - \\log x: \\qquad 1 - x_+ = (1 - x)^2$$

    Proof: x+ = x - (1 - 1/x) x^2 = 2x - x^2. The first step must have the length 1, as from x0 in [1/2, 3/2].
    """

    id: ClassVar[str] = "NEWT1"
    name: ClassVar[str] = "newton-barrier"
    kind: ClassVar[str] = "identity"
    solvers: ClassVar[tuple[str, ...]] = ("newton",)
    assumptions: ClassVar[tuple[str, ...]] = ("f = x - log x",)
    reference: ClassVar[str] = "proof above"
    horizon: ClassVar[int] = 8

    def refusal(self, study: Study) -> str:
        if study.n != 1:
            return "f is not x - log x."
        at = np.array([0.5, 1.0, 3.0])
        slopes = [study.oracle.gradient(np.array([x]))[0] for x in at]
        if not np.allclose(slopes, 1 - 1 / at):
            return "f is not x - log x."
        return "" if 0.5 <= study.x0[0] <= 1.5 else "x0 is not in [1/2, 3/2]."

    def identity(self, study: Study) -> Claim | None:
        wrong = ~newton_steps(study)[:3]
        return Claim.equal("x+ = x - H^-1 g", wrong.astype(float), np.zeros(len(wrong)), 0.0)

    def claims(self, study: Study) -> Iterable[Claim]:
        x = study.x[:, 0]
        yield Claim.equal("1 - x+ = (1 - x)^2", 1 - x[1:], (1 - x[:-1]) ** 2, 1e-13)

    def positive(self) -> Iterable[Case]:
        yield Case(problems.barrier, witness=True)
        yield Case(lambda: problems.barrier(1.3))

    def controls(self) -> Iterable[Case]:
        yield Case(problems.barrier, VIOLATED, mutate=damped)
        yield Case(problems.pl_sine, NOT_APPLICABLE)
