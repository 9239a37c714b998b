"""GD0."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from ncsolve.theory import VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems
from ncsolve_theorems.common import PLAIN, plain_update


class GDUpdate(Theorem):
    """The update of gradient descent is x+ = x - eta g(x), to rounding. [Cauchy 1847]

    $$x_{k+1} = x_k - \\eta \\nabla f(x_k)$$

    Checked with the oracle's own gradient, before every other statement about gradient descent.
    """

    id: ClassVar[str] = "GD0"
    name: ClassVar[str] = "gd-update"
    kind: ClassVar[str] = "identity"
    solvers: ClassVar[tuple[str, ...]] = ("gd",)
    demand: ClassVar[str] = "a fixed step_size; 1/L where none is given"
    reference: ClassVar[str] = "Cauchy 1847"

    def demands(self, study: Study) -> Mapping[str, Any]:
        given = study.options.get("step_size")
        if given is None:
            given = 1 / study.L
            del study.used["smoothness"]  # the update is the same whether or not L is right
        return {"step_size": given, **PLAIN}

    def claims(self, study: Study) -> Iterable[Claim]:
        return [plain_update(study, study.option("step_size"))]

    def positive(self) -> Iterable[Case]:
        yield Case(problems.composition)
        yield Case(problems.pl_sine, witness=True)

    def controls(self) -> Iterable[Case]:
        eta = 1 / 8
        yield Case(problems.pl_sine, VIOLATED, options={"step_size": eta}, sabotage={"step_size": eta * (1 + 1e-6)})
