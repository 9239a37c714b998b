"""Derivatives of graphs, as graphs: reverse mode for gradients, tangents for products, element blocks for Hessians.

The gradient of f is a list of parts: f depends on x through gathers u_a[I] = x[s_a(I)], and the adjoint g_a[I] = df/du_a[I]
is a node. Then grad f = sum_a scatter(s_a, g_a). A Hessian-vector product differentiates the adjoints along v, with the same
scatters. The Hessian is a list of element blocks: for two gathers a, b, the coefficient C over an index space, and where its
entries go:  H[s_a(I), s_b(J)] += C[I, J]  (Griewank and Toint's partial separability, with indices kept symbolic).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sympy as sp

from ncsolve.graph.kernels import derivative
from ncsolve.graph.nodes import Contract, Gather, Graph, Index, Leaf, Node, Peak, Pointwise


def partials(node: Pointwise) -> dict[Node, sp.Expr]:
    """The derivatives of a kernel with respect to the operands that depend on the variables."""
    terms: dict[sp.Symbol, list[sp.Expr]] = {}
    for term in sp.Add.make_args(node.kernel):
        for symbol in term.free_symbols:
            terms.setdefault(symbol, []).append(term)
    result = {}
    for operand in node.operands:
        if operand.dependent:
            d = sp.Add(*(derivative(term, operand.symbol) for term in terms[operand.symbol]))
            if d != 0:
                result[operand] = d
    return result


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
        elif isinstance(node, Contract):
            for k, operand in enumerate(node.operands):
                if operand.dependent:
                    others = [bar, *node.operands[:k], *node.operands[k + 1 :]]
                    over = [i for i in (*node.indices, *node.over) if i not in operand.indices]
                    bars.setdefault(operand.id, []).append(graph.contract(others, over))
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
                d * graph.inline(dots[o.id]) for o, d in partials(node).items() if dots[o.id] is not graph.zero
            ]
            dots[node.id] = graph.pointwise(sp.Add(*terms))
        elif isinstance(node, Contract):
            dots[node.id] = graph.add(
                graph.contract([dots[o.id], *node.operands[:k], *node.operands[k + 1 :]], node.over)
                for k, o in enumerate(node.operands)
                if dots[o.id] is not graph.zero
            ) if any(dots[o.id] is not graph.zero for o in node.operands) else graph.zero
    return [dots[node.id] for node in nodes]


@dataclass(frozen=True)
class Block:
    """One element block: H[s_row(I), s_column(J)] += coefficient[I, J], where J, the indices of the column's gather, are
    named `columns` in the coefficient's index space. `mirrored` says that the transpose is to be added, too."""

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

    A node N[I] changes by sum over terms of C[I, J] du[J]: each term has its column indices J, of which those that occur
    in I too stand for a diagonal (a Kronecker delta already contracted), and its coefficient C.
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
        elif isinstance(node, Contract):
            parts = [
                _through_contraction(graph, node, k, columns, coefficient, fresh)
                for k, operand in enumerate(node.operands)
                if operand.id in terms
                for columns, coefficient in terms[operand.id].items()
            ]
        else:
            continue
        if parts:
            terms[node.id] = _collect(graph, parts)
    return [terms.get(node.id, {}) for node in nodes]


def _through_contraction(
    graph: Graph, node: Contract, k: int, columns: tuple[Index, ...], coefficient: Node, fresh: tuple[Index, ...]
) -> tuple[tuple[Index, ...], Node]:
    """A summed index that is a column, too, is not summed: it becomes a free column of its own."""
    names = {}
    for place, index in enumerate(columns):
        if index in node.over and index not in names:
            names[index] = fresh[place]
    factors = [coefficient, *node.operands[:k], *node.operands[k + 1 :]]
    if names:
        factors = [graph.rename(f, names) for f in factors]
    over = [i for i in node.over if i not in names]
    return tuple(names.get(i, i) for i in columns), graph.contract(factors, over)


def _collect(graph: Graph, parts: list[tuple[tuple[Index, ...], Node]]) -> Terms:
    grouped: dict[tuple[Index, ...], list[Node]] = {}
    for columns, coefficient in parts:
        if coefficient is not graph.zero:
            grouped.setdefault(columns, []).append(coefficient)
    return {columns: graph.add(coefficients) for columns, coefficients in grouped.items()}
