"""Derivatives of graphs, as graphs: reverse mode for gradients, tangents for products, element blocks for Hessians.

The gradient of f is a list of parts: f depends on x through gathers u_a[I] = x[s_a(I)], and the adjoint g_a[I] =
df/du_a[I] is a node. Then grad f = sum_a scatter(s_a, g_a). A Hessian-vector product differentiates the adjoints
along v, with the same scatters. The Hessian is a list of element blocks: for two gathers a, b, the coefficient C over
an index space, and where its entries go:  H[s_a(I), s_b(J)] += C[I, J]  (Griewank and Toint's partial separability,
with indices kept symbolic).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import sympy as sp

from ncsolve.graph.graph import Graph
from ncsolve.graph.kernels import derivative, symbols_in
from ncsolve.graph.nodes import Contract, Gather, Index, Leaf, MatrixFunction, Node, Peak, Pointwise, Relabel


def partials(node: Pointwise) -> dict[Node, sp.Expr]:
    """The derivatives of a kernel with respect to the operands that depend on the variables."""
    terms: dict[sp.Symbol, list[sp.Expr]] = {}
    for term in sp.Add.make_args(node.kernel):
        for symbol in symbols_in(term):
            terms.setdefault(symbol, []).append(term)
    result = {}
    for operand in node.operands:
        if operand.dependent:
            d = sp.Add(*(derivative(term, operand.symbol) for term in terms[operand.symbol]))
            if d != 0:
                result[operand] = d
    return result


Differential = tuple[Node, list[Node], tuple[Index, ...]]


def differentials(graph: Graph, node: Node) -> list[Differential]:
    """What a contraction or a matrix function changes by: the sum, over some indices, of factors times d operand, for
    each operand that depends on the variables.

    d S^-1[p, q] = -S^-1[p, a] S^-1[b, q] dS[a, b],   d log det S = S^-1[b, a] dS[a, b],   d det S = det S d log det S
    """
    if isinstance(node, Contract):
        return [
            (operand, [*node.operands[:k], *node.operands[k + 1 :]], node.over)
            for k, operand in enumerate(node.operands)
            if operand.dependent
        ]
    if not (isinstance(node, MatrixFunction) and node.dependent):
        return []
    inverse = graph.matrix_function("inverse", node.operand, node.axes)
    assert isinstance(inverse, MatrixFunction)
    graph.meanings.setdefault(inverse, graph.meanings[node])
    (a, b), (p, q) = node.axes, cast("tuple[Index, Index]", inverse.results)
    if node.function == "inverse":
        factors = [graph.constant(-1), graph.relabel(inverse, {q: a}), graph.relabel(inverse, {p: b})]
    else:
        factors = [graph.relabel(inverse, {p: b, q: a}), *([node] if node.function == "det" else [])]
    return [(node.operand, factors, node.axes)]


def adjoints(graph: Graph, root: Node) -> dict[Gather, Node]:
    """d root / d gather for every gather of a variable, by reverse accumulation."""
    bars: dict[int, list[Node]] = {root.id: [graph.one]}
    result: dict[Gather, Node] = {}
    for node in reversed([n for n in graph.reachable([root]) if n.dependent]):
        if node.id not in bars:
            continue
        bar = graph.add(bars.pop(node.id))
        if bar is graph.zero:
            continue
        if isinstance(node, Gather):
            result[node] = bar
        elif isinstance(node, Pointwise):
            for operand, d in partials(node).items():
                over = [i for i in node.indices if i not in operand.indices]
                bars.setdefault(operand.id, []).append(_product_over(graph, bar, d, over))
        elif isinstance(node, Relabel):
            back = {new: old for old, new in node.names.items()}
            bars.setdefault(node.operand.id, []).append(graph.relabel(bar, back))
        else:
            for operand, factors, summed in differentials(graph, node):
                over = [i for i in (*node.indices, *summed) if i not in operand.indices]
                bars.setdefault(operand.id, []).append(graph.contract([bar, *factors], over))
    return dict(sorted(result.items(), key=lambda item: item[0].id))


def _product_over(graph: Graph, bar: Node, d: sp.Expr, over: list[Index]) -> Node:
    if not over:
        return graph.pointwise(graph.inline(bar) * d)
    return graph.contract([bar, *(graph.pointwise(f) for f in sp.Mul.make_args(d))], over)


def tangents(graph: Graph, nodes: Iterable[Node], order: int = 1) -> list[Node]:
    """The derivatives of nodes along direction number `order`, by forward accumulation."""
    nodes = list(nodes)
    dots: dict[int, Node] = {}
    for node in graph.reachable(nodes):
        if not node.dependent or isinstance(node, Peak):
            dots[node.id] = graph.zero
        elif isinstance(node, Gather):
            leaf = node.leaf
            if leaf.role == "variable":
                along = Leaf("direction", leaf.name, leaf.shape, leaf.offset, order)
                dots[node.id] = graph.gather(along, node.subscripts)
            else:
                dots[node.id] = graph.zero
        elif isinstance(node, Pointwise):
            terms = [
                graph.inline(graph.pointwise(d)) * graph.inline(dots[o.id])
                for o, d in partials(node).items()
                if dots[o.id] is not graph.zero
            ]
            dots[node.id] = graph.pointwise(sp.Add(*terms))
        elif isinstance(node, Relabel):
            dots[node.id] = graph.relabel(dots[node.operand.id], node.names)
        else:
            parts = [
                graph.contract([dots[operand.id], *factors], over)
                for operand, factors, over in differentials(graph, node)
                if dots[operand.id] is not graph.zero
            ]
            dots[node.id] = graph.add(parts) if parts else graph.zero
    return [dots[node.id] for node in nodes]


@dataclass(frozen=True)
class Block:
    """One element block: H[s_row(I), s_column(J)] += coefficient[I, J], where J, the indices of the column's gather,
    are named `columns` in the coefficient's index space. `mirrored` says that the transpose is to be added, too."""

    row: Gather
    column: Gather
    columns: tuple[Index, ...]
    coefficient: Node
    mirrored: bool

    @property
    def indices(self) -> tuple[Index, ...]:
        return tuple(dict.fromkeys((*self.row.indices, *self.columns)))


