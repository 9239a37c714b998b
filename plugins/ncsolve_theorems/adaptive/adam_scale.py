"""ADAM3."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from ncsolve.theory import VIOLATED, Case, Claim, Study, Theorem
from ncsolve_theorems import problems
from ncsolve_theorems.common import PLAIN, adam_update

FACTOR = 2.0**10


class Scaled:
    """An oracle of FACTOR f."""

    def __init__(self, oracle: Any) -> None:
        self._oracle = oracle

    def __getattr__(self, name: str) -> Any:
        return getattr(self._oracle, name)

    def value_and_gradient(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        f, g = self._oracle.value_and_gradient(x)
        return FACTOR * f, FACTOR * g


class AdamScale(Theorem):
    """With epsilon = 0 Adam does not see the scale of f: for f and 1024 f the iterates are the same to the last bit.

    $$\\varepsilon = 0: \\qquad x_k[2^m f] = x_k[f]$$

    Proof: both running means scale, and their ratio does not; factors that are powers of two do not round.
    """

    id: ClassVar[str] = "ADAM3"
    name: ClassVar[str] = "adam-scale"
    kind: ClassVar[str] = "identity"
    solvers: ClassVar[tuple[str, ...]] = ("adam",)
    demand: ClassVar[str] = "epsilon = 0"
    reference: ClassVar[str] = "Kingma & Ba 2015, section 2.1"
    horizon: ClassVar[int] = 100

    def demands(self, study: Study) -> Mapping[str, Any]:
        return {"epsilon": 0.0, **PLAIN}

    def identity(self, study: Study) -> Claim | None:
        return adam_update(study)

    def claims(self, study: Study) -> Iterable[Claim]:
        solver, oracle, rng = study.solver, Scaled(study.oracle), np.random.default_rng(study.seed)
        state = solver.init(oracle, study.x0, rng)
        x = [state.x]
        for _ in range(len(study.x) - 1):
            state = solver.step(oracle, state, rng)
            x.append(state.x)
        yield Claim.equal("x_k of 1024 f = x_k of f", x, study.x, 0.0)

    def positive(self) -> Iterable[Case]:
        yield Case(problems.composition, witness=True)
        yield Case(problems.pl_sine)

    def controls(self) -> Iterable[Case]:
        yield Case(problems.composition, VIOLATED, sabotage={"epsilon": 1e-2})
