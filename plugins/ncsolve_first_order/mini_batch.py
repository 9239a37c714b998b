"""Mini-batches of a finite sum: which rows an update looks at, and their weight in the estimate of the gradient."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import OptionError
from ncsolve.solving import option

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

Vector = NDArray[np.float64]
Rows = NDArray[np.int64]

PRODUCTS = 4
"""Steps of power iteration for the curvature of a batch."""
TRIALS = 16
"""Random batches by which the curvature of any batch is judged."""


@dataclass(frozen=True)
class MiniBatches:
    """Options by which a solver looks at batches of the finite sum f = sum of f_i over N rows (+ a rest).

    The estimate of the gradient is (N/B) sum over the batch (+ the rest): unbiased, whether f is written as a sum or as
    a mean. One iteration is an epoch, about N/B updates, so that the core, which evaluates f after every iteration,
    costs no more than the epoch itself; `inner_steps` changes that. A base class: a solver inherits the options.
    """

    batch_size: int | None = option(None, "B: rows of the finite sum in a mini-batch; none: the whole sum", at_least=1)
    sampling: Literal["shuffle", "uniform", "importance", "curvature"] = option(
        "shuffle",
        "how rows are drawn: without replacement, with it, or fixed batches with probabilities half uniform and half "
        "in proportion to their curvature, or in proportion to it alone (single rows with eta = 1/trace(H): Kaczmarz)",
    )
    inner_steps: int | None = option(None, "mini-batches in one iteration; none: an epoch, N / B", at_least=1)
    batch_growth: float = option(1.0, "factor by which the batch grows with every iteration, up to N", at_least=1)

    def check_batches(self, oracle: Oracle, name: str) -> None:
        """Raises OptionError where problem and options do not fit."""
        check_batch_size(oracle, name, self.batch_size)
        if self.weighted and self.batch_growth > 1:
            raise OptionError(f"Solver '{name}': batches drawn by {self.sampling} are fixed. Leave batch_growth out.")

    @property
    def weighted(self) -> bool:
        """Whether batches differ in their probabilities."""
        return self.sampling in ("importance", "curvature")

    def batch_probabilities(self, oracle: Oracle, x: Vector, rng: np.random.Generator) -> Vector | None:
        """Of the fixed batches, from their curvature at x. Raises OptionError where one would never be drawn."""
        if not self.weighted:
            return None
        even = 0.5 if self.sampling == "importance" else 0.0
        p = importance(oracle, x, self.batch_at(0, oracle.rows), rng, even)
        if not p.all():
            raise OptionError(
                f"Problem '{oracle.problem.name}' has rows without curvature, which sampling = curvature would never "
                "draw. Use sampling = importance."
            )
        return p

    def batch_at(self, iteration: int, N: int) -> int:
        """B of an iteration."""
        B = batch_or_default(self.batch_size, N)
        return B if self.batch_growth == 1 else min(N, math.ceil(B * self.batch_growth ** min(iteration, 1000)))

    def batches(
        self, N: int, iteration: int, probabilities: Vector | None, rng: np.random.Generator
    ) -> Iterator[tuple[Rows, float]]:
        """The rows of each mini-batch of an iteration, with their weight in the estimate."""
        B = self.batch_at(iteration, N)
        steps = self.inner_steps or math.ceil(N / B)
        if probabilities is not None:
            return by_importance(N, B, steps, probabilities, rng)
        return (shuffled if self.sampling == "shuffle" else uniform)(N, B, steps, rng)


def batch_or_default(batch_size: int | None, N: int) -> int:
    """The batch size of a solver that cannot do without: 32 where none is given, or N."""
    return batch_size or min(32, N)


def check_finite_sum(oracle: Oracle, name: str) -> None:
    """Raises OptionError where the problem has none."""
    problem = oracle.problem
    if not oracle.rows:
        shown = problem.source or problem.name
        raise OptionError(
            f"Solver '{name}' with a batch_size needs a finite sum, which problem '{problem.name}' does not have. "
            f"Leave batch_size out, or see `ncsolve solvers --for {shown}`."
        )


def check_batch_size(oracle: Oracle, name: str, batch_size: int | None) -> None:
    """Raises OptionError where the problem has no finite sum, or a smaller one than the batch."""
    check_finite_sum(oracle, name)
    if batch_size is not None and batch_size > oracle.rows:
        raise OptionError(
            f"Option 'batch_size' of solver '{name}' must be at most {oracle.rows}, the rows of the finite sum of "
            f"problem '{oracle.problem.name}', but it is {batch_size}."
        )


def shuffled(N: int, B: int, steps: int, rng: np.random.Generator) -> Iterator[tuple[Rows, float]]:
    """Without replacement: every row once in an epoch; the last batch of an epoch may be smaller."""
    while steps > 0:
        order = rng.permutation(N)
        for k in range(0, min(N, steps * B), B):
            rows = order[k : k + B]
            yield rows, N / len(rows)
        steps -= math.ceil(N / B)


def uniform(N: int, B: int, steps: int, rng: np.random.Generator) -> Iterator[tuple[Rows, float]]:
    """With replacement."""
    for _ in range(steps):
        yield rng.integers(N, size=B), N / B


def by_importance(N: int, B: int, steps: int, p: Vector, rng: np.random.Generator) -> Iterator[tuple[Rows, float]]:
    """Blocks of rows with probabilities p: the weight 1/p_j keeps the estimate unbiased."""
    blocks = blocks_of(N, B)
    for j in rng.choice(len(blocks), steps, p=p):
        yield blocks[j], 1 / float(p[j])


def blocks_of(N: int, B: int) -> list[Rows]:
    """The rows 0, ..., N - 1 in turn, B at a time; the last block may be smaller."""
    return [np.arange(k, min(k + B, N)) for k in range(0, N, B)]


def importance(oracle: Oracle, x: Vector, B: int, rng: np.random.Generator, even: float = 0.5) -> Vector:
    """Probabilities of the blocks: a part `even` uniform, the rest in proportion to the curvature of their sums at x.

    [Needell, Srebro & Ward 2016, fully and partially biased sampling; Csiba & Richtarik 2018 for batches]
    """
    blocks = blocks_of(oracle.rows, B)
    L = np.array([len(rows) * curvature(oracle, x, rng, rows) for rows in blocks])
    uniformly = np.full(len(blocks), 1 / len(blocks))
    return even * uniformly + (1 - even) * (L / L.sum()) if 0 < L.sum() < math.inf else uniformly


def curvature(oracle: Oracle, x: Vector, rng: np.random.Generator, rows: Rows | None = None) -> float:
    """|largest eigenvalue| of the Hessian at x, of a batch's estimate with `rows`, by a few power iterations."""
    v = rng.standard_normal(oracle.n)
    size = 0.0
    for _ in range(PRODUCTS):
        v = oracle.hvp(x, v / float(np.linalg.norm(v)), rows)
        size = float(np.linalg.norm(v))
        if not 0 < size < math.inf:
            return 0.0
    return size


def batch_curvature(oracle: Oracle, x: Vector, B: int, rng: np.random.Generator) -> float:
    """The largest curvature at x among some random batches, by which stochastic solvers choose their step size."""
    return max(curvature(oracle, x, rng, rng.integers(oracle.rows, size=B)) for _ in range(TRIALS))
