"""What is derived from one objective: its graph, and on demand the graphs of its derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import ProblemError
from ncsolve.graph.differentiate import Block, adjoints, hessian_blocks, tangents
from ncsolve.graph.graph import Graph
from ncsolve.graph.lower import Lowering
from ncsolve.graph.nodes import ROW_COUNT, Affine, Contract, Gather, Index, Node, Pointwise, Relabel, Subscript
from ncsolve.graph.sparse import check as check_sparse

if TYPE_CHECKING:
    from ncsolve.problem import Problem


class Derivation:
    """The value node of a problem's objective and its derivatives, each derived once, when it is first asked for."""

    def __init__(self, problem: Problem) -> None:
        lowering = Lowering(problem)
        value = lowering.node(problem.objective)
        check_sparse(lowering.graph, value)
        if lowering.samples is not None and not is_finite_sum(lowering.graph, value, lowering.samples):
            if problem.samples is not None:
                raise ProblemError(
                    f"samples: the objective is not a finite sum over {problem.samples}: it is not linear in that sum"
                )
            lowering = Lowering(problem, finite_sum=False)
            value = lowering.node(problem.objective)
        if lowering.graph.stored:
            check_stored(lowering.graph, value, lowering.samples)
        self.n = problem.n
        self.variables = problem.variables
        self.value: Node = value
        self.graph: Graph = lowering.graph
        self.samples: Index | None = lowering.samples
        self.samples_name: str | None = lowering.samples_name
        self._directional: list[Node] = [self.value]

    @cached_property
    def adjoint(self) -> dict[Gather, Node]:
        """The gradient's parts: grad f = sum over gathers of scatter(gather's subscripts, adjoint)."""
        return adjoints(self.graph, self.value)

    @cached_property
    def product(self) -> dict[Gather, Node]:
        """The parts of the Hessian-vector product along direction 1."""
        return dict(zip(self.adjoint, tangents(self.graph, self.adjoint.values()), strict=True))

    @cached_property
    def blocks(self) -> list[Block]:
        """The element blocks of the Hessian."""
        return hessian_blocks(self.graph, self.adjoint)

    def directional(self, order: int) -> Node:
        """D^k f [v1, ..., vk], the k-th derivative along k directions."""
        while len(self._directional) <= order:
            k = len(self._directional)
            self._directional += tangents(self.graph, [self._directional[-1]], k)
        return self._directional[order]


def derive(problem: Problem) -> Derivation:
    """The derivation of a problem, which copies of it with other parameters share."""
    return problem.once("derivation", lambda: Derivation(problem))


def is_finite_sum(graph: Graph, root: Node, samples: Index) -> bool:
    """Whether the root is linear in its sums over the samples, so that the mean over subsets of rows is the whole."""
    linear: set[Node] = set()
    for node in graph.reachable([root]):
        inside = [o for o in node.operands if o in linear]
        if isinstance(node, Contract) and samples in node.over:
            if inside:
                return False
            linear.add(node)
        elif isinstance(node, Gather) and node.leaf == ROW_COUNT:
            linear.add(node)
        elif isinstance(node, Pointwise) and inside:
            symbols = {o.symbol for o in inside}
            if any(node.kernel.diff(s).free_symbols & symbols for s in symbols):
                return False
            linear.add(node)
        elif inside:
            if len(inside) > 1 or not isinstance(node, (Contract, Relabel)):
                return False
            linear.add(node)
    return True


def check_stored(graph: Graph, root: Node, samples: Index | None) -> None:
    """Raise ProblemError unless data that are not in memory are read along the finite sum, row by row."""
    for gather in graph.reachable([root]):
        if not isinstance(gather, Gather) or gather.leaf.role != "stored":
            continue
        first, *rest = gather.subscripts
        if samples is None or first != Affine(samples, 1, 0) or any(samples in s.indices for s in rest):
            name = gather.leaf.name
            places = ", ".join("ijkl"[: len(gather.subscripts)])
            raise ProblemError(
                f"data: '{name}' is not in memory, so it is read row by row: the objective must be a sum over i = 0, "
                f"1, ... in which it occurs as {name}[{places}], and nothing but linear may happen to that sum."
            )


def positions(graph: Graph, gather: Gather, indices: Sequence[Index] | None = None) -> NDArray[np.int64]:
    """Where in the packed x a gather reads, over its indices (which may be given other names, in the same order)."""
    names = dict(zip(gather.indices, gather.indices if indices is None else indices, strict=True))
    grid = tuple(dict.fromkeys(names.values()))
    flat = np.zeros([i.size for i in grid], dtype=np.int64)
    for subscript, size in zip(gather.subscripts, gather.leaf.shape, strict=True):
        flat = flat * size + axis_positions(graph, subscript.renamed(names), grid)
    return flat + gather.leaf.offset


def axis_positions(graph: Graph, subscript: Subscript, grid: tuple[Index, ...]) -> NDArray[np.int64]:
    """The values of one subscript, broadcastable over a grid of indices."""
    if isinstance(subscript, Affine):
        if subscript.index is None:
            return np.full([1] * len(grid), subscript.offset)
        values = subscript.offset + subscript.stride * np.arange(subscript.index.size)
    else:
        names = list(dict.fromkeys(subscript.indices))  # of an index that occurs twice the diagonal
        table = graph.arrays[subscript.leaf.name].astype(np.int64, copy=False)
        values = np.einsum(table, [names.index(i) for i in subscript.indices], list(range(len(names))))
    own = tuple(dict.fromkeys(subscript.indices))
    values = values.transpose([own.index(i) for i in grid if i in own])
    return values.reshape([i.size if i in own else 1 for i in grid])
