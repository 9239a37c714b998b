"""ADAM1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems
from ncsolve_theorems.common import PLAIN, adam_update


class AdamStep(Theorem):
    """No coordinate moves by more than 7.3 step sizes in a step of Adam, whatever f is (beta1 = 0.9, beta2 = 0.999).

    $$|\\Delta_i| \\le \\eta\\,\\frac{\\sqrt{1 - \\beta_2^t}}{1 - \\beta_1^t}
    \\frac{1 - \\beta_1}{\\sqrt{1 - \\beta_2}}\\sqrt{\\sum_{j < t} (\\beta_1^2 / \\beta_2)^j} \\to
    \\frac{\\eta\\,(1 - \\beta_1)}{\\sqrt{(1 - \\beta_2)(1 - \\beta_1^2/\\beta_2)}}$$

    Proof: Cauchy and Schwarz on the two running means; attained by gradients that grow by beta2/beta1 in every step.
    The bound eta (1 - beta1)/sqrt(1 - beta2) that is often quoted is false.
    """

    id: ClassVar[str] = "ADAM1"
    name: ClassVar[str] = "adam-step"
    kind: ClassVar[str] = "every iterate"
    solvers: ClassVar[tuple[str, ...]] = ("adam",)
    demand: ClassVar[str] = "bias_correction = true, weight_decay = 0"
    reference: ClassVar[str] = "Kingma & Ba 2015, section 2.1; proof above"

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"bias_correction": True, "weight_decay": 0.0, **PLAIN}

    def identity(self, study: Study) -> Claim | None:
        return adam_update(study)

    def claims(self, study: Study) -> Iterable[Claim]:
        eta, b1, b2 = (study.option(name) for name in ("step_size", "beta1", "beta2"))
        t = np.arange(1, len(study.x))
        root = np.sqrt(np.cumsum((b1 * b1 / b2) ** (t - 1.0)) if b2 > 0 else np.inf)
        bound = eta * np.sqrt(1 - b2**t) / (1 - b1**t) * (1 - b1) / np.sqrt(1 - b2) * root
        moves = np.abs(np.diff(study.x, axis=0)).max(axis=1)
        yield Claim.at_most("|x+ - x| in every coordinate", moves, bound, first=1)

    def positive(self) -> Iterable[Case]:
        yield Case(problems.composition, options={"step_size": 0.1})
        yield Case(problems.falling_exponential, options={"step_size": 0.01436}, horizon=150, witness=True)

    def controls(self) -> Iterable[Case]:
        for problem in (problems.composition, problems.falling_exponential):
            yield Case(problem, VIOLATED, sabotage={"bias_correction": False})
