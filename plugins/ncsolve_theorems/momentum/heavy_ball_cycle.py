"""HB2."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import NOT_APPLICABLE, VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems
from ncsolve_theorems.common import PLAIN, heavy_ball_update

CYCLE = np.array([792, -2208, 2592]) / 1225


class HeavyBallCycle(Theorem):
    """The heavy ball with Polyak's parameters does not converge on every strongly convex f: here it runs into a cycle.

    $$f' = 25x\\ (x < 1),\\quad x + 24\\ (1 \\le x < 2),\\quad 25x - 24\\ (x \\ge 2): \\qquad
    x_k \\to \\left\\{\\tfrac{792}{1225}, -\\tfrac{2208}{1225}, \\tfrac{2592}{1225}\\right\\}$$

    L = 25, m = 1, alpha = 1/9, beta = 4/9, from x0 within 0.05 of 3.3. Gradient descent with 1/L converges.
    """

    id: ClassVar[str] = "HB2"
    name: ClassVar[str] = "momentum-cycle"
    kind: ClassVar[str] = "identity"
    solvers: ClassVar[tuple[str, ...]] = ("momentum",)
    assumptions: ClassVar[tuple[str, ...]] = ("f is this function", "|x0 - 3.3| <= 0.05")
    demand: ClassVar[str] = "step_size = 1/9, momentum = 4/9"
    reference: ClassVar[str] = "Lessard, Recht & Packard 2016, section 4.6"
    nonsmooth: ClassVar[bool] = True

    def refusal(self, study: Study) -> str:
        if study.n != 1 or study.oracle.penalty is not None:
            return "f is not this function of one variable."
        at, slopes = np.array([-3.0, 0.5, 1.5, 3.0]), np.array([-75.0, 12.5, 25.5, 51.0])
        found = np.array([study.oracle.gradient(np.array([x]))[0] for x in at])
        if not np.allclose(found, slopes):
            return "f is not this function."
        return "" if abs(study.x0[0] - 3.3) <= 0.05 else "x0 is not within 0.05 of 3.3."

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"step_size": 1 / 9, "momentum": 4 / 9, **PLAIN}

    def identity(self, study: Study) -> Claim | None:
        return heavy_ball_update(study)

    def claims(self, study: Study) -> Iterable[Claim]:
        last = study.x[-3:, 0]
        shift = int(np.argmin(np.abs(last - CYCLE[0])))
        yield Claim.equal("the cycle at the end", last, np.roll(CYCLE, shift), 1e-9, first=len(study.x) - 3)

    def positive(self) -> Iterable[Case]:
        yield Case(problems.three_cycle, witness=True)
        yield Case(lambda: problems.three_cycle(3.27))

    def controls(self) -> Iterable[Case]:
        yield Case(problems.three_cycle, VIOLATED, sabotage={"step_size": 1 / 25, "momentum": 0.0})
        yield Case(problems.pl_sine, NOT_APPLICABLE)
