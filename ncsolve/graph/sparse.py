"""Sparse data: matrices that are factors, so that most terms of a sum are zero, and that are never made dense.

With vectors or dense matrices A is multiplied: sum_j A[i, j] x[j] is A @ x. Where another factor depends on both of its
indices, too, the sum is taken over its entries a[k] = A[row[k], column[k]]:

    sum_ij A[i, j] g(i, j) = sum_k a[k] g(row[k], column[k])
    sum_j  A[i, j] g(i, j) = sum_k E[i, k] a[k] g(row[k], column[k]),    E[i, k] = 1 where i = row[k]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ncsolve.errors import ProblemError
from ncsolve.graph.graph import Graph
from ncsolve.graph.nodes import (
    Affine,
    Contract,
    Gather,
    Index,
    MatrixFunction,
    Node,
    Peak,
    Pointwise,
    Relabel,
    Subscript,
    Table,
)

Positions = Mapping[Index, Table]


def is_sparse(array: Any) -> bool:
    """Whether data are a sparse matrix of SciPy's."""
    return hasattr(array, "nnz")


def look_up(array: Any, where: NDArray[np.int64]) -> NDArray[np.float64]:
    """The elements of an array, sparse or not, at positions in C order."""
    if not is_sparse(array):
        return np.asarray(array, dtype=float).ravel()[where]
    rows, columns = np.divmod(where.ravel(), array.shape[1])
    return np.asarray(array[rows, columns]).reshape(where.shape)


def support(graph: Graph, node: Node) -> tuple[Gather, ...]:
    """Sparse matrices over the same two indices outside of whose entries a node is zero; () where there are none."""
    if node.id not in graph.supports:
        graph.supports[node.id] = _support(graph, node)
    return graph.supports[node.id]


def _support(graph: Graph, node: Node) -> tuple[Gather, ...]:
    if isinstance(node, Gather):
        return (node,) if _is_matrix(graph, node) else ()
    if isinstance(node, Relabel):
        return tuple(g for h in support(graph, node.operand) if isinstance(g := graph.relabel(h, node.names), Gather))
    if not isinstance(node, Pointwise):
        return ()
    groups: dict[frozenset[Index], list[Node]] = {}
    for operand in node.operands:
        if gathers := support(graph, operand):
            groups.setdefault(frozenset(gathers[0].indices), []).append(operand)
    for group in groups.values():
        if node.kernel.xreplace({o.symbol: sp.S.Zero for o in group}).evalf(2) == 0:
            return tuple(dict.fromkeys(g for o in group for g in support(graph, o)))
    return ()


def _is_matrix(graph: Graph, node: Gather) -> bool:
    """Whether a gather reads a sparse matrix along both of its axes."""
    if node.leaf.role != "data" or not is_sparse(graph.arrays[node.leaf.name]):
        return False
    return len(node.indices) == 2 and all(isinstance(s, Affine) for s in node.subscripts)


def check(graph: Graph, root: Node) -> None:
    """Raise `ProblemError` where sparse data would have to be made dense."""
    for node in graph.reachable([root]):
        for operand in node.operands:
            gathers = support(graph, operand)
            consumed = isinstance(node, (Contract, Relabel)) or (isinstance(node, Pointwise) and support(graph, node))
            if gathers and not consumed:
                name, shape = gathers[0].leaf.name, gathers[0].leaf.shape
                raise ProblemError(
                    f"data: '{name}' is sparse, but the objective has terms that do not vanish where it is 0. "
                    f"For these it would have to be a dense array of shape {shape}, which takes {_size(shape)}. "
                    "Use it as a factor, in a Sum or in a product of matrices, or give it as a dense array."
                )


def _size(shape: tuple[int, ...]) -> str:
    size = 8.0 * shape[0] * shape[1]
    return f"{size / 1e9:.3g} GB" if size >= 1e8 else f"{size / 1e6:.3g} MB"


# -- sums over entries -----------------------------------------------------------------------------------------------


def over_entries(graph: Graph, factors: Sequence[Node], over: tuple[Index, ...]) -> Node | None:
    """The sum of a product over the entries of a sparse matrix; None where no factor but the matrix has its indices."""
    for factor in factors:
        gathers = support(graph, factor)
        axes = gathers[0].indices if gathers else ()
        beside = [f for f in factors if set(axes) <= set(f.indices) and not _stays_whole(graph, f)]
        if set(axes) & set(over) and beside and not any(_is_computed_whole(graph, f, axes) for f in factors):
            return _over_entries(graph, factors, over, gathers)
    return None


