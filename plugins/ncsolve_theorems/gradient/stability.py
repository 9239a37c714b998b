"""GD6."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study
from ncsolve_theorems import problems
from ncsolve_theorems.common import EPS, PLAIN, Descent


class GDQuadratic(Descent):
    """On a quadratic every eigencomponent is multiplied by 1 - eta lambda: it diverges iff eta > 2/lambda.

    $$x_k - x_* = (I - \\eta H)^k (x_0 - x_*)$$
    """

    id: ClassVar[str] = "GD6"
    name: ClassVar[str] = "gd-quadratic"
    kind: ClassVar[str] = "identity"
    constants: ClassVar[tuple[str, ...]] = ("smoothness",)
    assumptions: ClassVar[tuple[str, ...]] = ("f is quadratic",)
    demand: ClassVar[str] = "a fixed step_size; 1/L where none is given"
    reference: ClassVar[str] = "elementary"
    horizon: ClassVar[int] = 60

    def refusal(self, study: Study) -> str:
        return "" if study.oracle.structure.quadratic else "f is not quadratic: its Hessian is not constant."

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"step_size": study.options.get("step_size") or 1 / study.L, **PLAIN}

    def claims(self, study: Study) -> Iterable[Claim]:
        eta = study.option("step_size")
        w, Q = np.linalg.eigh(study.hessian(study.x0))
        c, along = (study.x - study.x0) @ Q, study.g[0] @ Q
        k = np.arange(len(study.x))[:, None]
        with np.errstate(all="ignore"):  # (1 - (1 - eta w)^k) / w, and k eta where w = 0
            part = np.where(np.abs(w) > 0, (1 - (1 - eta * w) ** k) / np.where(w == 0, 1, w), k * eta)
        size = np.abs(study.x0).max() + np.abs(part * along).max(axis=1)
        growth = np.maximum.accumulate(np.abs(1 - eta * w).max() ** k[:, 0])
        slack = 64 * EPS * (1 + k[:, 0]) * (size + growth) * study.n
        yield Claim.equal("x_k = x* + (I - eta H)^k (x0 - x*)", c, -part * along, slack)

    def positive(self) -> Iterable[Case]:
        yield Case(lambda: problems.quadratic(1.0, 3.0, 10.0), witness=True)
        yield Case(lambda: problems.quadratic(-1.0, 3.0, 10.0))
        yield Case(lambda: problems.quadratic(1.0, 3.0, 10.0), options={"step_size": 0.21})

    def controls(self) -> Iterable[Case]:
        yield Case(lambda: problems.quadratic(1.0, 3.0, 10.0), VIOLATED, sabotage={"step_size": 0.1 * (1 + 1e-6)})
        yield Case(problems.pl_sine, NOT_APPLICABLE)
