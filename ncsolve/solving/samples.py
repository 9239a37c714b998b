"""The points of Markov chains, kept within a bound on memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import OptionError

if TYPE_CHECKING:
    from ncsolve.solving.criteria import Criteria

__all__ = ["MOST_NUMBERS", "Samples", "check_burn_in"]

MOST_NUMBERS = 2**25
"""Numbers that the samples of a run may hold: 256 MB, and as much again while they are joined at the end."""


class Samples:
    """Keeps the field `chains` of a state, shape (chains, n), every `thin` iterations after the first `burn_in`.

    Where one more iteration would exceed `most` numbers, every second one kept is dropped and `thin` doubles: a run of
    any length keeps between half the bound and all of it, equally spaced.
    """

    def __init__(self, burn_in: int = 0, thin: int = 1, most: int = MOST_NUMBERS) -> None:
        self.burn_in, self.thin, self.most = burn_in, thin, most
        self.kept: list[NDArray[np.float64]] = []

    def record(self, iteration: int, chains: NDArray[np.float64]) -> None:
        after = iteration - self.burn_in
        if after <= 0 or after % self.thin:
            return
        if len(self.kept) >= 2 and (len(self.kept) + 1) * chains.size > self.most:
            self.kept = self.kept[1::2]
            self.thin *= 2
            if after % self.thin:
                return
        if chains.dtype != np.float64 or chains.ndim != 2 or (self.kept and chains.shape != self.kept[0].shape):
            raise TypeError(f"its state has chains of shape {chains.shape} and type {chains.dtype}")
        chains.setflags(write=False)
        self.kept.append(chains)

    def array(self) -> NDArray[np.float64] | None:
        """All that was kept, read-only, shape (kept iterations, chains, n); None if that is nothing."""
        if not self.kept:
            return None
        kept = np.stack(self.kept)
        self.kept.clear()
        kept.setflags(write=False)
        return kept


def check_burn_in(solver: Any, criteria: Criteria) -> None:
    """Raise OptionError where a solver's burn-in would leave no iteration to keep a sample of."""
    burn_in, limit = getattr(solver, "burn_in", 0), criteria.max_iterations
    if burn_in and limit is not None and limit <= burn_in:
        raise OptionError(
            f"Option 'burn_in' of solver '{solver.name}' is {burn_in}, but the run ends after {limit} iterations: "
            "nothing would be sampled. Lower burn_in or raise max_iterations."
        )
