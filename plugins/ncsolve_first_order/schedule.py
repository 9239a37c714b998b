"""Fixed step sizes and how they change with the updates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from ncsolve.errors import OptionError
from ncsolve.solving import option

COSINE_STEPS = 1000


@dataclass(frozen=True)
class Scheduled:
    """The step size eta_k = eta s(k / T) min(1, (k + 1) / W) of update k = 0, 1, ...

    s(u) is 1, 1/(1 + u), 1/sqrt(1 + u), or (1 + cos(pi u))/2 for u <= 1 and 0 beyond [Robbins & Monro 1951; Loshchilov
    & Hutter 2017]; W is the length of the warm-up [Goyal et al. 2017]. A base class: a solver inherits the options.
    """

    step_size: float | None = option(None, "length eta of a step", above=0)
    schedule: Literal["constant", "1/k", "1/sqrt(k)", "cosine"] = option("constant", "how the step size falls")
    schedule_steps: int | None = option(
        None, "T: updates until 1/k has halved the step and the cosine has ended it; none: 1, for the cosine 1000",
        at_least=1,
    )  # fmt: skip
    warm_up: int = option(0, "W: updates over which the step size rises linearly at the start", at_least=0)

    @property
    def is_constant(self) -> bool:
        return self.schedule == "constant" and not self.warm_up

    def factor(self, k: int) -> float:
        """eta_k / eta."""
        if self.is_constant:
            return 1.0
        u = k / (self.schedule_steps or (COSINE_STEPS if self.schedule == "cosine" else 1))
        falls = {
            "constant": 1.0,
            "1/k": 1 / (1 + u),
            "1/sqrt(k)": 1 / math.sqrt(1 + u),
            "cosine": (1 + math.cos(math.pi * min(u, 1.0))) / 2,
        }
        return falls[self.schedule] * (min(1.0, (k + 1) / self.warm_up) if self.warm_up else 1.0)

    def refuse_schedule(self, name: str, why: str) -> None:
        """Raises OptionError where a schedule is given that could have no effect."""
        if not self.is_constant:
            raise OptionError(
                f"Solver '{name}' cannot follow a schedule: {why}. Give a step_size, or leave schedule and warm_up out."
            )
