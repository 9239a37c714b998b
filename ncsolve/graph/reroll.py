"""Flat sums re-rolled: terms of the same shape become one template with tables of variables, numbers and subscripts.

`sum(100*(x[i+1] - x[i]**2)**2 + (1 - x[i])**2 for i in range(n))` is an Add of 2n - 2 terms of two shapes. The shape of
a term is its tree with scalar variables, numbers and subscripts left open, and which of the variables are the same.
Within a term, the product of a row and a column that SymPy writes out is re-rolled in turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import sympy as sp
from sympy.matrices.expressions.matexpr import MatrixElement

from ncsolve.graph.indices import Scope
from ncsolve.graph.nodes import Affine, Index, Node, Subscript, Table

if TYPE_CHECKING:
    from ncsolve.graph.lower import Lowering

MANY_TERMS = 8  # from which a sum is read
_MAX_DEPTH = 40
REPEATS = 4  # terms of one shape that make a template inside of another sum; at the top, few are faster one by one


@dataclass(frozen=True)
class Position:
    """A subscript in an open place."""

    value: int


Place: TypeAlias = "sp.Symbol | sp.Number | Position"
Read: TypeAlias = tuple[int, tuple[Place, ...]]


class Shapes:
    """Numbers the shapes of terms; commutative arguments come in the order of their shapes, then of their places."""

    def __init__(self, position: dict[sp.Symbol, int]) -> None:
        self.position = position
        self._number: dict[tuple[Any, ...], int] = {}
        self._shapes: list[tuple[Any, ...]] = []

    def _intern(self, *shape: Any) -> int:
        if shape not in self._number:
            self._number[shape] = len(self._shapes)
            self._shapes.append(shape)
        return self._number[shape]

    def read(self, expression: sp.Basic, depth: int = 0) -> Read | None:
        """The shape's number and the open places; None where sums, matrices and the like occur."""
        if depth > _MAX_DEPTH:
            return None
        if expression.is_Symbol:
            known = expression in self.position
            return (self._intern("variable"), (expression,)) if known else (self._intern("constant", expression), ())
        if isinstance(expression, (sp.Indexed, MatrixElement)):
            return self._element(*expression.args)
        if expression.is_Number:
            return self._intern("number"), (expression,)
        if not expression.args:
            return self._intern("constant", expression), ()
        if expression.is_Pow and expression.args[1].is_Number:
            base = self.read(expression.args[0], depth + 1)
            return base and (self._intern("power", base[0], expression.args[1]), base[1])
        parts = [p for a in expression.args if (p := self.read(a, depth + 1)) is not None]
        if len(parts) < len(expression.args) or not isinstance(expression, sp.Expr):
            return None
        if expression.is_Add or expression.is_Mul:
            parts.sort(key=lambda p: (p[0], self.rank(p[1])))
        return self._intern(expression.func, *(p[0] for p in parts)), tuple(s for p in parts for s in p[1])

    def _element(self, array: sp.Basic, *subscripts: sp.Expr) -> Read | None:
        """An element of an array, whose subscripts are open where they are numbers."""
        if not isinstance(array, (sp.IndexedBase, sp.MatrixSymbol)):
            return None
        kept = tuple(None if s.is_Integer else s for s in subscripts)
        return self._intern("element", array, *kept), tuple(Position(int(s)) for s in subscripts if s.is_Integer)

    def rank(self, places: tuple[Place, ...]) -> tuple[int, ...]:
        """What open places are ordered by."""
        return tuple(p.value if isinstance(p, Position) else self.position.get(p, -1) for p in places)

    def build(self, number: int, places: Iterator[sp.Expr]) -> sp.Expr:
        """The expression of a shape with its open places filled."""
        head, *rest = self._shapes[number]
        if head in ("variable", "number"):
            return next(places)
        if head == "constant":
            return rest[0]
        if head == "element":
            array, *kept = rest
            return array[tuple(next(places) if s is None else s for s in kept)]
        if head == "power":
            return self.build(rest[0], places) ** rest[1]
        return head(*(self.build(child, places) for child in rest))


def reroll(lowering: Lowering, terms: tuple[sp.Expr, ...], scope: Scope) -> tuple[list[Node], list[sp.Expr]]:
    """The nodes of the templates that were found, and the terms that belong to none.

    Inside of another sum, only subscripts make templates: terms that differ in their numbers are cheaper as they are.
    """
    position = {v.symbol: v.offset for v in lowering.problem.variables if v.symbol.is_Symbol}
    shapes = Shapes(position)
    open_place = Position if scope else (sp.Symbol, Position)
    groups: dict[tuple[int, ...], list[tuple[sp.Expr, tuple[Place, ...]]]] = {}
    rest: list[sp.Expr] = []
    for term in terms:
        read = shapes.read(term)
        if read is None or not any(isinstance(s, open_place) for s in read[1]):
            rest.append(term)
            continue
        first: dict[Place, int] = {}
        same = tuple(first.setdefault(s, len(first)) for s in read[1] if isinstance(s, sp.Symbol))
        groups.setdefault((read[0], *same), []).append((term, read[1]))
    nodes = []
    for (shape, *_), group in groups.items():
        if len(group) < (REPEATS if scope else MANY_TERMS):
            rest.extend(term for term, _ in group)
        else:
            group.sort(key=lambda member: shapes.rank(member[1]))
            nodes.append(_template(lowering, shapes, shape, [places for _, places in group], scope))
    return nodes, rest


def _template(lowering: Lowering, shapes: Shapes, shape: int, rows: list[tuple[Place, ...]], scope: Scope) -> Node:
    """The sum of all terms of a shape: one kernel over tables of what stands in the open places."""
    graph, index = lowering.graph, scope.fresh(len(rows), "flat")
    inner, symbols = Scope(scope), dict[tuple[Place, ...], sp.Symbol]()
    places: list[sp.Expr] = []
    for column in zip(*rows, strict=True):
        if isinstance(column[0], Position) and len(set(column)) == 1:
            places.append(sp.Integer(column[0].value))
        elif isinstance(column[0], Position):
            symbol = symbols.setdefault(column, sp.Dummy("position", integer=True))
            inner[symbol] = _subscript(lowering, np.array([p.value for p in column], dtype=np.int64), index)
            places.append(symbol)
        elif isinstance(column[0], sp.Symbol):
            positions = np.array([shapes.position[s] for s in column], dtype=np.int64)
            places.append(graph.gather(lowering.packed, (_subscript(lowering, positions, index),)).symbol)
        elif any(value != column[0] for value in column):
            numbers = graph.table(np.array([float(value) for value in column]))
            places.append(graph.gather(numbers, (Affine(index, 1, 0),)).symbol)
        else:
            places.append(column[0])
    template = shapes.build(shape, iter(places))
    return lowering.contract_kernel(lowering.kernel(template, inner), (index,))


def _subscript(lowering: Lowering, positions: np.ndarray, index: Index) -> Subscript:
    steps = np.diff(positions)
    if (steps == steps[0]).all():
        return Affine(None, 0, int(positions[0])) if steps[0] == 0 else Affine(index, int(steps[0]), int(positions[0]))
    return Table(lowering.graph.table(positions), (index,))
