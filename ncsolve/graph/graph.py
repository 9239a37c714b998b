"""The array graph: nodes are built here and nowhere else, each once, in their simplest form.

Nodes are hash-consed: building the same thing twice gives the same object. `id` grows with construction, so that
sorting by it is a topological order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Mapping
from typing import NoReturn

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ncsolve.graph.kernels import symbols_in, weight
from ncsolve.graph.nodes import (
    ROW_COUNT,
    Contract,
    Enumeration,
    Gather,
    Index,
    Leaf,
    MatrixFunction,
    Meaning,
    Node,
    Peak,
    Pointwise,
    Relabel,
    Subscript,
    Table,
    unique,
)
from ncsolve.graph.walks import reachable
from ncsolve.problem.stored import StoredArray, not_in_memory

_LONG = 10_000
"""Entries from which a table is compared with the data."""


class _Arrays(dict[str, NDArray[np.generic]]):
    """Arrays by name; one that is not in memory is none of them."""

    def __missing__(self, name: str) -> NoReturn:
        raise not_in_memory(f"data: '{name}'")


class Graph:
    """Builds nodes, each only once, in their simplest form."""

    def __init__(self) -> None:
        self.arrays: dict[str, NDArray[np.generic]] = _Arrays()
        self.stored: dict[str, StoredArray] = {}
        self.meanings: dict[Table | Node, Meaning] = {}
        self.enumerations: dict[Index, Enumeration] = {}
        self.names: dict[Index, str] = {}
        self.sparse = False  # whether any of the arrays is
        self.supports: dict[int, tuple[Gather, ...]] = {}
        self._nodes: dict[Hashable, Node] = {}
        self._of_symbol: dict[sp.Symbol, Node] = {}
        self._tables: dict[tuple[tuple[int, ...], str, bytes], Leaf] = {}
        self.one = self.constant(sp.S.One)
        self.zero = self.constant(sp.S.Zero)

    # -- leaves ------------------------------------------------------------------------------------------------------

    def data(self, name: str, array: NDArray[np.generic]) -> Leaf:
        """A leaf for an array that has a name of its own."""
        if isinstance(array, StoredArray):
            self.stored[name] = array
            return Leaf("stored", name, array.shape)
        self.arrays[name] = array
        self.sparse = self.sparse or hasattr(array, "nnz")
        return Leaf("data", name, array.shape)

    def table(self, array: NDArray[np.generic]) -> Leaf:
        """A leaf for an array that the lowering computed; equal arrays share one leaf."""
        array = np.ascontiguousarray(array)
        key = (array.shape, array.dtype.str, hashlib.sha256(array.reshape(-1).data).digest())
        if key not in self._tables:
            if array.size >= _LONG:  # u[k] over all k is the array u: no second copy of it
                same = (a for a in self.arrays.values() if isinstance(a, np.ndarray) and a.dtype == array.dtype)
                array = next((a for a in same if np.array_equal(a, array)), array)
            self._tables[key] = self.data(f"_t{len(self._tables)}", array)
        return self._tables[key]

    def explain(self, table: Table | Node, expression: sp.Basic, scope: Mapping[sp.Symbol, Subscript]) -> None:
        """Remember what a computed table holds, so that it can be shown as it was written."""
        own = {s: scope[s] for s in expression.free_symbols if s in scope}
        self.meanings.setdefault(table, Meaning(expression, own))

    # -- nodes -------------------------------------------------------------------------------------------------------

    def _intern(self, key: Hashable, make: type[Node], *arguments: object) -> Node:
        node = self._nodes.get(key)
        if node is None:
            node = make(*arguments)
            node.id = len(self._nodes)
            node.symbol = sp.Symbol(f"_n{node.id}", real=True)
            self._nodes[key] = node
            self._of_symbol[node.symbol] = node
        return node

    def knows(self, symbol: sp.Symbol) -> bool:
        """Whether a symbol stands for a node of this graph."""
        return symbol in self._of_symbol

    def nodes_of(self, kernel: sp.Expr) -> tuple[Node, ...]:
        return tuple(sorted((self._of_symbol[s] for s in symbols_in(kernel)), key=lambda node: node.id))

    def constant(self, value: sp.Expr | float) -> Node:
        value = sp.sympify(value)
        return self._intern(("pointwise", value), Pointwise, value, ())

    def gather(self, leaf: Leaf, subscripts: tuple[Subscript, ...] = ()) -> Node:
        return self._intern(("gather", leaf, subscripts), Gather, leaf, subscripts)

    def pointwise(self, kernel: sp.Expr) -> Node:
        """The node of a kernel over the symbols of other nodes."""
        if kernel.is_Symbol:
            return self._of_symbol[kernel]
        return self._intern(("pointwise", kernel), Pointwise, kernel, self.nodes_of(kernel))

    def add(self, nodes: Iterable[Node]) -> Node:
        terms = [self.inline(node) for node in nodes]
        if len(terms) == 1:
            return self.pointwise(terms[0])
        return self.pointwise(sp.Add(*terms))

    def multiply(self, nodes: Iterable[Node]) -> Node:
        return self.pointwise(sp.Mul(*(self.inline(node) for node in nodes)))

    @staticmethod
    def inline(node: Node) -> sp.Expr:
        """The node in a kernel: itself written out when it is small, else its symbol."""
        if isinstance(node, Pointwise) and len(node.operands) <= 4 and weight(node.kernel) <= 30:
            return node.kernel
        return node.symbol

    def contract(self, operands: Iterable[Node], over: Iterable[Index]) -> Node:
        """The sum over `over` of the product of operands; an index that none of them has counts as a factor size."""
        scale: sp.Expr = sp.S.One
        groups: dict[frozenset[Index], list[Node]] = {}
        for node in operands:
            factor, node = self._split_number(node)
            scale *= factor
            for part in self._factors(node):
                groups.setdefault(frozenset(part.indices), []).append(part)
        if scale == 0:
            return self.zero
        present = {i for indices in groups for i in indices}
        for index in (over := unique(over)):
            if index not in present:
                scale *= self.count(index)
        over = tuple(sorted(i for i in over if i in present))
        merged = [group[0] if len(group) == 1 else self.multiply(group) for group in groups.values()]
        outside = [node for node in merged if not any(i in over for i in node.indices)]
        inside = [node for node in merged if any(i in over for i in node.indices)]
        factors = [scale, *(self.inline(node) for node in outside)]
        if inside:
            inside.sort(key=lambda node: node.id)
            factors.append(self.inline(self._contraction(tuple(inside), over)))
        return self.pointwise(sp.Mul(*factors))

    def _contraction(self, factors: tuple[Node, ...], over: tuple[Index, ...]) -> Node:
        if self.sparse:
            from ncsolve.graph.sparse import over_entries

            if (total := over_entries(self, factors, over)) is not None:
                return total
        return self._intern(("contract", tuple(node.id for node in factors), over), Contract, factors, over)

    def count(self, index: Index) -> sp.Expr:
        """How often an index is summed: a number, but for the rows of a finite sum, of which some may be asked for."""
        return self.gather(ROW_COUNT).symbol if index.tag == "sample" else sp.Integer(index.size)

    def _split_number(self, node: Node) -> tuple[sp.Expr, Node]:
        """A kernel's numerical factor and the rest: 2 * r**2 is 2 and r**2, 2*a - 2*b is 2 and a - b."""
        if isinstance(node, Pointwise):
            factor, rest = node.kernel.primitive() if node.kernel.is_Add else node.kernel.as_coeff_Mul()
            return factor, self.pointwise(rest) if factor != 1 else node
        return sp.S.One, node

    def _factors(self, node: Node) -> list[Node]:
        """The factors of a product whose factors live on different index spaces, so that they can be summed apart."""
        if not isinstance(node, Pointwise) or not node.kernel.is_Mul:
            return [] if node is self.one else [node]
        factors = [self.pointwise(factor) for factor in node.kernel.args]
        return factors if len({frozenset(f.indices) for f in factors}) > 1 else [node]

    def peak(self, operand: Node, over: tuple[Index, ...]) -> Node:
        return self._intern(("peak", operand.id, over), Peak, operand, over)

    def matrix_function(self, function: str, operand: Node, axes: tuple[Index, Index]) -> Node:
        key = ("matrix", function, operand.id, axes)
        return self._intern(key, MatrixFunction, function, operand, axes)

    def relabel(self, node: Node, names: Mapping[Index, Index]) -> Node:
        """The same function under other names of its indices, without a copy of what it is computed from."""
        changed = {i: names[i] for i in node.indices if names.get(i, i) != i}
        if not changed:
            return node
        if isinstance(node, Gather):
            return self.rename(node, changed)
        if isinstance(node, Relabel):
            now = {i: node.names.get(i, i) for i in node.operand.indices}
            return self.relabel(node.operand, {i: changed.get(j, j) for i, j in now.items()})
        pairs = tuple(sorted(changed.items()))
        return self._intern(("relabel", node.id, pairs), Relabel, node, pairs)

    # -- traversal ---------------------------------------------------------------------------------------------------

    @staticmethod
    def reachable(roots: Iterable[Node]) -> list[Node]:
        """All nodes that the roots are built from, operands first."""
        return sorted(reachable(roots, lambda node: node.operands), key=lambda node: node.id)

    def rename(self, node: Node, names: Mapping[Index, Index]) -> Node:
        """The same function with free indices renamed (to names that occur nowhere in it)."""
        new: dict[int, Node] = {}
        for old in self.reachable([node]):
            if not any(i in names for i in old.indices):
                new[old.id] = old
            elif isinstance(old, Gather):
                new[old.id] = self.gather(old.leaf, tuple(s.renamed(names) for s in old.subscripts))
            elif isinstance(old, Pointwise):
                new[old.id] = self.pointwise(old.kernel.xreplace({o.symbol: new[o.id].symbol for o in old.operands}))
            elif isinstance(old, Contract):
                inner = {k: v for k, v in names.items() if k not in old.over}
                operands = [self.rename(o, inner) if len(inner) < len(names) else new[o.id] for o in old.operands]
                new[old.id] = self.contract(operands, old.over)
            elif isinstance(old, Peak):
                new[old.id] = self.peak(new[old.operand.id], old.over)
            else:
                new[old.id] = self.relabel(old, names)
        return new[node.id]
