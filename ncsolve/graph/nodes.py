"""The nodes of the array graph: what an objective is once it has been lowered from SymPy.

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
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import sympy as sp


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
