"""The choice of a solver by size and structure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ncsolve.errors import OptionError

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

SMALL = 200
"""Variables up to which a dense Hessian and its eigenvectors are cheap, whatever the objective."""
DENSE = 2000
"""Variables up to which a dense matrix may be factorised."""
SPARSE, BANDWIDTH = 3000, 64
"""Variables up to which any sparse Hessian is factorised, and the bandwidth up to which those of any size are."""
ROWS = 20_000
"""Terms of a finite sum from which a sample of them tells enough of the Hessian."""
COSTLY = 5.0
"""A Hessian that costs more than this many gradients for each variable, or a product that costs more than twice as
many gradients, is avoided."""
ENTRIES = 20_000_000
"""Of a Jacobian."""

Choice = tuple[str, str]


@dataclass(frozen=True)
class Auto:
    """Chooses a solver by size, structure and the cost of a Hessian, and says why. [Nocedal & Wright 2006, ch. 4-10]

    Variables to maximise over: extragradient; constraints: augmented-lagrangian; a penalty: prox-gradient; a sum of
    squares: gauss-newton; a Hessian that is small, sparse or cheap: trust-region; else products with it:
    trust-region-krylov, sampled for a long finite sum; where those are costly too: lbfgs. All of them keep inside
    bounds. A run that stalls is continued once by another.
    """

    name: ClassVar[str] = "auto"
    needs: ClassVar[frozenset[str]] = frozenset({"gradient", "bounds"})

    def choose(self, oracle: Oracle, solvers: Mapping[str, type]) -> Choice:
        """Return the name of a solver and the reason, in words."""
        for name, reason in ranked(oracle):
            if name in solvers:
                return name, reason
        raise OptionError(
            "Solver 'auto' finds nothing to choose from. `ncsolve plugins list` says which plugins are broken."
        )

    def instead(self, oracle: Oracle, stalled: str, solvers: Mapping[str, type]) -> Choice | None:
        """Return what to go on with where a solver stalled, and the reason; None where nothing is left to try."""
        if oracle.problem.penalty is not None or oracle.problem.constrained or oracle.problem.signs is not None:
            return None
        others = {
            "gauss-newton": ("trust-region" if oracle.n <= DENSE else "trust-region-krylov", "with the whole Hessian"),
            "trust-region": ("lbfgs", "which needs no Hessian"),
            "trust-region-krylov": ("lbfgs", "which needs no Hessian"),
            "subsampled-trust-region": ("trust-region-krylov", "with all rows"),
            "lbfgs": ("trust-region-krylov", "with products of the Hessian"),
        }
        choice = others.get(stalled)
        return choice if choice is not None and choice[0] in solvers else None


def ranked(oracle: Oracle) -> Iterator[Choice]:
    """Solvers with reasons, the best first."""
    n, problem, structure = oracle.n, oracle.problem, oracle.structure
    if problem.signs is not None:
        yield "extragradient", "the problem has variables to maximise over"
    if problem.constrained:
        yield "augmented-lagrangian", "the problem has constraints"
    if problem.penalty is not None:
        yield "prox-gradient", "the problem has a penalty with a proximal operator"
    if structure.least_squares and (reason := of_moderate_size(oracle)):
        yield "gauss-newton", reason
    if n <= SMALL:
        yield "trust-region", f"n = {n} with an exact Hessian, which is small"
    elif has_cheap_factors(oracle):
        yield "trust-region", f"n = {n} with a sparse Hessian of {structure.nonzeros} entries"
    if structure.rows >= ROWS:
        yield "subsampled-trust-region", f"a finite sum of {structure.rows} rows, a sample of which tells the curvature"
    if SMALL < n <= DENSE and not structure.sparse and hessian_cost(oracle) <= COSTLY * n:
        yield "trust-region", f"n = {n} with a Hessian that costs less than {COSTLY:g} n gradients"
    if product_cost(oracle) <= 2 * COSTLY:
        yield "trust-region-krylov", f"n = {n}, too large for factorisations, with cheap products with the Hessian"
    yield "lbfgs", f"n = {n}, too large for Hessians"
    yield "gd", "no solver that uses curvature is installed"


def has_cheap_factors(oracle: Oracle) -> bool:
    """Whether the Hessian is sparse and its Cholesky factor is, too."""
    structure = oracle.structure
    return structure.sparse and (oracle.n <= SPARSE or structure.bandwidth <= BANDWIDTH)


def of_moderate_size(oracle: Oracle) -> str:
    """In words, if the Jacobian of the residuals is small or sparse."""
    squares = oracle.least_squares
    if squares is None:
        return ""
    m, n = squares.m, oracle.n
    if squares.sparse and has_cheap_factors(oracle):
        return f"the objective is a sum of {m} squares with a sparse Jacobian"
    return f"the objective is a sum of {m} squares" if n <= DENSE and m * n <= ENTRIES else ""


def hessian_cost(oracle: Oracle) -> float:
    """Time of a Hessian in gradients, measured near the start."""
    return seconds_of(oracle, oracle.hessian) / gradient_seconds(oracle)


def product_cost(oracle: Oracle) -> float:
    """Time of a product with the Hessian in gradients, measured near the start."""
    v = np.ones(oracle.n)
    return seconds_of(oracle, lambda x: oracle.hvp(x, v)) / gradient_seconds(oracle)


def gradient_seconds(oracle: Oracle) -> float:
    """Time of a gradient, no less than 0.1 ms: below that costs are those of calls."""
    return max(seconds_of(oracle, oracle.gradient), 1e-4)


def seconds_of(oracle: Oracle, function: Callable[[Any], Any]) -> float:
    """The least time of two calls, none of them counted, after one that derives and prints."""
    x = oracle.problem.start_point(np.random.default_rng(0))
    times = []
    with oracle.uncounted(), np.errstate(all="ignore"):
        for k in range(3):
            start = perf_counter()
            function(oracle.project(x + 1e-9 * k))  # a new point each time, which the oracle does not remember
            times.append(perf_counter() - start)
    return min(times[1:])