def _stays_whole(graph: Graph, factor: Node) -> bool:
    """Whether a factor is a sparse matrix, or a polynomial of sparse matrices that has no constant term."""
    gathers = support(graph, factor)
    if not gathers or not isinstance(factor, Pointwise):
        return bool(gathers)
    symbols = {g.symbol for g in gathers}
    return factor.kernel.free_symbols <= symbols and bool(factor.kernel.is_polynomial(*symbols))


def _is_computed_whole(graph: Graph, factor: Node, axes: tuple[Index, ...]) -> bool:
    """Whether a factor needs all of a matrix: an inverse, a maximum."""
    nodes = graph.reachable([factor])
    return any(isinstance(node, (MatrixFunction, Peak)) and set(node.indices) & set(axes) for node in nodes)


def _over_entries(graph: Graph, factors: Sequence[Node], over: tuple[Index, ...], gathers: tuple[Gather, ...]) -> Node:
    axes, places = gathers[0].indices, _entries(graph, gathers)
    if len(places[0]) == 0:
        return graph.zero
    tables = [graph.table(values) for values in places]
    entry = Index(len(places[0]), "entry" + "".join(leaf.name for leaf in tables))
    positions = {axis: Table(leaf, (entry,)) for axis, leaf in zip(axes, tables, strict=True)}
    summed = {i for i in axes if i in over and i.tag != "sample"}
    restricted = [
        restrict(graph, f, positions) if summed & set(f.indices) or set(axes) <= set(f.indices) else f for f in factors
    ]
    kept = [(i, values) for i, values in zip(axes, places, strict=True) if i not in summed]
    incidences = [_incidence(graph, i, entry, values) for i, values in kept]
    return graph.contract([*restricted, *incidences], (*(i for i in over if i not in summed), entry))


def _entries(graph: Graph, gathers: Sequence[Gather]) -> list[NDArray[np.int64]]:
    """Rows and columns, over the indices of the first gather, where any of the matrices has an entry."""
    patterns = []
    for gather in gathers:
        pattern = graph.arrays[gather.leaf.name][tuple(map(_slice, gather.subscripts))] != 0
        patterns.append(pattern if gather.indices == gathers[0].indices else pattern.T)
    return [places.astype(np.int64) for places in reduce(add, patterns).nonzero()]


def _slice(subscript: Subscript) -> slice:
    assert isinstance(subscript, Affine)
    assert subscript.index is not None
    end = subscript.offset + subscript.stride * subscript.index.size
    return slice(subscript.offset, end if end >= 0 else None, subscript.stride)


def _incidence(graph: Graph, axis: Index, entry: Index, places: NDArray[np.int64]) -> Node:
    """E[i, k] = 1 where entry k lies in row (or column) i."""
    from scipy.sparse import csr_array

    matrix = csr_array((np.ones(entry.size), (places, np.arange(entry.size))), shape=(axis.size, entry.size))
    leaf = graph.data(f"_{entry.tag}_{axis!r}", matrix)
    return graph.gather(leaf, (Affine(axis, 1, 0), Affine(entry, 1, 0)))


def restrict(graph: Graph, node: Node, positions: Positions) -> Node:
    """A node where indices stand for the values of tables."""
    new: dict[int, Node] = {}
    for old in graph.reachable([node]):
        here = {i: table for i, table in positions.items() if i in old.indices}
        if not here:
            new[old.id] = old
        elif isinstance(old, Gather):
            new[old.id] = graph.gather(old.leaf, tuple(_placed(graph, s, here) for s in old.subscripts))
        elif isinstance(old, Pointwise):
            new[old.id] = graph.pointwise(old.kernel.xreplace({o.symbol: new[o.id].symbol for o in old.operands}))
        elif isinstance(old, Contract):
            new[old.id] = graph.contract([restrict(graph, o, here) for o in old.operands], old.over)
        elif isinstance(old, Relabel):
            inside = {i: here[old.names.get(i, i)] for i in old.operand.indices if old.names.get(i, i) in here}
            new[old.id] = graph.relabel(restrict(graph, old.operand, inside), old.names)
        else:
            new[old.id] = old  # only within a sum that binds the index, which is restricted apart
    return new[node.id]


def _placed(graph: Graph, subscript: Subscript, positions: Positions) -> Subscript:
    """A subscript where indices stand for the values of tables."""
    found = [i for i in subscript.indices if i in positions]
    if not found:
        return subscript
    places = [graph.arrays[positions[i].leaf.name] for i in found]
    entries = positions[found[0]].indices
    if isinstance(subscript, Affine):
        return Table(graph.table(subscript.offset + subscript.stride * places[0]), entries)
    rest = [i for i in subscript.indices if i not in positions]
    values = graph.arrays[subscript.leaf.name].transpose([subscript.indices.index(i) for i in (*found, *rest)])
    return Table(graph.table(values[tuple(places)]), (*entries, *rest))
