"""What the graph of an objective gives away: a finite sum, a sum of squares, sparsity, separability, kinks.

All of it is read off the graph; nothing is evaluated, and the Hessian is derived only when a property asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from ncsolve.graph.blocks import VariableBlock, found_blocks
from ncsolve.graph.derivation import Derivation, positions
from ncsolve.graph.differentiate import Block
from ncsolve.graph.graph import Graph
from ncsolve.graph.kinks import kinks
from ncsolve.graph.nodes import Index, Node
from ncsolve.graph.squares import Squares

if TYPE_CHECKING:
    from ncsolve.problem import Problem

_MOST_ENTRIES = 20_000_000


class HasSparsity(Protocol):
    """What is asked of a backend."""

    @property
    def sparse(self) -> bool:
        """Whether it returns the Hessian as a sparse array."""


@dataclass(frozen=True)
class Structure:
    """What was found in an objective f of n variables.

    `samples` names the index of the finite sum that f is, over `rows` terms (0 without one). `least_squares` says that
    f is a nonnegative combination of squares, `kinks` which non-smooth functions of the variables occur in it;
    `declared` are the problem's own blocks of variables.
    """

    n: int
    variables: tuple[tuple[str, tuple[int, ...]], ...]
    samples: str | None
    rows: int
    least_squares: bool
    kinks: tuple[str, ...]
    declared: tuple[tuple[str, ...], ...]
    derivation: Derivation = field(repr=False, compare=False)
    backend: HasSparsity = field(repr=False, compare=False)

    @property
    def smooth(self) -> bool:
        """Whether f has derivatives of every order wherever it is defined."""
        return not self.kinks

    @property
    def sparse(self) -> bool:
        """Whether the oracle returns the Hessian as a sparse array."""
        return self.backend.sparse

    @cached_property
    def quadratic(self) -> bool:
        """Whether the Hessian is constant."""
        return self.smooth and not any(b.coefficient.dependent for b in self.derivation.blocks)

    @cached_property
    def pattern(self) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
        """Rows and columns where the Hessian may be non-zero, each place once; None where they are too many to list."""
        blocks = self.derivation.blocks
        if sum(_space(b) for b in blocks) > _MOST_ENTRIES:
            return None
        places = [np.zeros(0, dtype=np.int64)]
        for block in blocks:
            rows, columns = entries(self.derivation.graph, block)
            places += [rows * self.n + columns, columns * self.n + rows]
        rows, columns = np.divmod(np.unique(np.concatenate(places)), self.n)
        return rows, columns

    @property
    def nonzeros(self) -> int:
        """How many entries of the Hessian may be non-zero."""
        return self.n**2 if self.pattern is None else len(self.pattern[0])

    @property
    def bandwidth(self) -> int:
        """The largest |row - column| of an entry that may be non-zero."""
        if self.pattern is None:
            return self.n - 1
        rows, columns = self.pattern
        return int(np.abs(rows - columns).max(initial=0))

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        """The number of the group of each variable, (n,): f is a sum over groups, no two of which share a term."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        if self.pattern is None:
            return np.zeros(self.n, dtype=np.int64)
        graph = coo_array((np.ones(self.nonzeros), self.pattern), shape=(self.n, self.n))
        return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)

    @property
    def components(self) -> int:
        """How many groups of variables f is a sum over, no two groups sharing a term."""
        return int(self.groups.max(initial=-1)) + 1

    @property
    def separable(self) -> bool:
        """Whether f is a sum of functions of single variables."""
        return self.components == self.n

    @cached_property
    def blocks(self) -> tuple[VariableBlock, ...]:
        """The declared blocks of variables, or those in which f is quadratic, and one more for all other variables."""
        return found_blocks(self.derivation, self.declared)

    def summary(self) -> list[str]:
        """Readable lines."""
        listed = [name + (f"[{', '.join(map(str, shape))}]" if shape else "") for name, shape in self.variables]
        lines = [f"{_plural(self.n, 'variable')}: {', '.join(listed[:8])}" + (", ..." if len(listed) > 8 else "")]
        if self.samples is not None:
            lines.append(f"finite sum over {self.samples}: {_plural(self.rows, 'row')}")
        if self.least_squares:
            lines.append("sum of squares")
        if self.quadratic:
            lines.append("quadratic: the Hessian is constant")
        elif self.declared or (len(self.blocks) > 1 and self.blocks[0].quadratic):
            lines.append(f"quadratic in each block: {' | '.join(map(str, self.blocks))}")
        if self.n > 1:
            lines.append(self._hessian())
            if self.separable:
                lines.append("separable: a sum of functions of single variables")
            elif self.components > 1:
                lines.append(f"separable into {self.components} independent groups of variables")
        if self.kinks:
            lines.append(f"not smooth: {', '.join(self.kinks)} of the variables")
        return lines

    def _hessian(self) -> str:
        if self.nonzeros == self.n**2:
            return f"Hessian: dense, {self.n} x {self.n}"
        kind = "sparse" if self.sparse else "dense"
        entries = _plural(self.nonzeros, "non-zero entry", "non-zero entries")
        return f"Hessian: {kind}, {entries} of {self.n**2}, bandwidth {self.bandwidth}"


def structure_of(problem: Problem, derivation: Derivation, backend: HasSparsity) -> Structure:
    """The structure of a problem, for the values that its parameters have."""
    parameters = {s.name: float(v) for s, v in problem.parameters.items()}
    return Structure(
        n=problem.n,
        variables=tuple((v.name, v.shape) for v in problem.variables),
        samples=derivation.samples_name,
        rows=derivation.samples.size if derivation.samples else 0,
        least_squares=bool(residuals(derivation, parameters)),
        kinks=kinks(derivation.graph, derivation.value),
        declared=problem.blocks,
        derivation=derivation,
        backend=backend,
    )


def _plural(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


# -- sparsity --------------------------------------------------------------------------------------------------------


def _space(block: Block) -> float:
    return float(np.prod([i.size for i in block.indices], dtype=float))


def entries(graph: Graph, block: Block) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of a block's entries, flat, over its index space (the mirrored ones not included)."""
    space = block.indices

    def spread(values: NDArray[np.int64], own: tuple[Index, ...]) -> NDArray[np.int64]:
        present = [i for i in space if i in own]
        values = values.transpose([own.index(i) for i in present])
        shape = [i.size if i in own else 1 for i in space]
        return np.broadcast_to(values.reshape(shape), [i.size for i in space]).ravel()

    columns = positions(graph, block.column, block.columns)
    rows = positions(graph, block.row)
    return spread(rows, block.row.indices), spread(columns, tuple(dict.fromkeys(block.columns)))


# -- sums of squares -------------------------------------------------------------------------------------------------


def residuals(derivation: Derivation, parameters: dict[str, float] | None = None) -> list[tuple[Node, Node]]:
    """Weights w and residuals r with f = sum w r^2, each summed over all indices of w and r; [] where f is not that.

    The weights do not depend on the variables. They are nonnegative, as far as that follows from data, numbers, and the
    given values of the parameters.
    """
    graph = derivation.graph
    squares = Squares(graph, parameters or {}).of(derivation.value.symbol)
    if not squares or not any(graph.pointwise(s.root).dependent for s in squares):
        return []
    return [(graph.pointwise(s.weight), graph.pointwise(s.root)) for s in squares]