def hessian_blocks(graph: Graph, adjoint: dict[Gather, Node]) -> list[Block]:
    """The element blocks of the second derivative: each pair of gathers once, off-diagonal ones mirrored."""
    gathers = list(adjoint)
    blocks = []
    for b, column in enumerate(gathers):
        targets = gathers[b:]
        jacobians = jacobian(graph, [adjoint[g] for g in targets], column)
        for row, terms in zip(targets, jacobians, strict=True):
            for columns, coefficient in terms.items():
                blocks.append(Block(row, column, columns, coefficient, mirrored=row is not column))
    return blocks


Terms = dict[tuple[Index, ...], Node]


def jacobian(graph: Graph, nodes: list[Node], variable: Gather) -> list[Terms]:
    """The derivatives of nodes with respect to the values of one gather.

    A node N[I] changes by sum over terms of C[I, J] du[J]: each term has its column indices J, of which those that
    occur in I too stand for a diagonal (a Kronecker delta already contracted), and its coefficient C.
    """
    fresh = tuple(Index(i.size, f"column{k}") for k, i in enumerate(variable.indices))
    reached = graph.reachable(nodes)
    terms: dict[int, Terms] = {variable.id: {variable.indices: graph.one}}
    for node in reached:
        if isinstance(node, Pointwise):
            parts = [
                (columns, graph.multiply([graph.pointwise(d), coefficient]))
                for operand, d in partials(node).items()
                if operand.id in terms
                for columns, coefficient in terms[operand.id].items()
            ]
        elif isinstance(node, Relabel):
            parts = [
                (tuple(node.names.get(i, i) for i in columns), graph.relabel(coefficient, node.names))
                for columns, coefficient in terms.get(node.operand.id, {}).items()
            ]
        else:
            parts = [
                _through_contraction(graph, factors, over, columns, coefficient, fresh)
                for operand, factors, over in differentials(graph, node)
                if operand.id in terms
                for columns, coefficient in terms[operand.id].items()
            ]
        if parts:
            terms[node.id] = _collect(graph, parts)
    return [terms.get(node.id, {}) for node in nodes]


def _through_contraction(
    graph: Graph,
    factors: list[Node],
    over: tuple[Index, ...],
    columns: tuple[Index, ...],
    coefficient: Node,
    fresh: tuple[Index, ...],
) -> tuple[tuple[Index, ...], Node]:
    """A summed index that is a column, too, is not summed: it becomes a free column of its own."""
    names = {}
    for place, index in enumerate(columns):
        if index in over and index not in names:
            names[index] = fresh[place]
    factors = [coefficient, *factors]
    if names:
        factors = [graph.rename(f, names) for f in factors]
    return tuple(names.get(i, i) for i in columns), graph.contract(factors, [i for i in over if i not in names])


def _collect(graph: Graph, parts: list[tuple[tuple[Index, ...], Node]]) -> Terms:
    grouped: dict[tuple[Index, ...], list[Node]] = {}
    for columns, coefficient in parts:
        if coefficient is not graph.zero:
            grouped.setdefault(columns, []).append(coefficient)
    return {columns: graph.add(coefficients) for columns, coefficients in grouped.items()}
