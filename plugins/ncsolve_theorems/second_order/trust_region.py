"""TR1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems


def shortened(study: Study) -> None:
    """Six tenths of the first step."""
    start, end = study.x[:2]
    study.x = np.array([start, start + 0.6 * (end - start)])


class TrustRegionStep(Theorem):
    """Every step s of an exact trust-region method solves its subproblem: (H + l I) s = -g with l >= 0, H + l I >= 0.

    $$(H + \\lambda I)\\,s = -\\nabla f, \\qquad \\lambda \\ge 0, \\qquad H + \\lambda I \\succeq 0$$

    lambda is found from s by least squares; s minimises the quadratic model among all steps that are not longer.
    """

    id: ClassVar[str] = "TR1"
    name: ClassVar[str] = "trust-region-step"
    kind: ClassVar[str] = "identity"
    solvers: ClassVar[tuple[str, ...]] = ("trust-region",)
    assumptions: ClassVar[tuple[str, ...]] = ("f is twice differentiable",)
    demand: ClassVar[str] = "scaling = none"
    reference: ClassVar[str] = "More & Sorensen 1983, Lemma 2.1"
    horizon: ClassVar[int] = 60

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"scaling": "none"}

    def refusal(self, study: Study) -> str:
        return "" if study.n <= 200 else "More than 200 variables: the eigenvalues cost too much."

    def claims(self, study: Study) -> Iterable[Claim]:
        residual, negative, indefinite = [], [], []
        for x, g, after in zip(study.x, study.g, study.x[1:], strict=False):
            s, H = after - x, study.hessian(x)
            size = float(np.linalg.norm(s))
            if size <= 1e-7 * max(1.0, float(np.abs(x).max())):
                break  # rounding of x hides what s was
            multiplier = float(-(g + H @ s) @ s) / size**2
            scale = float(np.abs(H).max()) + abs(multiplier)
            residual.append(float(np.linalg.norm(H @ s + multiplier * s + g)) / (scale * size))
            negative.append(-multiplier / scale)
            indefinite.append(-(np.linalg.eigvalsh(H)[0] + multiplier) / scale)
        for what, left in (("(H + l I) s = -g", residual), ("l >= 0", negative), ("H + l I >= 0", indefinite)):
            yield Claim.equal(f"{what}, relative", np.maximum(left, 0), np.zeros(len(left)), 1e-6)

    def positive(self) -> Iterable[Case]:
        yield Case(problems.rotated_sum, witness=True)
        yield Case(problems.saddle_well)
        yield Case(problems.logistic_ridge)

    def controls(self) -> Iterable[Case]:
        yield Case(lambda: problems.quadratic(1.0, 3.0, 10.0), VIOLATED, mutate=shortened)
