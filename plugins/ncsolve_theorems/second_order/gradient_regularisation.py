"""MISH1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Missing, Study, Theorem
from ncsolve_theorems import problems
from ncsolve_theorems.common import convex
from ncsolve_theorems.second_order.steps import shifted_update


class GradientRegularisation(Theorem):
    """On a convex f Newton's step with lambda = sqrt(H |g|) never overshoots, and f - f* is of the order 1/k^2.

    $$f_+ \\le f - \\tfrac{2}{3}\\lambda r^2, \\quad |\\nabla f_+| \\le 2 \\lambda r, \\quad r = |x_+ - x|, \\qquad
    f(x_k) - f_* \\le \\frac{36864\\,H D^3}{m_k^2}, \\quad D = \\max_j |x_j - x_*|$$

    H is half of the Lipschitz constant of f'', m_k the number of the first k steps with |g+| >= |g|/4. Proof of the
    last: such a step lowers f by |g+|^2/(6 lambda) >= |g|^(3/2)/(96 sqrt(H)), |g| >= (f - f*)/D, and so
    (f+ - f*)^(-1/2) >= (f - f*)^(-1/2) + 1/(192 sqrt(H D^3)).
    """

    id: ClassVar[str] = "MISH1"
    name: ClassVar[str] = "regularized-newton-descent"
    kind: ClassVar[str] = "every iterate"
    solvers: ClassVar[tuple[str, ...]] = ("regularized-newton",)
    constants: ClassVar[tuple[str, ...]] = ("hessian_lipschitz", "strong_convexity")
    assumptions: ClassVar[tuple[str, ...]] = ("f is convex (strong_convexity = 0 claims it)", "f'' is 2H-Lipschitz")
    demand: ClassVar[str] = "regularization = L/2, L the Hessian's Lipschitz constant"
    reference: ClassVar[str] = "Mishchenko 2023, Alg. 1 and the proof of Thm 1"
    horizon: ClassVar[int] = 60

    def refusal(self, study: Study) -> str:
        if reason := convex(study):
            return reason
        study.constant("strong_convexity")
        return "" if study.constant("hessian_lipschitz") > 0 else "The Hessian is constant: H = 0 regularises nothing."

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"regularization": study.constant("hessian_lipschitz") / 2}

    def identity(self, study: Study) -> Claim | None:
        factor = np.sqrt(study.constant("hessian_lipschitz") / 2)
        return shifted_update(study, "(f'' + lambda I) s = -g", factor, 0.5)

    def claims(self, study: Study) -> Iterable[Claim]:
        size = np.sqrt(study.slope)
        r = np.linalg.norm(np.diff(study.x, axis=0), axis=1)
        multiplier = np.sqrt(study.constant("hessian_lipschitz") / 2 * size[:-1])
        yield Claim.at_most("2/3 lambda r^2 <= f - f+", 2 / 3 * multiplier * r**2, study.f[:-1] - study.f[1:])
        yield Claim.at_most("|g+| <= 2 lambda r", size[1:], 2 * multiplier * r)
        with suppress(Missing):  # f* or x*: without them this is all
            m = np.cumsum(size[1:] >= size[:-1] / 4)
            square = ((study.x - study.best) ** 2).sum(axis=1).max()  # D^2
            cube = square * np.sqrt(square)
            bound = 18432 * study.constant("hessian_lipschitz") * cube / np.where(m > 0, m, 1e-150) ** 2
            yield Claim.at_most("f_k - f* <= 36864 H D^3 / m_k^2", study.gap[1:], bound, first=1)

    def positive(self) -> Iterable[Case]:
        yield Case(problems.root_sum, constants={"strong_convexity": 0}, witness=True)
        yield Case(lambda: problems.root_sum(1, 8.0), constants={"strong_convexity": 0})

    def controls(self) -> Iterable[Case]:
        claimed = {"strong_convexity": 0}
        yield Case(problems.root_sum, VIOLATED, constants=claimed, sabotage={"regularization": 0.8587 / 2e4})
        yield Case(problems.pl_sine, NOT_APPLICABLE)
