"""RMS1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems
from ncsolve_theorems.common import PLAIN, rmsprop_update


class RMSPropCycle(Theorem):
    """With a constant step RMSProp does not converge on a parabola: it ends in the cycle of +-step_size / 2.

    $$f = \\tfrac{\\lambda}{2}(x - x_*)^2,\\ \\varepsilon = 0: \\qquad |x_k - x_*| \\to \\eta/2$$

    Proof: on the cycle v = g^2 and the step is eta sign(g), from eta/2 to -eta/2. Checked at the end of the run to 1%.
    """

    id: ClassVar[str] = "RMS1"
    name: ClassVar[str] = "rmsprop-cycle"
    kind: ClassVar[str] = "identity"
    solvers: ClassVar[tuple[str, ...]] = ("rmsprop",)
    assumptions: ClassVar[tuple[str, ...]] = ("f is a parabola in one variable",)
    demand: ClassVar[str] = "epsilon = 0, a constant step_size; |x0 - x*| / 20 where none is given"
    reference: ClassVar[str] = "proof above"
    horizon: ClassVar[int] = 2000

    def refusal(self, study: Study) -> str:
        if study.n != 1 or not study.oracle.structure.quadratic or study.hessian(study.x0)[0, 0] <= 0:
            return "f is not a parabola in one variable."
        return ""

    def demands(self, study: Study) -> Mapping[str, Any]:
        eta = study.options.get("step_size", float(abs(study.x0 - study.best)[0]) / 20)
        return {"step_size": eta, "epsilon": 0.0, **PLAIN}

    def identity(self, study: Study) -> Claim | None:
        return rmsprop_update(study)

    def claims(self, study: Study) -> Iterable[Claim]:
        half, away = study.option("step_size") / 2, study.distance[-50:]
        yield Claim.equal("|x - x*| = eta/2 in the end", away / half, np.ones(len(away)), 0.01, len(study.x) - 50)

    def positive(self) -> Iterable[Case]:
        yield Case(problems.parabola, witness=True)
        yield Case(lambda: problems.parabola(7.0, -2.0))

    def controls(self) -> Iterable[Case]:
        yield Case(problems.parabola, VIOLATED, sabotage={"schedule": "1/k"})
        yield Case(problems.pl_sine, NOT_APPLICABLE)
