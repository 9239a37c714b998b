"""GD3a."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study
from ncsolve_theorems import problems
from ncsolve_theorems.common import UnitStep


class GDLinear(UnitStep):
    """Under the Polyak-Lojasiewicz inequality f - f* falls by 1 - mu/L in every step, convex or not.

    $$f(x_k) - f_* \\le \\left(1 - \\frac{\\mu}{L}\\right)^k (f(x_0) - f_*)$$

    Proof: f(x) - f(x+) >= |g|^2 / 2L >= (mu/L)(f(x) - f*), the second by |g|^2 / 2 >= mu (f - f*).
    """

    id: ClassVar[str] = "GD3a"
    name: ClassVar[str] = "gd-pl-linear"
    kind: ClassVar[str] = "every iterate"
    constants: ClassVar[tuple[str, ...]] = ("smoothness", "pl", "minimum")
    assumptions: ClassVar[tuple[str, ...]] = ("f is L-smooth", "|g|^2 / 2 >= mu (f - f*)")
    reference: ClassVar[str] = "Karimi, Nutini & Schmidt 2016, Thm 1"

    def claims(self, study: Study) -> Iterable[Claim]:
        gap = study.gap
        bound = self.rate(study) ** np.arange(len(gap)) * gap[0]
        yield Claim.at_most("f_k - f* <= (1 - mu/L)^k (f0 - f*)", gap, bound)

    def rate(self, study: Study) -> float:
        return 1 - study.mu / study.L

    def positive(self) -> Iterable[Case]:
        yield Case(problems.pl_sine)
        yield Case(problems.composition)
        yield Case(lambda: problems.degenerate(1), witness=True)

    def controls(self) -> Iterable[Case]:
        yield Case(lambda: problems.degenerate(1), VIOLATED, sabotage={"step_size": 0.2 / 4})
        yield Case(lambda: problems.degenerate(1), VIOLATED, constants={"pl": 2.5})
        yield Case(problems.pl_sine, NOT_APPLICABLE, constants={"pl": 0.36})
