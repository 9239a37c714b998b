"""Indices of sums: ranges (rectangular, ragged or restricted by a condition) and subscripts (affine or from data)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ncsolve.errors import ProblemError
from ncsolve.graph.graph import Graph
from ncsolve.graph.nodes import Affine, Enumeration, Index, Leaf, Node, Subscript, Table, unique

if TYPE_CHECKING:
    from ncsolve.graph.lower import Lowering

IntArray = NDArray[np.int64]
_MAX_ENUMERATED = 50_000_000


class Scope(dict[sp.Symbol, Subscript]):
    """What the bound symbols mean: integer functions of indices."""

    @property
    def indices(self) -> set[Index]:
        return {i for subscript in self.values() for i in subscript.indices}

    def fresh(self, size: int, tag: str = "") -> Index:
        used, copy = self.indices, 0
        while Index(size, tag, copy) in used:
            copy += 1
        return Index(size, tag, copy)


def range_values(subscript: Subscript, graph: Graph) -> IntArray:
    """The values of a subscript over its indices."""
    if isinstance(subscript, Table):
        return graph.arrays[subscript.leaf.name].astype(np.int64, copy=False)
    size = 1 if subscript.index is None else subscript.index.size
    values = subscript.offset + subscript.stride * np.arange(size)
    return values if subscript.index is not None else values[0]


# -- subscripts ------------------------------------------------------------------------------------------------------


def lower_subscript(
    index: sp.Expr,
    scope: Scope,
    graph: Graph,
    data: Mapping[sp.Basic, Leaf],
    element: sp.Expr,
    axis: int,
    shape: tuple[int, ...],
) -> Subscript:
    """The subscript of one axis, checked against the size of the axis."""
    subscript: Subscript
    if (affine := _affine(index, scope)) is None:
        values, indices = integer_values(index, scope, graph, data)
        subscript = Table(graph.table(values), indices) if indices else Affine(None, 0, int(values))
        if isinstance(subscript, Table):
            graph.explain(subscript, index, scope)
        low, high = int(values.min()), int(values.max())
    else:
        subscript = affine
        last = affine.index.size - 1 if affine.index else 0
        ends = affine.offset, affine.offset + affine.stride * last
        low, high = min(ends), max(ends)
    if low < 0 or high >= shape[axis]:
        culprit = low if low < 0 else high
        raise ProblemError(
            f"index out of range: {element} reads position {culprit} of axis {axis} of '{element.args[0]}', "
            f"which has shape {shape} (valid: 0 to {shape[axis] - 1})"
        )
    return subscript


def _affine(index: sp.Expr, scope: Scope) -> Affine | None:
    """stride * index + offset when the expression is that, in a single affine index."""
    if index.is_Integer:
        return Affine(None, 0, int(index))
    symbols = [s for s in index.free_symbols if s in scope]
    if len(symbols) != 1 or not isinstance(scope[symbols[0]], Affine):
        return None
    constant, linear = index.as_independent(symbols[0], as_Add=True)
    stride = linear.coeff(symbols[0], 1)
    if linear != stride * symbols[0] or not (constant.is_Integer and stride.is_Integer):
        return None
    inner = scope[symbols[0]]
    assert isinstance(inner, Affine)
    return Affine(inner.index, int(stride) * inner.stride, int(constant) + int(stride) * inner.offset)


_NUMPY_OF: dict[type[sp.Basic], object] = {
    sp.Add: lambda *a: sum(a[1:], a[0]),
    sp.Mul: lambda *a: np.prod(np.broadcast_arrays(*a), axis=0),
    sp.Mod: np.mod,
    sp.Max: lambda *a: np.max(np.broadcast_arrays(*a), axis=0),
    sp.Min: lambda *a: np.min(np.broadcast_arrays(*a), axis=0),
    sp.Abs: np.abs,
    sp.floor: np.floor,
    sp.ceiling: np.ceil,
    sp.Pow: lambda a, b: np.asarray(a) ** np.asarray(b, dtype=float),
    sp.Equality: np.equal,
    sp.Unequality: np.not_equal,
    sp.StrictLessThan: np.less,
    sp.LessThan: np.less_equal,
    sp.StrictGreaterThan: np.greater,
    sp.GreaterThan: np.greater_equal,
    sp.And: lambda *a: np.logical_and.reduce(np.broadcast_arrays(*a)),
    sp.Or: lambda *a: np.logical_or.reduce(np.broadcast_arrays(*a)),
    sp.Not: np.logical_not,
    sp.KroneckerDelta: lambda a, b, *_: np.equal(a, b),
}


def evaluate(
    expression: sp.Basic, scope: Scope, graph: Graph, data: Mapping[sp.Basic, Leaf], indices: tuple[Index, ...]
) -> NDArray[np.generic]:
    """An expression in bound symbols and data alone, over the grid of indices (one axis each)."""
    if expression.is_Number:
        return np.asarray(int(expression) if expression.is_Integer else float(expression))
    if expression in (sp.true, sp.false):
        return np.asarray(expression == sp.true)
    if expression in scope:
        subscript = scope[expression]
        values = np.asarray(range_values(subscript, graph))
        shape = [i.size if i in subscript.indices else 1 for i in indices]
        order = np.argsort([indices.index(i) for i in subscript.indices])
        return values.transpose(order).reshape(shape) if subscript.indices else values
    if isinstance(expression, sp.Indexed) and expression.base in data:
        array = graph.arrays[data[expression.base].name]
        at = [evaluate(i, scope, graph, data, indices).astype(np.int64) for i in expression.indices]
        for axis, positions in enumerate(at):
            if positions.size and (positions.min() < 0 or positions.max() >= array.shape[axis]):
                raise ProblemError(
                    f"index out of range: {expression} reaches positions {positions.min()} to {positions.max()} of "
                    f"axis {axis} of '{expression.base}', which has shape {array.shape}"
                )
        return np.asarray(array[tuple(at)])
    rule = next((r for kind, r in _NUMPY_OF.items() if isinstance(expression, kind)), None)
    if rule is None:
        raise ProblemError(f"{expression} cannot be an index: use integers, sum indices, and integer data")
    return np.asarray(rule(*(evaluate(a, scope, graph, data, indices) for a in expression.args)))  # type: ignore[operator]


def integer_values(
    index: sp.Expr, scope: Scope, graph: Graph, data: Mapping[sp.Basic, Leaf]
) -> tuple[IntArray, tuple[Index, ...]]:
    """The values of an index expression over the indices that it depends on."""
    unknown = sorted(
        str(s) for s in index.atoms(sp.Symbol) if s not in scope and s not in {getattr(b, "label", b) for b in data}
    )
    if unknown:
        raise ProblemError(
            f"the index {index} depends on {', '.join(unknown)}, which is neither a sum's index nor integer data"
        )
    indices = unique(i for s in sorted(index.free_symbols, key=str) if s in scope for i in scope[s].indices)
    values = evaluate(index, scope, graph, data, indices)
    numbers = values.astype(float, copy=False) if values.dtype.kind == "f" else np.zeros(0)
    if not (np.isfinite(numbers) & (numbers == np.round(numbers))).all():
        raise ProblemError(f"the index {index} takes values that are not integers")
    shape = tuple(i.size for i in indices)
    return np.ascontiguousarray(np.broadcast_to(values, shape), dtype=np.int64), indices


# -- ranges ----------------------------------------------------------------------------------------------------------


@dataclass
class Ranges:
    """What a Sum runs over: the scope of its body, the indices to sum, and a mask where the range is ragged."""

    body: sp.Expr
    scope: Scope
    over: tuple[Index, ...]
    mask: Node | None = None
    empty: bool = False

    @classmethod
    def of(cls, expression: sp.Sum, scope: Scope, lowering: Lowering) -> Ranges:
        limits, body = _flatten(expression)
        body, condition = _restriction(body, {s for s, _, _ in limits})
        names = {s for s, _, _ in limits}
        inner = Scope(scope)
        if condition is not sp.true or any((low.free_symbols | high.free_symbols) & names for _, low, high in limits):
            return cls._enumerated(limits, condition, body, inner, lowering)
        mask_terms, over = [], []
        for symbol, low, high in limits:
            bounds = [_bound(b, scope, lowering, symbol) for b in (low, high)]
            first, last = int(bounds[0][0].min()), int(bounds[1][0].max())
            size = last - first + 1
            if size <= 0:
                return cls(body, inner, (), empty=True)
            tag = ""
            if lowering.claims_samples(symbol, body, scope, size):
                tag = "sample"
            if size == 1 and not tag:
                inner[symbol] = Affine(None, 0, first)
                continue
            index = inner.fresh(size, tag)
            lowering.graph.names.setdefault(index, symbol.name)
            if tag:
                lowering.samples, lowering.samples_name = index, symbol.name
            inner[symbol] = Affine(index, 1, first)
            over.append(index)
            if bounds[0][1] or bounds[1][1]:
                mask_terms += [symbol >= low, symbol <= high]
        if not mask_terms:
            return cls(body, inner, tuple(over))
        return cls._masked(sp.And(*mask_terms), body, inner, tuple(over), lowering)

    @classmethod
    def _enumerated(
        cls,
        limits: list[tuple[sp.Symbol, sp.Expr, sp.Expr]],
        condition: sp.Basic,
        body: sp.Expr,
        scope: Scope,
        lowering: Lowering,
    ) -> Ranges:
        """A range with bounds in its own indices, or a condition on them: listed once, in a table."""
        outer = {s for _, low, high in limits for s in low.free_symbols | high.free_symbols} | condition.free_symbols
        if outer & set(scope):
            return cls._rectangle(limits, condition, body, scope, lowering)
        rows = np.zeros((1, 0), dtype=np.int64)
        names: list[sp.Symbol] = []
        for symbol, low, high in limits:
            firsts, lasts = (_over_rows(b, names, rows, symbol, lowering) for b in (low, high))
            counts = np.maximum(lasts - firsts + 1, 0)
            total = int(counts.sum())
            if total > _MAX_ENUMERATED:
                over = ", ".join(map(str, [*names, symbol]))
                raise ProblemError(f"the ragged sum over {over} has {total} terms, more than can be listed")
            starts = np.repeat(np.cumsum(counts) - counts, counts)
            values = np.repeat(firsts, counts) + np.arange(total) - starts
            rows = np.column_stack([np.repeat(rows, counts, axis=0), values])
            names.append(symbol)
        if condition is not sp.true and len(rows):
            rows = rows[
                np.broadcast_to(_over_rows(condition, names, rows, names[-1], lowering).astype(bool), len(rows))
            ]
        if len(rows) == 0:
            return cls(body, scope, (), empty=True)
        columns = [lowering.graph.table(np.ascontiguousarray(column)) for column in rows.T]
        pairs = scope.fresh(len(rows), "pair" + "".join(leaf.name for leaf in columns))
        symbols = {leaf.name: name for leaf, name in zip(columns, names, strict=True)}
        lowering.graph.enumerations.setdefault(pairs, Enumeration(tuple(limits), condition, symbols))
        scope.update({name: Table(leaf, (pairs,)) for leaf, name in zip(columns, names, strict=True)})
        return cls(body, scope, (pairs,))

    @classmethod
    def _rectangle(
        cls,
        limits: list[tuple[sp.Symbol, sp.Expr, sp.Expr]],
        condition: sp.Basic,
        body: sp.Expr,
        scope: Scope,
        lowering: Lowering,
    ) -> Ranges:
        """A range that depends on indices of an enclosing sum: the bounding box, with a mask."""
        over, terms = [], [condition]
        for symbol, low, high in limits:
            bounds = [_bound(b, scope, lowering, symbol) for b in (low, high)]
            first, last = int(bounds[0][0].min()), int(bounds[1][0].max())
            if last < first:
                return cls(body, scope, (), empty=True)
            index = scope.fresh(last - first + 1)
            lowering.graph.names.setdefault(index, symbol.name)
            scope[symbol] = Affine(index, 1, first)
            over.append(index)
            terms += [symbol >= low, symbol <= high]
        return cls._masked(sp.And(*terms), body, scope, tuple(over), lowering)

    @classmethod
    def _masked(
        cls, condition: sp.Basic, body: sp.Expr, scope: Scope, over: tuple[Index, ...], lowering: Lowering
    ) -> Ranges:
        """Outside the mask the bound symbols stand for a place inside it, so that no subscript leaves its array."""
        graph, data = lowering.graph, lowering.data_leaves
        symbols = [s for s in scope if s in condition.free_symbols]
        indices = unique(i for s in symbols for i in scope[s].indices)
        shape = tuple(i.size for i in indices)
        inside = np.broadcast_to(evaluate(condition, scope, graph, data, indices), shape)
        if not inside.any():
            return cls(body, scope, (), empty=True)
        safe = np.unravel_index(np.flatnonzero(inside)[0], shape)
        within: dict[sp.Symbol, Subscript] = {}
        for symbol in symbols:
            if any(i in over for i in scope[symbol].indices):
                values = np.broadcast_to(evaluate(symbol, scope, graph, data, indices), shape)
                axes = tuple(k for k, i in enumerate(indices) if i in over)
                fallback = _first_inside(values, inside, axes, values[safe])
                table = Table(graph.table(np.where(inside, values, fallback)), indices)
                graph.explain(table, symbol, scope)
                within[symbol] = table
        mask = graph.gather(graph.table(inside.astype(float)), tuple(Affine(i, 1, 0) for i in indices))
        graph.explain(mask, condition, scope)
        scope.update(within)
        return cls(body, scope, over, mask)


def _first_inside(values: IntArray, inside: NDArray[np.bool_], axes: tuple[int, ...], default: IntArray) -> IntArray:
    """For every outer position, some value of the symbol inside the mask (the default where there is none)."""
    candidates = np.where(inside, values, np.iinfo(np.int64).min)
    best = candidates.max(axis=axes, keepdims=True)
    return np.where(best == np.iinfo(np.int64).min, default, best)


def _flatten(expression: sp.Sum) -> tuple[list[tuple[sp.Symbol, sp.Expr, sp.Expr]], sp.Expr]:
    """Limits, outermost first, and body of a sum of sums."""
    limits: list[tuple[sp.Symbol, sp.Expr, sp.Expr]] = []
    body: sp.Expr = expression
    while isinstance(body, sp.Sum) and not {limit[0] for limit in body.limits} & {s for s, _, _ in limits}:
        for limit in reversed(body.limits):
            if len(limit) != 3:
                raise ProblemError(f"the sum over {limit[0]} needs a range: Sum(..., ({limit[0]}, first, last))")
            limits.append(tuple(limit))
        body = body.function
    return limits, body


def _restriction(body: sp.Expr, symbols: set[sp.Symbol]) -> tuple[sp.Expr, sp.Basic]:
    """A Piecewise that is 0 except under a condition on the sum's own indices: its value there, and the condition."""
    if isinstance(body, sp.Piecewise) and len(body.args) <= 2:
        pieces = [(piece.expr, piece.cond) for piece in body.args]
        first, condition = pieces[0]
        other = pieces[1][0] if len(pieces) == 2 else sp.S.Zero
        if condition is not sp.true and condition.free_symbols <= symbols:
            if other == 0:
                return first, condition
            if first == 0:
                return other, sp.Not(condition)
    if body.is_Mul:
        deltas = [f for f in body.args if _excludes_diagonal(f) and f.free_symbols <= symbols]
        if deltas:
            delta = deltas[0].atoms(sp.KroneckerDelta).pop()
            return sp.Mul(*(f for f in body.args if f is not deltas[0])), sp.Ne(*delta.args[:2])
    return body, sp.true


