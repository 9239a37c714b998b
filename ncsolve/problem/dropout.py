"""Dropout: declared randomness of a problem, drawn anew for every mini-batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import ProblemError
from ncsolve.problem.variables import Layout, Variable

__all__ = ["Dropout", "checked_dropout", "draw_mask"]


@dataclass(frozen=True)
class Dropout:
    """Units that are left out at random. [Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov 2014]

    Declared for the weights that go out of the units, whose index is their `axis`: with `dropout={W2: Dropout(0.5)}`
    all W2[h, :] of a unit h are together multiplied by 0 with probability p, else by 1/(1-p). The mask m has mean 1,
    is drawn anew for every mini-batch and shared by its rows; solvers by mini-batches (sgd, the adaptive methods,
    prox-sgd) descend along the gradient of f_rows(m x), so that in the mean they minimise E f(m x). Everything else
    (values in the trace, the judgement, other solvers, svrg and saga among them) is about f(x) with all units. Every
    term of f sees the mask, a ridge in those weights too.

    For a least-squares fit this is a ridge: E |y - A(m w)|^2 = |y - A w|^2 + p/(1-p) sum_j |a_j|^2 w_j^2.
    """

    p: float
    axis: int = 0

    def __post_init__(self) -> None:
        if not (isinstance(self.p, (int, float)) and 0 <= self.p < 1):
            raise ProblemError(f"Dropout(p) needs a probability of at least 0 and below 1, not {self.p!r}.")

    def factors(self, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
        """0 or 1/(1-p) for each unit, in a shape that broadcasts to that of the variable."""
        aligned = [1] * len(shape)
        aligned[self.axis] = shape[self.axis]
        kept = rng.random(shape[self.axis]) >= self.p
        return np.asarray(kept / (1 - self.p)).reshape(aligned)


def checked_dropout(dropout: Mapping[Any, Any] | None, layout: Layout) -> Mapping[Variable, Dropout]:
    """Return {variable: Dropout}, checked. Raises ProblemError."""
    if dropout is None:
        return {}
    if not isinstance(dropout, Mapping):
        raise ProblemError(f"dropout is {{variable: Dropout(p)}}, not {dropout!r}.")
    declared = layout.by_variable(dropout, "dropout")
    for variable, each in declared.items():
        if not isinstance(each, Dropout):
            raise ProblemError(f"dropout: '{variable.name}' needs a Dropout(p), not {each!r}.")
        if not (isinstance(each.axis, int) and 0 <= each.axis < len(variable.shape)):
            raise ProblemError(
                f"dropout: '{variable.name}' has shape {variable.shape}, and therefore no axis {each.axis!r}."
            )
    return declared


def draw_mask(dropout: Mapping[Variable, Dropout], n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """One mask m, shape (n,): 1 where nothing is dropped."""
    mask = np.ones(n)
    for variable, each in dropout.items():
        mask[variable.slice].reshape(variable.shape)[...] = each.factors(variable.shape, rng)
    return mask
