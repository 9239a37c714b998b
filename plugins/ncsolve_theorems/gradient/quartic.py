"""GD9."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study
from ncsolve_theorems import problems
from ncsolve_theorems.common import PLAIN, Descent


class GDQuartic(Descent):
    """On c x^4, which is not PL, gradient descent is sublinear: 8 c eta k x_k^2 tends to 1.

    $$f = c\\,x^4: \\qquad 8 c\\,\\eta k\\, x_k^2 \\to 1$$

    Proof: 1/x+^2 = (1 - 4 c eta x^2)^-2 / x^2 >= 1/x^2 + 8 c eta, and the rest, 3 (4 c eta x)^2 + ..., sums to
    O(log k). Checked: 1 / (8 c eta k + 1/x0^2) bounds x_k^2 from above at every iterate, and 8 c eta k x_k^2 comes
    within 5% of 1.
    """

    id: ClassVar[str] = "GD9"
    name: ClassVar[str] = "gd-quartic"
    kind: ClassVar[str] = "horizon"
    assumptions: ClassVar[tuple[str, ...]] = ("f = c x^4, one variable", "4 c eta x0^2 < 1")
    demand: ClassVar[str] = "a fixed step_size; 1 / (40 c x0^2) where none is given"
    reference: ClassVar[str] = "proof above"
    horizon: ClassVar[int] = 5000

    def refusal(self, study: Study) -> str:
        if study.n != 1 or not study.x0[0]:
            return "f is not c x^4 of one variable, from x0 != 0."
        points = np.array([[0.5], [-1.0], [2.0]]) * study.x0
        values = np.array([study.oracle.value(x) for x in points])
        c = values[1] / study.x0[0] ** 4
        return "" if c > 0 and np.allclose(values, c * points[:, 0] ** 4, rtol=1e-12) else "f is not c x^4."

    def demands(self, study: Study) -> Mapping[str, Any]:
        short = 1 / (40 * self.factor(study) * study.x0[0] ** 2)
        return {"step_size": study.options.get("step_size") or float(short), **PLAIN}

    def factor(self, study: Study) -> float:
        return float(study.oracle.value(study.x0) / study.x0[0] ** 4)

    def claims(self, study: Study) -> Iterable[Claim]:
        eta, c = study.option("step_size"), self.factor(study)
        k, square = np.arange(len(study.x)), study.x[:, 0] ** 2
        yield Claim.at_most("x_k^2 <= 1 / (8 c eta k + 1/x0^2)", square, 1 / (8 * c * eta * k + 1 / square[0]))
        limit = 8 * c * eta * k[-1] * square[-1]
        yield Claim.at_most("|8 c eta k x_k^2 - 1| <= 0.05 at the end", abs(limit - 1), 0.05)

    def positive(self) -> Iterable[Case]:
        yield Case(problems.quartic, witness=True)
        yield Case(lambda: problems.quartic(-3.0), witness=True)

    def controls(self) -> Iterable[Case]:
        yield Case(problems.quartic, VIOLATED, sabotage={"step_size": 0.05})
        yield Case(problems.pl_sine, NOT_APPLICABLE)