def _excludes_diagonal(factor: sp.Expr) -> bool:
    return factor.is_Add and len(factor.args) == 2 and factor == 1 - sp.KroneckerDelta(*_delta_args(factor))


def _delta_args(factor: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    deltas = factor.atoms(sp.KroneckerDelta)
    return tuple(next(iter(deltas)).args[:2]) if len(deltas) == 1 else (sp.S.Zero, sp.S.Zero)


def _bound(bound: sp.Expr, scope: Scope, lowering: Lowering, symbol: sp.Symbol) -> tuple[IntArray, tuple[Index, ...]]:
    known = set(scope) | {getattr(b, "label", b) for b in lowering.data_leaves}
    unknown = sorted(str(s) for s in bound.atoms(sp.Symbol) if s not in known)
    if unknown or bound.has(sp.oo, -sp.oo):
        why = f"'{unknown[0]}' has no value" if unknown else "it is infinite"
        raise ProblemError(f"the range of {symbol} ends at {bound}, but {why}: the ranges of a Sum must be numbers")
    return integer_values(bound, scope, lowering.graph, lowering.data_leaves)


def _over_rows(
    expression: sp.Basic, names: list[sp.Symbol], rows: IntArray, symbol: sp.Symbol, lowering: Lowering
) -> IntArray:
    """An expression in the enumerated symbols and data, for every row of their table."""
    data = lowering.data_leaves
    known = {*names, *(getattr(b, "label", b) for b in data)}
    unknown = sorted(str(s) for s in expression.atoms(sp.Symbol) if s not in known)
    if unknown:
        raise ProblemError(f"the range of {symbol} depends on '{unknown[0]}', which has no value")
    index = Index(len(rows), "row")
    graph = Graph()
    graph.arrays.update({leaf.name: lowering.graph.arrays[leaf.name] for leaf in data.values()})
    scope = Scope({n: Table(graph.table(rows[:, c]), (index,)) for c, n in enumerate(names)})
    return np.broadcast_to(evaluate(expression, scope, graph, data, (index,)), (len(rows),)).astype(np.int64)
