"""Sums of squares: f = sum of w r^2 with weights w >= 0, read off kernels as far as they are written that way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
import sympy as sp

from ncsolve.graph.graph import Graph
from ncsolve.graph.nodes import Contract, Gather, Index, Node, Pointwise

_MOST_SQUARES = 1000
_DEEPEST = 60  # nested sums and products


@dataclass(frozen=True)
class Square:
    """weight * root**2, summed over indices that either has and that are in `summed`."""

    weight: sp.Expr
    root: sp.Expr
    summed: frozenset[Index] = frozenset()


class Squares:
    """Takes kernels apart into weighted squares, as far as they are written as such."""

    def __init__(self, graph: Graph, parameters: Mapping[str, float]) -> None:
        self.graph = graph
        self._depth = 0
        self.parameters = {"_row_count": 1.0, "_row_weight": 1.0, **parameters}

    def of(self, kernel: sp.Expr) -> list[Square] | None:
        """The squares that a kernel is the sum of, or None."""
        self._depth += 1
        squares = self._read(kernel) if self._depth <= _DEEPEST else None
        self._depth -= 1
        return squares

    def _read(self, kernel: sp.Expr) -> list[Square] | None:
        nodes = self.graph.nodes_of(kernel)
        if not any(node.dependent for node in nodes):
            return [Square(kernel, sp.S.One)] if self._nonnegative(kernel, nodes) else None
        if kernel.is_Pow and kernel.args[1].is_Integer and kernel.args[1] > 0 and kernel.args[1] % 2 == 0:
            return [Square(sp.S.One, kernel.args[0] ** (kernel.args[1] / 2))]
        if kernel.is_Add:
            return self._all(self.of(term) for term in kernel.args)
        if kernel.is_Mul:
            return self._product([self.of(factor) for factor in kernel.args])
        if isinstance(kernel, sp.Piecewise):
            return self._restricted(kernel)
        if kernel.is_Symbol and isinstance(nodes[0], Pointwise):
            return self.of(nodes[0].kernel)
        if kernel.is_Symbol and isinstance(nodes[0], Contract):
            return self._summed(nodes[0])
        return None

    @staticmethod
    def _all(parts: Iterable[list[Square] | None]) -> list[Square] | None:
        squares: list[Square] = []
        for part in parts:
            if part is None or len(squares) + len(part) > _MOST_SQUARES:
                return None
            squares += part
        return squares

    def _product(self, factors: list[list[Square] | None]) -> list[Square] | None:
        """Products of squares are squares; sums over the same index must not become one."""
        known = [f for f in factors if f is not None]
        if len(known) < len(factors) or np.prod([len(f) for f in known], dtype=float) > _MOST_SQUARES:
            return None
        summed = [frozenset[Index]().union(*(s.summed for s in f)) for f in known]
        if any(a & b for k, a in enumerate(summed) for b in summed[:k]):
            return None
        return [
            Square(sp.Mul(*(s.weight for s in choice)), sp.Mul(*(s.root for s in choice)), frozenset().union(*summed))
            for choice in product(*known)
        ]

    def _restricted(self, kernel: sp.Piecewise) -> list[Square] | None:
        """A sum of squares where a condition on the indices holds, and 0 elsewhere."""
        (first, condition), *others = kernel.args
        if len(others) != 1 or others[0].expr != 0 or any(n.dependent for n in self.graph.nodes_of(condition)):
            return None
        squares = self.of(first)
        return squares and [Square(s.weight, sp.Piecewise((s.root, condition), (0, True)), s.summed) for s in squares]

    def _summed(self, node: Contract) -> list[Square] | None:
        squares = self._product([self.of(o.symbol) for o in node.operands])
        result = []
        for square in squares or []:
            if square.summed & set(node.over):
                return None
            present = {i for n in self.graph.nodes_of(square.weight * square.root) for i in n.indices}
            times = sp.Mul(*(self.graph.count(i) for i in node.over if i not in present))
            result.append(Square(times * square.weight, square.root, square.summed | set(node.over)))
        return result or None

    def _nonnegative(self, kernel: sp.Expr, nodes: tuple[Node, ...]) -> bool:
        return bool(self._signed(kernel, nodes).is_nonnegative)

    def _signed(self, kernel: sp.Expr, nodes: tuple[Node, ...]) -> sp.Expr:
        """A kernel over symbols with the signs that the nodes are known to have."""
        return kernel.xreplace({node.symbol: self._sign(node) for node in nodes})

    def _sign(self, node: Node) -> sp.Dummy:
        if isinstance(node, Gather):
            if node.leaf.role == "parameter":
                smallest = self.parameters.get(node.leaf.name, -1.0)
            else:
                smallest = float(self.graph.arrays[node.leaf.name].min())
            return _dummy(smallest > 0, smallest >= 0)
        signs = [self._sign(o) for o in node.operands]
        if isinstance(node, Pointwise):
            kernel = self._signed(node.kernel, node.operands)
            return _dummy(kernel.is_positive, kernel.is_nonnegative)
        known = isinstance(node, Contract)
        return _dummy(known and all(s.is_positive for s in signs), known and all(s.is_nonnegative for s in signs))


def _dummy(positive: bool | None, nonnegative: bool | None) -> sp.Dummy:
    if positive:
        return sp.Dummy(positive=True)
    return sp.Dummy(nonnegative=True) if nonnegative else sp.Dummy(real=True)
