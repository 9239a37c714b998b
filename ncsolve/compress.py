"""Compress a solution: fewer numbers that say nearly the same, with what that does to the loss.

>>> import ncsolve as nc
>>> from ncsolve import compress
>>> problem = nc.load("digits-perceptron", {"rows": 200, "hidden": 6, "pixels": 4})
>>> trained = nc.solve(problem, "lbfgs", max_iterations=100)
>>> small = compress.prune(problem, trained.x, keep=0.5, variables=["W1", "W2"])
>>> small.numbers_before, small.numbers_after
(172, 94)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncsolve.api import solve
from ncsolve.errors import OptionError
from ncsolve.oracle import compile
from ncsolve.problem import Problem
from ncsolve.problem.variables import Variable, resolve

if TYPE_CHECKING:
    from ncsolve.penalties import Penalty

__all__ = ["Compressed", "low_rank", "prune", "prune_by_penalty"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Compressed:
    """A compressed point and what it cost. The loss is the objective of the problem, without any penalty."""

    x: Array
    """(n,), with zeros or low-rank matrices in it."""
    loss_before: float
    loss_after: float
    numbers_before: int
    """n"""
    numbers_after: int
    """That have to be stored: those that are not zero, and of a low-rank matrix its factors'."""
    factors: Mapping[str, tuple[Array, Array]] = field(default_factory=dict)
    """{variable: (U, V)} with the variable equal to U @ V, U (rows, rank) and V (rank, columns)."""

    def __str__(self) -> str:
        part = self.numbers_after / self.numbers_before
        return (
            f"{self.numbers_after} of {self.numbers_before} numbers ({part:.1%}): "
            f"loss {self.loss_before:.6g} before, {self.loss_after:.6g} after"
        )


def prune(problem: Problem, x: ArrayLike, keep: float, variables: Iterable[Any] | None = None) -> Compressed:
    """Set all but the largest entries to zero, by magnitude. [Han, Pool, Tran & Dally 2015]

    `keep` in [0, 1] is the part of the entries of `variables` (symbols or names; all, where none are given) that stays:
    rounded to a whole number, chosen among all of them together; the first on a tie.
    """
    if not 0 <= keep <= 1:
        raise OptionError(f"keep is the part of the numbers that stays, from 0 to 1, not {keep!r}.")
    before = problem.pack(x, "x")
    chosen = np.concatenate([np.arange(problem.n)[each.slice] for each in _variables(problem, variables)])
    order = chosen[np.argsort(-np.abs(before[chosen]), kind="stable")]
    after = before.copy()
    after[order[round(keep * len(order)) :]] = 0.0
    return _compressed(problem, before, after)


def prune_by_penalty(
    problem: Problem, x: ArrayLike, penalty: Penalty | Iterable[Penalty], max_iterations: int = 500
) -> Compressed:
    """Continue from x with a penalty that makes entries zero: minimise f + p by proximal gradients. [Liu et al. 2015]

    `penalty` such as nc.L1(0.01, on="W1") or nc.GroupLasso; entries become exactly zero, and the others adapt. The
    larger the penalty, the fewer stay.
    """
    before = problem.pack(x, "x")
    penalised = Problem(
        problem.objective,
        name=problem.name,
        variables=[variable.symbol for variable in problem.variables],
        parameters=problem.parameters,
        data=problem.data,
        bounds=problem.bounds or None,
        penalty=penalty,
        samples=problem.samples,
    )
    result = solve(penalised, "prox-gradient", x0=before, max_iterations=max_iterations, escape=False)
    return _compressed(problem, before, result.x)


def low_rank(problem: Problem, x: ArrayLike, ranks: Mapping[Any, int]) -> Compressed:
    """Replace matrices by their best approximation of a rank, from the singular value decomposition.

    `ranks` {variable: rank}. The approximation is the best one in the Frobenius and the spectral norm [Eckart & Young
    1936]; U and V in `factors` share the singular values equally.
    """
    before = problem.pack(x, "x")
    after, factors, saved = before.copy(), {}, 0
    for key, rank in ranks.items():
        (variable,) = _variables(problem, [key])
        if len(variable.shape) != 2:
            raise OptionError(f"low_rank: '{variable.name}' has shape {variable.shape}; a rank is that of a matrix.")
        if not 1 <= rank <= min(variable.shape):
            raise OptionError(
                f"low_rank: the rank of '{variable.name}' is from 1 to {min(variable.shape)}, not {rank!r}."
            )
        left, values, right = np.linalg.svd(before[variable.slice].reshape(variable.shape), full_matrices=False)
        root = np.sqrt(values[:rank])
        factors[variable.name] = (left[:, :rank] * root, root[:, None] * right[:rank])
        after[variable.slice] = (factors[variable.name][0] @ factors[variable.name][1]).ravel()
        saved += variable.size - rank * sum(variable.shape)
    return _compressed(problem, before, after, factors, saved)


def _compressed(
    problem: Problem,
    before: Array,
    after: Array,
    factors: Mapping[str, tuple[Array, Array]] | None = None,
    saved: int = 0,
) -> Compressed:
    oracle = compile(problem)
    stored = len(after) - saved if factors else int(np.count_nonzero(after))
    return Compressed(after, oracle.value(before), oracle.value(after), len(before), stored, factors or {})


def _variables(problem: Problem, chosen: Iterable[Any] | None) -> list[Variable]:
    if chosen is None:
        return list(problem.variables)
    names = {resolve(key, problem.variables.symbols, "compress", "variable") for key in chosen}
    found = [variable for variable in problem.variables if variable.name in names]
    if not found:
        raise OptionError("compress: no variables are given. Leave them out to prune all.")
    return found
