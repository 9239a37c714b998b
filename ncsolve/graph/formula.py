"""Graphs back to SymPy: the gradient as a formula that a reader can check.

A part of the gradient, scatter(s, g), is turned into mathematics element by element. Where the subscript s is affine
the equation s(i) = j is solved for i, which holds for a range of j; where it is data the part is a sum with a Kronecker
delta.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import count, product
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.printing.pretty.stringpict import prettyForm

from ncsolve.graph import kernels
from ncsolve.graph.derivation import derive, positions
from ncsolve.graph.graph import Graph
from ncsolve.graph.nodes import (
    Affine,
    Contract,
    Gather,
    Index,
    Leaf,
    MatrixFunction,
    Node,
    Peak,
    Pointwise,
    Relabel,
    Subscript,
)

if TYPE_CHECKING:
    from ncsolve.problem import Problem, Variable

At = Mapping[Index, sp.Basic]
"""What indices stand for: a symbol or a number; a tuple of symbols where an index lists a ragged range."""

_NAMES = "ijklmpqrst"

_DETERMINANTS: dict[str, Any] = {
    "det": lambda det: det,
    "logdet": sp.log,
    "logabsdet": lambda det: sp.log(sp.Abs(det)),
    "detsign": sp.sign,
}


class Partial(sp.Expr):  # type: ignore[misc]
    """The name of a partial derivative: Partial(f, x) is printed df/dx and does not evaluate."""

    def _sympystr(self, printer: Any) -> str:
        return "d{}/d{}".format(*(printer.doprint(a) for a in self.args))

    def _latex(self, printer: Any) -> str:
        return r"\frac{{\partial {}}}{{\partial {}}}".format(*(printer.doprint(a) for a in self.args))

    def _pretty(self, printer: Any) -> Any:
        above, below = (prettyForm(*printer._print(a).left("d")) for a in self.args)
        return above / below


def objective_formula(problem: Problem) -> sp.Eq:
    """f = objective, as it was declared."""
    return sp.Eq(sp.Symbol("f"), problem.objective, evaluate=False)


def gradient_formula(problem: Problem) -> list[sp.Eq]:
    """df/dx = ... for each scalar variable x, and df/dX[j, k] = ... with fresh indices j, k for each array X."""
    derivation = derive(problem)
    writer = Writer(derivation.graph, _symbols(problem, derivation.samples), problem.variables)
    scalars, arrays = _scalar_parts(writer, derivation.adjoint), defaultdict(list)
    for gather, adjoint in derivation.adjoint.items():
        arrays[gather.leaf].append((gather, adjoint))
    equations = []
    for v in problem.variables:
        parts = arrays[Leaf("variable", v.name, v.shape, v.offset)]
        if v.shape:
            element: list[sp.Expr] = []
            for size in v.shape:
                taken = {*writer.bound_names, *map(str, element)}
                element.append(sp.S.Zero if size == 1 else writer.fresh(avoid=taken))
            right, left = _array_part(writer, parts, element), v.symbol[tuple(element)]
        else:
            right, left = sp.Add(*scalars[v.offset]), v.symbol
        equations.append(sp.Eq(Partial(sp.Symbol("f"), left), right, evaluate=False))
    return equations


def node_expression(graph: Graph, node: Node, symbols: Mapping[str, sp.Basic] | None = None) -> sp.Expr:
    """A node as a SymPy expression; its free indices become integer symbols."""
    writer = Writer(graph, symbols or {})
    at: dict[Index, sp.Basic] = {}
    for index in node.indices:
        at[index] = writer.meaning_of(index, at.values())
    return writer.expression(node, at)


def _symbols(problem: Problem, samples: Index | None) -> dict[str, sp.Basic]:
    bases = [*problem.parameters, *problem.data, *(v.symbol for v in problem.variables)]
    rows = sp.Integer(samples.size if samples else 0)
    return {"_row_count": rows, "_row_weight": sp.S.One, **{_name(b): b for b in bases}}


def _name(symbol: sp.Basic) -> str:
    return str(getattr(symbol, "label", symbol))


# -- parts of the gradient -------------------------------------------------------------------------------------------


def _scalar_parts(writer: Writer, adjoint: Mapping[Gather, Node]) -> dict[int, list[sp.Expr]]:
    """The terms of df/dx for the scalar variables, by their place in the packed x."""
    terms: dict[int, list[sp.Expr]] = defaultdict(list)
    for gather, bar in adjoint.items():
        if any(i.tag != "flat" for i in gather.indices):
            continue
        where = positions(writer.graph, gather)
        for place in np.ndindex(*where.shape):
            at = {i: sp.Integer(k) for i, k in zip(gather.indices, place, strict=True)}
            terms[int(where[place])].append(writer.expression(bar, at))
    return terms


def _array_part(writer: Writer, parts: Iterable[tuple[Gather, Node]], element: list[sp.Expr]) -> sp.Expr:
    """df/dX[element], the terms that hold for the same elements in one Piecewise."""
    terms: dict[sp.Basic, list[sp.Expr]] = defaultdict(list)
    for gather, bar in parts:
        condition, term = _solved(writer, gather, bar, element)
        terms[condition].append(term)
    whole = terms.pop(sp.true, [])
    return sp.Add(*whole, *(sp.Piecewise((sp.Add(*some), condition), (0, True)) for condition, some in terms.items()))


def _solved(writer: Writer, gather: Gather, bar: Node, element: list[sp.Expr]) -> tuple[sp.Basic, sp.Expr]:
    """sum over I with s(I) = element of g(I), and the condition on the element under which there is such an I."""
    at: dict[Index, sp.Basic] = {}
    conditions: list[sp.Basic] = []
    rest: list[tuple[Subscript, sp.Symbol]] = []
    for s, j, size in zip(gather.subscripts, element, gather.leaf.shape, strict=True):
        if isinstance(s, Affine) and s.index is not None and s.index not in at:
            at[s.index] = (j - s.offset) / s.stride
            conditions += _within(s, j, size)
        else:
            rest.append((s, j))
    summed: dict[Index, sp.Basic] = {}
    for index in gather.indices:
        if index not in at:
            summed[index] = writer.meaning_of(index, [*at.values(), *summed.values(), *element])
    deltas: list[sp.Expr] = []
    for s, j in rest:
        value = writer.subscript(s, {**at, **summed})
        if any(i in summed for i in s.indices):
            deltas.append(sp.KroneckerDelta(value, j))
        else:
            conditions.append(sp.Eq(value, j))
    body = sp.Mul(*deltas, writer.expression(bar, {**at, **summed}))
    return sp.And(*conditions), writer.total(body, summed)


def _within(subscript: Affine, j: sp.Symbol, size: int) -> list[sp.Basic]:
    """When stride * i + offset = j has a solution i in the range of the index."""
    assert subscript.index is not None
    last = subscript.offset + subscript.stride * (subscript.index.size - 1)
    low, high = sorted((subscript.offset, last))
    conditions = [sp.Ge(j, low)] * (low > 0) + [sp.Le(j, high)] * (high < size - 1)
    if abs(subscript.stride) != 1:
        conditions.append(sp.Eq(sp.Mod(j - subscript.offset, abs(subscript.stride)), 0))
    return conditions


# -- nodes -----------------------------------------------------------------------------------------------------------


class Writer:
    """Writes the nodes of a graph as SymPy expressions, without recursion. `symbols` are the user's own, by name."""

    def __init__(self, graph: Graph, symbols: Mapping[str, sp.Basic], variables: Sequence[Variable] = ()) -> None:
        self.graph = graph
        self.symbols = symbols
        self._layout = {Leaf("variable", v.name, v.shape, v.offset) for v in variables}
        self._scalars = {v.offset: v.symbol for v in variables if not v.shape}
        listed = (s.name for e in graph.enumerations.values() for s, _, _ in e.limits)
        self.bound_names = {*graph.names.values(), *listed}
        self._written: dict[tuple[int, tuple[sp.Basic, ...]], sp.Expr] = {}

    # -- indices -----------------------------------------------------------------------------------------------------

    def fresh(self, wanted: str = "", avoid: Iterable[str] = ()) -> sp.Symbol:
        """An integer symbol with the wanted name, or else with one that is neither taken nor to be avoided."""
        taken = {*self.symbols, "f", *avoid}
        if wanted and wanted not in taken:
            return sp.Symbol(wanted, integer=True)
        names = (letter + (str(k) if k else "") for k in count() for letter in _NAMES)
        return sp.Symbol(next(n for n in names if n not in taken), integer=True)

    def meaning_of(self, index: Index, used: Iterable[sp.Basic]) -> sp.Basic:
        """A fresh symbol for an index; for one that lists a ragged range, a tuple of symbols."""
        avoid = {s.name for value in used for s in value.free_symbols}
        enumeration = self.graph.enumerations.get(index)
        if enumeration is None:
            return self.fresh(self.graph.names.get(index, ""), avoid)
        symbols: list[sp.Symbol] = []
        for s, _, _ in enumeration.limits:
            symbols.append(self.fresh(s.name, {*avoid, *(t.name for t in symbols)}))
        return sp.Tuple(*symbols)

    def total(self, body: sp.Expr, summed: Mapping[Index, sp.Basic]) -> sp.Expr:
        """The sum of a body over indices that stand for symbols."""
        limits: list[tuple[sp.Basic, ...]] = []
        for index, symbol in summed.items():
            enumeration = self.graph.enumerations.get(index)
            if enumeration is None:
                limits.append((symbol, 0, index.size - 1))
                continue
            names = dict(zip((s for s, _, _ in enumeration.limits), symbol, strict=True))
            limits += [tuple(a.xreplace(names) for a in limit) for limit in reversed(enumeration.limits)]
            if enumeration.condition is not sp.true:
                body = sp.Piecewise((body, enumeration.condition.xreplace(names)), (0, True))
        return _sum(body, limits) if limits else body

    def subscript(self, subscript: Subscript, at: At) -> sp.Expr:
        """A position along an axis."""
        if isinstance(subscript, Affine):
            moving = sp.S.Zero if subscript.index is None else subscript.stride * at[subscript.index]
            return subscript.offset + moving
        places = [at[i] for i in subscript.indices]
        if all(p.is_Integer for p in places):
            return sp.Integer(int(self.graph.arrays[subscript.leaf.name][tuple(int(p) for p in places)]))
        if len(places) == 1 and isinstance(places[0], sp.Tuple):
            enumeration = self.graph.enumerations[subscript.indices[0]]
            if (symbol := enumeration.symbols.get(subscript.leaf.name)) is not None:
                return places[0][[s for s, _, _ in enumeration.limits].index(symbol)]
        if (meaning := self.meaning(subscript, at)) is not None:
            return meaning
        return sp.IndexedBase(subscript.leaf.name)[tuple(places)]

    def meaning(self, table: Any, at: At) -> sp.Basic | None:
        """What a computed table, or the matrix of a matrix function, was written as."""
        meaning = self.graph.meanings.get(table)
        return meaning and meaning.expression.xreplace({s: self.subscript(sub, at) for s, sub in meaning.scope.items()})

    # -- expressions -------------------------------------------------------------------------------------------------

    def expression(self, node: Node, at: At) -> sp.Expr:
        """The value of a node where its indices are as given."""
        stack = [(node, at)]
        while stack:
            top, here = stack[-1]
            key = self._key(top, here)
            if key in self._written:
                stack.pop()
                continue
            inner = self._inside(top, here)
            pending = [(o, place) for place in inner for o in top.operands if self._key(o, place) not in self._written]
            if pending:
                stack.extend(pending)
            else:
                self._written[key] = self._write(top, here, inner)
        return self._written[self._key(node, at)]

    @staticmethod
    def _key(node: Node, at: At) -> tuple[int, tuple[sp.Basic, ...]]:
        return node.id, tuple(at[i] for i in node.indices)

    def _inside(self, node: Node, at: At) -> list[dict[Index, sp.Basic]]:
        """What the indices stand for in a node's operands; a sum that was written out as such has one for each term."""
        inner = {i: at[i] for i in node.indices}
        if isinstance(node, Relabel):
            inner = {i: at[node.names.get(i, i)] for i in node.operand.indices}
        if isinstance(node, (Peak, MatrixFunction)):
            return []
        if not isinstance(node, Contract):
            return [inner]
        flat = [i for i in node.over if i.tag == "flat"]
        for index in node.over:
            if index not in flat:
                inner[index] = self.meaning_of(index, inner.values())
        places = product(*(range(i.size) for i in flat))
        return [{**inner, **{i: sp.Integer(k) for i, k in zip(flat, place, strict=True)}} for place in places]

    def _write(self, node: Node, at: At, inner: list[dict[Index, sp.Basic]]) -> sp.Expr:
        if isinstance(node, Gather):
            return self.element(node, at)
        if isinstance(node, Pointwise):
            return self._kernel(node, at)
        if isinstance(node, Relabel):
            return self._written[self._key(node.operand, inner[0])]
        if isinstance(node, MatrixFunction):
            return self._matrix_function(node, at)
        if isinstance(node, Peak):  # a shift on which the result does not depend
            return sp.S.Zero
        assert isinstance(node, Contract)
        summed = {i: inner[0][i] for i in node.over if i.tag != "flat"}
        terms = (sp.Mul(*(self._written[self._key(o, place)] for o in node.operands)) for place in inner)
        return self.total(sp.Add(*terms), summed)

    def _matrix_function(self, node: MatrixFunction, at: At) -> sp.Expr:
        matrix = self.meaning(node, at)
        if node.function == "inverse":
            return MatrixElement(sp.Inverse(matrix), *(at[i] for i in node.results))
        return _DETERMINANTS[node.function](sp.Determinant(matrix))

    def _kernel(self, node: Pointwise, at: At) -> sp.Expr:
        kernel = node.kernel
        for function in kernels.FUNCTIONS:
            if kernel.has(function):
                kernel = kernel.replace(function, lambda *args, function=function: function.defined(*args))
        known: dict[sp.Basic, sp.Basic] = {o.symbol: self._written[self._key(o, at)] for o in node.operands}
        for operand in node.operands:
            meaning = self.meaning(operand, at)
            if isinstance(meaning, (sp.logic.boolalg.Boolean, sp.logic.boolalg.BooleanAtom)):
                known[operand.symbol > 0] = meaning
        return kernel.xreplace(known)

    def element(self, gather: Gather, at: At) -> sp.Expr:
        """An element of a leaf: `x[2*i + 1]`, `U[row[k], c]`, a scalar variable or parameter, a number of a table."""
        leaf = gather.leaf
        meaning = self.meaning(gather, at)
        if meaning is not None:
            return meaning if isinstance(meaning, sp.Expr) else sp.Piecewise((1, meaning), (0, True))
        places = tuple(self.subscript(s, at) for s in gather.subscripts)
        name = leaf.name if leaf.role != "direction" else f"{leaf.name}_{leaf.order}"
        if leaf.role == "data" and leaf.name.startswith("_t") and all(p.is_Integer for p in places):
            return _number(self.graph.arrays[leaf.name][tuple(int(p) for p in places)])
        if leaf.role == "variable" and self._layout and leaf not in self._layout and places[0].is_Integer:
            return self._scalars[int(places[0])]  # of the packed x, which sums that were written out read
        base = self.symbols.get(name)
        if not leaf.shape:
            return base if base is not None else sp.Symbol(name, real=True)
        return (base if base is not None else sp.IndexedBase(name, shape=leaf.shape))[places]


def _sum(body: sp.Expr, limits: list[tuple[sp.Basic, ...]]) -> sp.Sum:
    """A Sum as it is: SymPy's constructor folds a Piecewise outwards, even past the inner sum that binds its index."""
    result = sp.Expr.__new__(sp.Sum, body, *sp.Sum(1, *limits).args[1:])
    result.is_commutative = True
    return result


def _number(value: Any) -> sp.Expr:
    return sp.Integer(int(value)) if value == int(value) else sp.Float(float(value))
