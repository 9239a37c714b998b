"""The array graph: what an objective is once it has been lowered from SymPy.

A node is a real function of the variables and of a set of named indices. Four kinds suffice, and they are closed under
differentiation:

- `Gather`     an element of a leaf array, `A[i, j]`, `x[2*i + 1]`, `U[row[k], c]`; a leaf is a variable, a direction,
  a parameter or data
- `Pointwise`  a SymPy kernel over other nodes (their symbols), on the union of their indices
- `Contract`   the product of nodes, summed over some of their indices
- `Peak`       the maximum of a node over an index, a constant shift that keeps log-sum-exp finite (its derivative is
  zero, because the result does not depend on it)

Matrix expressions add two: `MatrixFunction`, the inverse or a determinant of a node over two of its indices, and
`Relabel`, which reads such a result under other names of its indices.

Nodes are hash-consed: building the same thing twice gives the same object. `id` grows with construction, so that
sorting by it is a topological order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ncsolve.graph.kernels import symbols_in, weight
from ncsolve.problem.stored import StoredArray, not_in_memory


@dataclass(frozen=True, order=True)
class Index:
    """A named range 0, ..., size - 1. `tag` tells apart ranges of equal size; `copy` those that are nested."""

    size: int
    tag: str = ""
    copy: int = 0

    def __repr__(self) -> str:
        return f"{self.tag or 'i'}{self.size}_{self.copy}"


@dataclass(frozen=True)
class Affine:
    """The subscript stride * index + offset; a constant where index is None."""

    index: Index | None
    stride: int
    offset: int

    @property
    def indices(self) -> tuple[Index, ...]:
        return () if self.index is None else (self.index,)

    def renamed(self, names: Mapping[Index, Index]) -> Affine:
        return self if self.index is None else Affine(names.get(self.index, self.index), self.stride, self.offset)


@dataclass(frozen=True)
class Table:
    """The subscript leaf[indices]: an integer array, known when the graph is built."""

    leaf: Leaf
    indices: tuple[Index, ...]

    def renamed(self, names: Mapping[Index, Index]) -> Table:
        return Table(self.leaf, tuple(names.get(i, i) for i in self.indices))


Subscript = Affine | Table


@dataclass(frozen=True)
class Leaf:
    """An array that a gather reads.

    `role` is "variable" (a view of the packed x at `offset`), "direction" (the same view of the vector of order
    `order`), "parameter", "data" or "stored". The arrays of data leaves are in `Graph.arrays`, those that are not in
    memory in `Graph.stored`: these are read along the finite sum only, and a function is given the rows of its subset.
    """

    role: str
    name: str
    shape: tuple[int, ...]
    offset: int = 0
    order: int = 0

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True)
class Enumeration:
    """What an index that lists a ragged range stands for: its limits, outermost first, the condition that is left, and
    the symbol that each of its tables, by name, holds the values of."""

    limits: tuple[tuple[sp.Symbol, sp.Expr, sp.Expr], ...]
    condition: sp.Basic
    symbols: Mapping[str, sp.Symbol]


@dataclass(frozen=True)
class Meaning:
    """What a computed table holds: the values of an expression, whose bound symbols are the given subscripts."""

    expression: sp.Basic
    scope: Mapping[sp.Symbol, Subscript]


ROW_COUNT = Leaf("parameter", "_row_count", ())
ROW_WEIGHT = Leaf("parameter", "_row_weight", ())


_LONG = 10_000
"""Entries from which a table is compared with the data."""


class Node:
    """A function of variables and of `indices`; `symbol` stands for it in the kernels of other nodes."""

    __slots__ = ("dependent", "id", "indices", "symbol")
    id: int
    symbol: sp.Symbol
    indices: tuple[Index, ...]
    dependent: bool

    @property
    def operands(self) -> tuple[Node, ...]:
        return ()

    @property
    def size(self) -> int:
        """The number of points of the index space."""
        size = 1
        for index in self.indices:
            size *= index.size
        return size


class Gather(Node):
    __slots__ = ("leaf", "subscripts")

    def __init__(self, leaf: Leaf, subscripts: tuple[Subscript, ...]) -> None:
        self.leaf = leaf
        self.subscripts = subscripts
        self.indices = unique(i for s in subscripts for i in s.indices)
        self.dependent = leaf.role in ("variable", "direction")


class Pointwise(Node):
    __slots__ = ("_operands", "kernel")

    def __init__(self, kernel: sp.Expr, operands: tuple[Node, ...]) -> None:
        self.kernel = kernel
        self._operands = operands
        widest = sorted(operands, key=lambda node: -len(node.indices))
        self.indices = unique(i for node in widest for i in node.indices)
        self.dependent = any(node.dependent for node in operands)

    @property
    def operands(self) -> tuple[Node, ...]:
        return self._operands


class Contract(Node):
    __slots__ = ("_operands", "over")

    def __init__(self, operands: tuple[Node, ...], over: tuple[Index, ...]) -> None:
        self._operands = operands
        self.over = over
        self.indices = unique(i for node in operands for i in node.indices if i not in over)
        self.dependent = any(node.dependent for node in operands)

    @property
    def operands(self) -> tuple[Node, ...]:
        return self._operands


class Peak(Node):
    __slots__ = ("operand", "over")

    def __init__(self, operand: Node, over: tuple[Index, ...]) -> None:
        self.operand = operand
        self.over = over
        self.indices = tuple(i for i in operand.indices if i not in over)
        self.dependent = operand.dependent

    @property
    def operands(self) -> tuple[Node, ...]:
        return (self.operand,)


class Relabel(Node):
    """The operand under other names of its indices, all at once: N[p, q] with p -> j, q -> i is N.T[i, j]."""

    __slots__ = ("names", "operand")

    def __init__(self, operand: Node, names: tuple[tuple[Index, Index], ...]) -> None:
        self.operand = operand
        self.names = dict(names)
        self.indices = tuple(self.names.get(i, i) for i in operand.indices)
        self.dependent = operand.dependent

    @property
    def operands(self) -> tuple[Node, ...]:
        return (self.operand,)


class MatrixFunction(Node):
    """A function of the square matrix S[a, b] that the operand is over two of its indices, `axes` = (a, b).

    "inverse" is S^-1[p, q] over two indices of its own, `results` = (p, q). Without such indices are "det", "logdet"
    (nan where det S < 0), "logabsdet", which is log |det S|, and "detsign", whose derivative is zero.
    """

    __slots__ = ("axes", "function", "operand", "results")

    def __init__(self, function: str, operand: Node, axes: tuple[Index, Index]) -> None:
        self.function, self.operand, self.axes = function, operand, axes
        size = axes[0].size
        self.results = (Index(size, "inverse", 0), Index(size, "inverse", 1)) if function == "inverse" else ()
        self.indices = (*(i for i in operand.indices if i not in axes), *self.results)
        self.dependent = operand.dependent and function != "detsign"

    @property
    def operands(self) -> tuple[Node, ...]:
        return (self.operand,)


def unique(items: Iterable[Index]) -> tuple[Index, ...]:
    return tuple(dict.fromkeys(items))


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
        if isinstance(node, Pointwise) and len(node._operands) <= 4 and weight(node.kernel) <= 30:
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
        seen: dict[int, Node] = {}
        stack = list(roots)
        while stack:
            node = stack.pop()
            if node.id not in seen:
                seen[node.id] = node
                stack.extend(node.operands)
        return [seen[k] for k in sorted(seen)]

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
