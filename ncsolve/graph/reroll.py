"""Flat sums re-rolled: terms of the same shape become one template with a table of variables and a table of numbers.

`sum(100*(x[i+1] - x[i]**2)**2 + (1 - x[i])**2 for i in range(n))` over scalar Symbols is an Add of 2n - 2 terms of two
shapes. The shape of a term is its tree with variables and numbers left open, and which of the variables are the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from ncsolve.graph.indices import Scope
from ncsolve.graph.nodes import Affine, Index, Node, Subscript, Table

if TYPE_CHECKING:
    from ncsolve.graph.lower import Lowering

MANY_TERMS = 8
_MAX_DEPTH = 40
_REPEATS = 4  # terms of one shape that make a template

Read = tuple[int, tuple[sp.Basic, ...]]


class Shapes:
    """Numbers the shapes of terms; commutative arguments come in the order of their shapes, then of their variables."""

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
        """The shape's number and the open places; None where anything but scalar variables and numbers occurs."""
        if depth > _MAX_DEPTH:
            return None
        if expression.is_Symbol:
            return (self._intern("variable"), (expression,)) if expression in self.position else None
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
            parts.sort(key=lambda p: (p[0], tuple(self.position.get(s, -1) for s in p[1])))
        return self._intern(expression.func, *(p[0] for p in parts)), tuple(s for p in parts for s in p[1])

    def build(self, number: int, places: Iterator[sp.Expr]) -> sp.Expr:
        """The expression of a shape with its open places filled."""
        head, *rest = self._shapes[number]
        if head in ("variable", "number"):
            return next(places)
        if head == "constant":
            return rest[0]
        if head == "power":
            return self.build(rest[0], places) ** rest[1]
        return head(*(self.build(child, places) for child in rest))


def reroll(lowering: Lowering, terms: tuple[sp.Expr, ...]) -> tuple[list[Node], list[sp.Expr]]:
    """The nodes of the templates that were found, and the terms that belong to none."""
    position = {v.symbol: v.offset for v in lowering.problem.variables if v.symbol.is_Symbol}
    shapes = Shapes(position)
    groups: dict[tuple[int, ...], list[tuple[sp.Expr, tuple[sp.Basic, ...]]]] = {}
    rest: list[sp.Expr] = []
    for term in terms:
        read = shapes.read(term)
        if read is None or not any(s.is_Symbol for s in read[1]):
            rest.append(term)
            continue
        first: dict[sp.Basic, int] = {}
        same = tuple(first.setdefault(s, len(first)) for s in read[1] if s.is_Symbol)
        groups.setdefault((read[0], *same), []).append((term, read[1]))
    nodes = []
    for (shape, *_), group in groups.items():
        if len(group) < _REPEATS:
            rest.extend(term for term, _ in group)
        else:
            group.sort(key=lambda member: tuple(position.get(s, -1) for s in member[1]))
            nodes.append(_template(lowering, shapes, shape, [places for _, places in group]))
    return nodes, rest


def _template(lowering: Lowering, shapes: Shapes, shape: int, rows: list[tuple[sp.Basic, ...]]) -> Node:
    """The sum of all terms of a shape: one kernel over tables of what stands in the open places."""
    graph, index = lowering.graph, Index(len(rows), "flat")
    places: list[sp.Expr] = []
    for column in zip(*rows, strict=True):
        if column[0].is_Symbol:
            positions = np.array([shapes.position[s] for s in column], dtype=np.int64)
            places.append(graph.gather(lowering.packed, (_subscript(lowering, positions, index),)).symbol)
        elif any(value != column[0] for value in column):
            numbers = graph.table(np.array([float(value) for value in column]))
            places.append(graph.gather(numbers, (Affine(index, 1, 0),)).symbol)
        else:
            places.append(column[0])
    template = shapes.build(shape, iter(places))
    return lowering.contract_kernel(lowering.kernel(template, Scope()), (index,))


def _subscript(lowering: Lowering, positions: np.ndarray, index: Index) -> Subscript:
    steps = np.diff(positions)
    if (steps == steps[0]).all():
        return Affine(None, 0, int(positions[0])) if steps[0] == 0 else Affine(index, int(steps[0]), int(positions[0]))
    return Table(lowering.graph.table(positions), (index,))
