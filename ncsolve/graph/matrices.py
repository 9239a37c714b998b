"""Matrix expressions: each is lowered to a node over its row and its column.

    (A B)[i, j] = sum_k A[i, k] B[k, j],    A.T[i, j] = A[j, i],    Trace(A) = sum_i A[i, i]

An axis of length one has no index: a vector has one, a 1 x 1 matrix none. Products are taken in the cheapest order, and
what occurs twice, transposed or not, is one node. Inverses and determinants are nodes of their own kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.matrices.expressions.slice import MatrixSlice

from ncsolve.errors import ProblemError
from ncsolve.graph.chains import Chain, Factors, Keys, Tree, factors_of, is_diagonal, shape_of, short
from ncsolve.graph.indices import Scope, lower_subscript, range_values
from ncsolve.graph.nodes import Affine, Index, MatrixFunction, Node, Subscript, Table, unique
from ncsolve.graph.sparse import is_sparse

if TYPE_CHECKING:
    from ncsolve.graph.lower import Lowering

SCALARS = (sp.MatrixExpr, sp.MatrixBase, sp.Trace, sp.Determinant, MatrixElement, sp.DotProduct)
"""What `Matrices.scalar` makes a number of."""

_ONLY = Affine(None, 0, 0)  # the place in an axis of length one
_SHARED = (sp.MatPow, ElementwiseApplyFunction)
_WRITTEN_OUT = 3  # determinants up to this size are polynomials


class Matrices:
    """Lowers the matrix expressions of one problem."""

    def __init__(self, lowering: Lowering) -> None:
        self.lowering = lowering
        self.graph = lowering.graph
        self._keys = Keys()
        self._known: dict[int, tuple[Node, Subscript, Subscript]] = {}

    def scalar(self, expression: sp.Basic, scope: Scope) -> Node:
        """A trace, a determinant, an element, or a 1 x 1 matrix."""
        with _clear_error_when_deep():
            return self._scalar(expression, scope)

    def _scalar(self, expression: sp.Basic, scope: Scope) -> Node:
        if isinstance(expression, sp.Trace):
            return self._trace(expression.arg, scope)
        if isinstance(expression, sp.Determinant):
            return self._determinant(expression.arg, scope)
        if isinstance(expression, MatrixElement):
            return self._element(expression, scope)
        if isinstance(expression, sp.DotProduct):
            row, column = expression.args
            row, column = row.T if row.shape[0] != 1 else row, column.T if column.shape[1] != 1 else column
            return self._product((row, column), _ONLY, _ONLY, scope)
        if shape_of(expression) != (1, 1):
            raise ProblemError(
                f"a matrix of shape {shape_of(expression)} stands where a number is needed: {short(expression)}. "
                "Take its Trace or an element of it; X.applyfunc(f) is a function of every element"
            )
        return self.entry(expression, _ONLY, _ONLY, scope)

    # -- one entry of a matrix ---------------------------------------------------------------------------------------

    def entry(self, matrix: sp.MatrixExpr, row: Subscript, column: Subscript, scope: Scope) -> Node:
        """M[row, column]; the subscript of an axis of length one is the constant 0."""
        rule = next((_RULES[kind] for kind in type(matrix).__mro__ if kind in _RULES), None)
        if rule is None:
            raise ProblemError(f"{type(matrix).__name__} is not supported in an objective: {short(matrix)}")
        if not isinstance(matrix, _SHARED):
            return rule(self, matrix, row, column, scope)
        return self._once(matrix, row, column, scope, lambda: rule(self, matrix, row, column, scope))

    def _once(self, matrix: Tree, row: Subscript, column: Subscript, scope: Scope, lower: Callable[[], Node]) -> Node:
        """The node of a matrix under the names that are asked for; new if it is not known under any."""
        rows, columns = shape_of(matrix)
        whole = _is_whole(row, rows) and _is_whole(column, columns) and (row != column or row == _ONLY)
        if not whole or _bound(matrix, scope):
            return lower()
        key, transposed = self._keys.of(matrix), self._keys.of(matrix, transposed=True)
        if key not in self._known and transposed in self._known:
            key, row, column = transposed, column, row
        if key not in self._known:
            self._known[key] = lower(), row, column
        node, *old = self._known[key]
        names = zip((*old[0].indices, *old[1].indices), (*row.indices, *column.indices), strict=True)
        return self.graph.relabel(node, dict(names))

    def _symbol(self, matrix: sp.MatrixSymbol, row: Subscript, column: Subscript, scope: Scope) -> Node:
        return self.graph.gather(self.lowering.leaf(matrix), (row, column))

    def _transpose(self, matrix: sp.Transpose, row: Subscript, column: Subscript, scope: Scope) -> Node:
        return self.entry(matrix.arg, column, row, scope)

    def _add(self, matrix: sp.MatAdd, row: Subscript, column: Subscript, scope: Scope) -> Node:
        return self.graph.add([self.entry(term, row, column, scope) for term in matrix.args])

    def _hadamard(self, matrix: sp.HadamardProduct, row: Subscript, column: Subscript, scope: Scope) -> Node:
        return self.graph.multiply([self.entry(factor, row, column, scope) for factor in matrix.args])

    def _hadamard_power(self, matrix: sp.HadamardPower, row: Subscript, column: Subscript, scope: Scope) -> Node:
        base, exponent = (
            self.entry(a, row, column, scope) if a.is_Matrix else self.lowering.node(a, scope) for a in matrix.args
        )
        return self.lowering.node(sp.Pow(self.graph.inline(base), self.graph.inline(exponent)), scope)

    def _applied(self, matrix: ElementwiseApplyFunction, row: Subscript, column: Subscript, scope: Scope) -> Node:
        argument = self.entry(matrix.expr, row, column, scope)
        inside = Scope({**scope, sp.Dummy("row"): row, sp.Dummy("column"): column})
        return self.lowering.node(matrix.function(self.graph.inline(argument)), inside)

    def _of_indices(self, matrix: sp.FunctionMatrix, row: Subscript, column: Subscript, scope: Scope) -> Node:
        i, j = sp.Dummy("row", integer=True), sp.Dummy("column", integer=True)
        return self.lowering.node(matrix.lamda(i, j), Scope({**scope, i: row, j: column}))

    def _slice(self, matrix: MatrixSlice, row: Subscript, column: Subscript, scope: Scope) -> Node:
        row, column = self._stepped(row, matrix.rowslice), self._stepped(column, matrix.colslice)
        return self.entry(matrix.parent, row, column, scope)

    def _stepped(self, subscript: Subscript, ends: Sequence[Any]) -> Subscript:
        """start + step * subscript"""
        start, _, step = map(int, ends)
        if isinstance(subscript, Affine):
            return Affine(subscript.index, step * subscript.stride, start + step * subscript.offset)
        return Table(self.graph.table(start + step * range_values(subscript, self.graph)), subscript.indices)

    def _explicit(self, matrix: sp.MatrixBase, row: Subscript, column: Subscript, scope: Scope) -> Node:
        """Numbers are a table; every other expression is multiplied by the table that is 1 where it stands."""
        tables: dict[sp.Expr, Any] = {}
        for place, value in matrix.todok().items():
            expression, number = (sp.S.One, value) if value.is_number else (value, 1)
            tables.setdefault(expression, np.zeros(matrix.shape))[place] = float(number)
        terms = [
            self._scaled(expression, self.graph.gather(self.graph.table(table), (row, column)), scope)
            for expression, table in tables.items()
        ]
        return self.graph.add(terms) if terms else self.graph.zero

    def _element(self, element: MatrixElement, scope: Scope) -> Node:
        shape, data = shape_of(element.parent), self.lowering.data_leaves
        row, column = (
            lower_subscript(index, scope, self.graph, data, element, axis, shape)
            for axis, index in enumerate(element.indices)
        )
        return self.entry(element.parent, row, column, scope)

    # -- diagonal matrices -------------------------------------------------------------------------------------------

    def _on_diagonal(self, matrix: sp.MatrixExpr, row: Subscript, column: Subscript, scope: Scope) -> Node:
        return self.graph.multiply([self._diagonal(matrix, row, scope), self._delta(row, column)])

    def _diagonal(self, matrix: sp.MatrixExpr, at: Subscript, scope: Scope) -> Node:
        """D[at, at] of a matrix that `is_diagonal`."""
        if isinstance(matrix, sp.Identity):
            return self.graph.one
        if isinstance(matrix, sp.DiagMatrix):
            vector = matrix.args[0]
            row, column = (at, _ONLY) if vector.shape[1] == 1 else (_ONLY, at)
            return self.entry(vector, row, column, scope)
        if isinstance(matrix, sp.DiagonalMatrix):
            return self.entry(matrix.args[0], at, at, scope)
        if isinstance(matrix, sp.Transpose):
            return self._diagonal(matrix.arg, at, scope)
        if isinstance(matrix, sp.MatPow):
            base = self.graph.inline(self._diagonal(matrix.base, at, scope))
            return self.lowering.node(sp.Pow(base, matrix.exp), scope)
        parts = [self._diagonal(a, at, scope) if a.is_Matrix else self.lowering.node(a, scope) for a in matrix.args]
        return self.graph.add(parts) if isinstance(matrix, sp.MatAdd) else self.graph.multiply(parts)

    def _diagonal_of(self, matrix: sp.DiagonalOf, row: Subscript, column: Subscript, scope: Scope) -> Node:
        return self.entry(matrix.args[0], row, row, scope)

    def _delta(self, row: Subscript, column: Subscript) -> Node:
        """1 where row = column, else 0."""
        if row == column:
            return self.graph.one
        indices = unique((*row.indices, *column.indices))
        same = self._on_grid(row, indices) == self._on_grid(column, indices)
        node = self.graph.gather(self.graph.table(same.astype(float)), tuple(Affine(i, 1, 0) for i in indices))
        i, j = sp.Dummy("i", integer=True), sp.Dummy("j", integer=True)
        self.graph.explain(node, sp.KroneckerDelta(i, j), {i: row, j: column})
        return node

    def _on_grid(self, subscript: Subscript, indices: tuple[Index, ...]) -> Any:
        values = np.asarray(range_values(subscript, self.graph))
        values = values.transpose([subscript.indices.index(i) for i in indices if i in subscript.indices])
        return values.reshape([i.size if i in subscript.indices else 1 for i in indices])

    # -- products ----------------------------------------------------------------------------------------------------

    def _multiply(self, matrix: sp.MatMul, row: Subscript, column: Subscript, scope: Scope) -> Node:
        coefficient, factors = factors_of(matrix)
        return self._scaled(coefficient, self._product(factors, row, column, scope), scope)

    def _scaled(self, coefficient: sp.Expr, node: Node, scope: Scope) -> Node:
        return node if coefficient == 1 else self.graph.multiply([self.lowering.node(coefficient, scope), node])

    def _product(self, factors: Factors, row: Subscript, column: Subscript, scope: Scope) -> Node:
        beside_vector = 1 in (shape_of(factors[0])[0], shape_of(factors[-1])[1])
        terms = [
            self._scaled(c, self._tree(Chain(term, self._keys).tree(), row, column, scope), scope)
            for c, term in self._multiplied_out(factors, beside_vector)
        ]
        return self.graph.add(terms)

    def _multiplied_out(self, factors: Factors, beside_vector: bool) -> list[tuple[sp.Expr, Factors]]:
        """(A + a I) v is A v + a v: the terms of a product, each with a coefficient.

        A sum is not formed where sparse data would become dense in it, or a diagonal matrix beside a vector.
        """
        for k, factor in enumerate(factors):
            if isinstance(factor, sp.MatAdd) and len(factors) > 1 and self._is_kept_apart(factor, beside_vector):
                terms = [(c, (*factors[:k], *middle, *factors[k + 1 :])) for c, middle in map(factors_of, factor.args)]
                return [(c * d, t) for c, term in terms for d, t in self._multiplied_out(term, beside_vector)]
        return [(sp.S.One, factors)]

    def _is_kept_apart(self, total: sp.MatAdd, beside_vector: bool) -> bool:
        if not (beside_vector or self.graph.sparse):
            return False
        data = self.lowering.problem.data
        symbols = [term.atoms(sp.MatrixSymbol) for term in total.args]
        sparse = [bool(matrices) and all(is_sparse(data.get(m)) for m in matrices) for matrices in symbols]
        return (any(sparse) and not all(sparse)) or (beside_vector and any(map(is_diagonal, total.args)))

    def _tree(self, tree: Tree, row: Subscript, column: Subscript, scope: Scope) -> Node:
        if not isinstance(tree, tuple):
            return self.entry(tree, row, column, scope)
        left, right = tree
        if is_diagonal(left):
            return self.graph.multiply([self._diagonal(left, row, scope), self._tree(right, row, column, scope)])
        if is_diagonal(right):
            return self.graph.multiply([self._tree(left, row, column, scope), self._diagonal(right, column, scope)])
        return self._once(tree, row, column, scope, lambda: self._pair(left, right, row, column, scope))

    def _pair(self, left: Tree, right: Tree, row: Subscript, column: Subscript, scope: Scope) -> Node:
        inner = _fresh(shape_of(left)[1], scope, row, column)
        factors = [self._tree(left, row, inner, scope), self._tree(right, inner, column, scope)]
        return self.graph.contract(factors, inner.indices)

    def _power(self, matrix: sp.MatPow, row: Subscript, column: Subscript, scope: Scope) -> Node:
        """A product of powers; of a 1 x 1 matrix, any power of its entry."""
        base, exponent = matrix.base, matrix.exp
        if shape_of(base) == (1, 1):
            return self.lowering.node(sp.Pow(self.graph.inline(self.scalar(base, scope)), exponent), scope)
        if is_diagonal(base):
            return self._on_diagonal(matrix, row, column, scope)
        if not exponent.is_Integer:
            raise ProblemError(f"only integer powers of a matrix are supported, not {short(matrix)}")
        if exponent == -1:
            return self._inverse(base, row, column, scope)
        if exponent < 0:
            base, exponent = sp.Inverse(base), -exponent
        larger, smaller = (base if k == 1 else sp.MatPow(base, k) for k in (exponent - exponent // 2, exponent // 2))
        return self._pair(larger, smaller, row, column, scope)

    def _trace(self, matrix: sp.MatrixExpr, scope: Scope) -> Node:
        if isinstance(matrix, sp.MatAdd):
            return self.graph.add([self._trace(term, scope) for term in matrix.args])
        coefficient, factors = factors_of(matrix)
        terms = self._multiplied_out(factors, beside_vector=False)
        return self.graph.add([self._scaled(coefficient * c, self._trace_of(term, scope), scope) for c, term in terms])

    def _trace_of(self, factors: Factors, scope: Scope) -> Node:
        """Trace(P Q) = sum_{i, k} P[i, k] Q[k, i]"""
        first, second = Chain(factors, self._keys).ring()
        if is_diagonal(second):
            first, second = second, first
        row = _fresh(shape_of(first)[0], scope)
        if is_diagonal(first):
            parts = [self._diagonal(first, row, scope), self._tree(second, row, row, scope)]
            return self.graph.contract(parts, row.indices)
        column = _fresh(shape_of(first)[1], scope, row)
        parts = [self._tree(first, row, column, scope), self._tree(second, column, row, scope)]
        return self.graph.contract(parts, (*row.indices, *column.indices))

    # -- inverses and determinants -----------------------------------------------------------------------------------

    def _function(self, name: str, matrix: sp.MatrixExpr, scope: Scope) -> MatrixFunction:
        """A function of a whole matrix: a node of its own."""
        size = shape_of(matrix)[0]
        if shape_of(matrix) != (size, size):
            raise ProblemError(f"only a square matrix has an inverse and a determinant: {short(matrix)}")
        row = _fresh(size, scope, tag="matrix")
        column = _fresh(size, scope, row, tag="matrix")
        with _clear_error_when_deep():
            operand, axes = self.entry(matrix, row, column, scope), (row.indices[0], column.indices[0])
        if not set(axes) <= set(operand.indices):
            raise ProblemError(f"the matrix {short(matrix)} is singular at every point: it has equal rows or columns")
        node = self.graph.matrix_function(name, operand, axes)
        self.graph.explain(node, matrix, scope)
        assert isinstance(node, MatrixFunction)
        return node

    def _inverse(self, matrix: sp.MatrixExpr, row: Subscript, column: Subscript, scope: Scope) -> Node:
        """S^-1[row, column]; where an axis is not read as it is, S^-1[p, f(i)] = sum_q S^-1[p, q] delta(q, f(i))."""
        inverse = self._function("inverse", matrix, scope)
        node: Node = inverse
        for result, subscript, other in zip(inverse.results, (row, column), (column, row), strict=True):
            if _is_whole(subscript, result.size) and subscript != other:
                node = self.graph.relabel(node, {result: subscript.indices[0]})
            else:
                node = self.graph.contract([node, self._delta(Affine(result, 1, 0), subscript)], (result,))
        return node

    def _determinant(self, matrix: sp.MatrixExpr, scope: Scope) -> Node:
        size = shape_of(matrix)[0]
        if size > _WRITTEN_OUT:
            return self._function("det", matrix, scope)
        places = [Affine(None, 0, k) for k in range(size)]
        entries = [[self.entry(matrix, row, column, scope).symbol for column in places] for row in places]
        return self.lowering.node(sp.Matrix(entries).det(method="berkowitz"), scope)

    def log_determinant(self, argument: sp.Expr, scope: Scope) -> sp.Expr | None:
        """log(c det(A)**k) as log(c) + k log det(A), which cannot overflow; None where there is no determinant.

        Where a sign of c or of several determinants is left open, it goes into log(c sign(det A)**k).
        """
        rest: list[sp.Expr] = []
        determinants: list[tuple[sp.MatrixExpr, sp.Expr, bool]] = []
        for factor in sp.Mul.make_args(argument):
            base, power = factor.as_base_exp()
            absolute = isinstance(base, sp.Abs)
            inner = base.args[0] if absolute else base
            if isinstance(inner, sp.Determinant) and power.is_number and shape_of(inner.arg)[0] > 1:
                determinants.append((inner.arg, power, absolute or power.is_even))
            else:
                rest.append(factor)
        if not determinants:
            return None
        signed = [(matrix, power) for matrix, power, positive in determinants if not positive]
        plain = len(signed) == 1 and signed[0][1] == 1 and sp.Mul(*rest).is_positive
        if not plain:
            rest += [self._function("detsign", matrix, scope).symbol ** power for matrix, power in signed]
        terms = [
            power * self._function("logabsdet" if positive or not plain else "logdet", matrix, scope).symbol
            for matrix, power, positive in determinants
        ]
        return sp.Add(self.lowering.kernel(sp.log(sp.Mul(*rest)), scope), *terms)


Rule = Callable[[Matrices, Any, Subscript, Subscript, Scope], Node]

_RULES: dict[type[sp.Basic], Rule] = {
    sp.MatrixSymbol: Matrices._symbol,
    sp.Transpose: Matrices._transpose,
    sp.Adjoint: Matrices._transpose,
    sp.MatAdd: Matrices._add,
    sp.MatMul: Matrices._multiply,
    sp.MatPow: Matrices._power,
    sp.HadamardProduct: Matrices._hadamard,
    sp.HadamardPower: Matrices._hadamard_power,
    ElementwiseApplyFunction: Matrices._applied,
    sp.FunctionMatrix: Matrices._of_indices,
    MatrixSlice: Matrices._slice,
    sp.ZeroMatrix: lambda matrices, *_: matrices.graph.zero,
    sp.OneMatrix: lambda matrices, *_: matrices.graph.one,
    sp.Identity: Matrices._on_diagonal,
    sp.DiagMatrix: Matrices._on_diagonal,
    sp.DiagonalMatrix: Matrices._on_diagonal,
    sp.DiagonalOf: Matrices._diagonal_of,
    sp.MatrixBase: Matrices._explicit,
}


@contextmanager
def _clear_error_when_deep() -> Iterator[None]:
    try:
        yield
    except RecursionError:
        raise ProblemError("the matrices of the objective are nested too deeply: write fewer levels") from None


def _bound(tree: Tree, scope: Scope) -> bool:
    """Whether a matrix depends on the index of an enclosing sum."""
    if isinstance(tree, tuple):
        return any(_bound(part, scope) for part in tree)
    return bool(scope) and not scope.keys().isdisjoint(tree.free_symbols)


def _is_whole(subscript: Subscript, size: int) -> bool:
    """Whether a subscript runs over an axis as it is."""
    if size == 1:
        return subscript == _ONLY
    return any(subscript == Affine(index, 1, 0) and index.size == size for index in subscript.indices)


def _fresh(size: int, scope: Scope, *subscripts: Subscript, tag: str = "") -> Affine:
    """An index that neither the scope nor the subscripts have, as a subscript."""
    if size == 1:
        return _ONLY
    used = {*scope.indices, *(i for s in subscripts for i in s.indices)}
    copy = next(k for k in range(len(used) + 1) if Index(size, tag, k) not in used)
    return Affine(Index(size, tag, copy), 1, 0)
