"""CUB2."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import numpy as np

from ncsolve.theory import VIOLATED, Case, Claim, Study
from ncsolve_theorems import problems
from ncsolve_theorems.second_order.steps import CubicStep


class CubicPL(CubicStep):
    """Under the Polyak-Lojasiewicz inequality cubic steps with M = L converge with the order 4/3.

    $$\\Delta_{k+1} + w^{1/4} \\Delta_{k+1}^{3/4} \\le \\Delta_k, \\qquad \\Delta_k = f(x_k) - f_*, \\qquad
    w = \\frac{\\mu^3}{2592\\,L^2}$$

    Hence Delta+ <= w (Delta/w)^(4/3), superlinear once Delta < w, and before Delta_k <= Delta_0 exp(-k s) with s =
    w^(1/4)/(w^(1/4) + Delta_0^(1/4)); the three are checked. Proof: f - f+ >= L r^3/12 and |g+| <= L r^2 give f - f+ >=
    |g+|^(3/2)/(12 sqrt(L)), and |g+|^2 >= 2 mu Delta+.
    """

    id: ClassVar[str] = "CUB2"
    name: ClassVar[str] = "cubic-pl"
    kind: ClassVar[str] = "every iterate"
    constants: ClassVar[tuple[str, ...]] = ("hessian_lipschitz", "pl", "minimum")
    assumptions: ClassVar[tuple[str, ...]] = ("H is L-Lipschitz", "|g|^2 / 2 >= mu (f - f*)")
    reference: ClassVar[str] = "Nesterov & Polyak 2006, Thm 7, with L_0 = M = L; proof above"
    horizon: ClassVar[int] = 60

    def claims(self, study: Study) -> Iterable[Claim]:
        gap = study.gap
        w = study.mu**3 / (2592 * study.constant("hessian_lipschitz") ** 2)
        s = w**0.25 / (w**0.25 + gap[0] ** 0.25)
        fallen = gap[1:] + w**0.25 * gap[1:] ** 0.75
        yield Claim.at_most("Delta+ + w^(1/4) Delta+^(3/4) <= Delta", fallen, gap[:-1], first=1)
        yield Claim.at_most("Delta+ <= w (Delta/w)^(4/3)", gap[1:], w * (gap[:-1] / w) ** (4 / 3), first=1)
        yield Claim.at_most("Delta_k <= Delta_0 exp(-k s)", gap, gap[0] * np.exp(-s * np.arange(len(gap))))

    def positive(self) -> Iterable[Case]:
        yield Case(problems.rotated_sum)
        yield Case(lambda: problems.pl_sine(10.0), witness=True)

    def controls(self) -> Iterable[Case]:
        yield Case(problems.rotated_sum, VIOLATED, sabotage={"regularization": 1.2e7})
        yield Case(lambda: problems.pl_sine(10.0), VIOLATED, sabotage={"regularization": 1.2e7})
