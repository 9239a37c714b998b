"""Blocks whose systems are sums of outer products of one feature row: H[s] += w[k] l l', g[s] += c[k] l.

So it is where every row k of a finite sum depends on its system's unknowns y by l'y alone, as in (l'y - M[k])^2, and l
is a row of other variables, l = F[other[k]], perhaps with ones. Then c[k] = c0[k] + w[k] l'y with c0 at y = 0, and all
that is as long as the data are the columns of the table: native code gathers, sums and solves system by system.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ncsolve.backends.block_parts import Part
from ncsolve.graph.blocks import whole_indices
from ncsolve.graph.graph import Graph
from ncsolve.graph.nodes import Contract, Gather, Index, Leaf, Node, Pointwise, Table

Array = NDArray[np.float64]
Source = tuple[Leaf | None, Table | None]
"""Where some entries of a feature row come from: leaf[table[k]], or ones."""

_ROWS = 50_000
"""Rows of one chunk of systems, whose offsets and weights stay in the cache."""
_SYSTEMS = 500
"""Systems of one chunk, whose own parts stay there."""


@dataclass(frozen=True)
class RowSystems:
    """`table` holds the system of each row, `other` its row of F; c0 and w are nodes; F is put together from sources,
    each with its places within a system."""

    table: Table
    other: Table
    offset: Node
    weight: Node
    sources: tuple[tuple[Leaf | None, NDArray[np.int64]], ...]

    def features(self, x: Array, size: int) -> Array:
        """F, one row for each value of `other`, `size` unknowns."""
        rows = next(leaf.shape[0] for leaf, _ in self.sources if leaf is not None)
        F = np.ones((rows, size))
        for leaf, places in self.sources:
            if leaf is not None:
                F[:, places] = x[leaf.offset : leaf.offset + leaf.size].reshape(rows, -1)
        return F


def row_systems(
    graph: Graph, by_table: Mapping[Table, list[Part]], samples: Index | None, inside: Callable[[Gather], bool]
) -> RowSystems | None:
    """The row systems that parts describe, or None where they are of another form; `inside` tells the block's own."""
    if len(by_table) != 1 or samples is None:
        return None
    ((table, parts),) = by_table.items()
    try:
        known = _sources(parts, samples)
        weights = {part.weight for part in parts if part.columns is not None}
        offsets = {_at_zero(graph, part.weight, inside) for part in parts if part.columns is None}
    except NotImplementedError:
        return None
    tables = {other for _, other in known.values() if other is not None}
    if not len(tables) == len(weights) == len(offsets) == 1 or (weight := weights.pop()) is None:
        return None
    sources = tuple((leaf, np.array(places)) for places, (leaf, _) in known.items())
    return RowSystems(table, tables.pop(), offsets.pop(), weight, sources)


def chunks_of(begin: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """From which system to which one chunks go, where the rows of system s are begin[s], ..., begin[s + 1] - 1."""
    first, count = 0, len(begin) - 1
    while first < count:
        last = int(np.searchsorted(begin, begin[first] + _ROWS, side="right")) - 1
        last = min(max(last, first + 1), first + _SYSTEMS, count)
        yield first, last
        first = last


def _sources(parts: list[Part], samples: Index) -> dict[tuple[int, ...], Source]:
    """The source of the entries of a feature row at some places, as the gradient has it and the matrix confirms."""
    known = {tuple(p.rows): _source(p.value, p.axes, samples) for p in parts if p.columns is None}
    pairs = []
    for part in parts:
        if part.columns is None:
            continue
        if part.right is None:
            raise NotImplementedError
        left, right = tuple(part.rows), tuple(part.columns)
        axes = part.axes if part.right is part.value else part.right_axes
        found = _source(part.value, part.axes, samples), _source(part.right, axes, samples)
        if found != (known.get(left), known.get(right)):
            raise NotImplementedError
        pairs += [(left, right), (right, left)] if part.mirrored else [(left, right)]
    if sorted(pairs) != sorted((a, b) for a in known for b in known):
        raise NotImplementedError
    return known


def _source(node: Node, axes: tuple[Index, ...], samples: Index) -> Source:
    if isinstance(node, Pointwise) and node.kernel == 1:
        return None, None
    if not isinstance(node, Gather) or node.leaf.role != "variable":
        raise NotImplementedError
    first, *rest = node.subscripts
    read = [whole_indices(s, size) for s, size in zip(rest, node.leaf.shape[1:], strict=True)]
    if not isinstance(first, Table) or first.indices != (samples,) or read != [(i,) for i in axes]:
        raise NotImplementedError
    return node.leaf, first


def _at_zero(graph: Graph, node: Node | None, inside: Callable[[Gather], bool]) -> Node:
    """The node with the gathers `inside` set to zero, multiplied out. Raises NotImplementedError for rare kinds."""
    if node is None:
        raise NotImplementedError
    new: dict[int, Node] = {}
    for old in graph.reachable([node]):
        if isinstance(old, Gather):
            new[old.id] = graph.zero if inside(old) else old
        elif isinstance(old, Pointwise):
            names = {o.symbol: graph.inline(new[o.id]) for o in old.operands if new[o.id] is not o}
            new[old.id] = graph.pointwise(old.kernel.xreplace(names)) if names else old
        elif isinstance(old, Contract):
            new[old.id] = graph.contract([new[o.id] for o in old.operands], old.over)
        else:
            raise NotImplementedError
    return graph.pointwise(sp.expand(graph.inline(new[node.id])))
