"""Products of several matrices: in which order, and which of the partial products are the same.

The cheapest order of a chain is found by dynamic programming over its intervals. A product of a matrix and itself, or
its transpose, costs that matrix once: x.T A.T A x is (A x).T (A x).
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, TypeAlias

import sympy as sp
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction

from ncsolve.errors import ProblemError

Factors: TypeAlias = tuple[sp.MatrixExpr, ...]
Tree: TypeAlias = "sp.MatrixExpr | tuple[Tree, Tree]"
"""A matrix, or the product of two trees."""

_MOST_FACTORS = 8  # X**k in a product stands for k factors
_ARGUMENT = sp.Dummy("argument")


class Keys:
    """Numbers for matrices: equal ones have the same, however they and their transposes are written."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._known: dict[tuple[Tree, bool], int] = {}

    def of(self, matrix: Tree, transposed: bool = False) -> int:
        """The number of a matrix, or of its transpose."""
        if (matrix, transposed) not in self._known:
            self._known[matrix, transposed] = self._number(matrix, transposed)
        return self._known[matrix, transposed]

    def _number(self, matrix: Tree, transposed: bool) -> int:
        if isinstance(matrix, (sp.Transpose, sp.Adjoint)):
            return self.of(matrix.arg, not transposed)
        if isinstance(matrix, (tuple, sp.MatMul)):
            coefficient, factors = (sp.S.One, _leaves(matrix)) if isinstance(matrix, tuple) else factors_of(matrix)
            numbers = [self.of(f, transposed) for f in factors]
            if len(numbers) == 1 and coefficient == 1:
                return numbers[0]
            return self._intern(sp.MatMul, coefficient, *(reversed(numbers) if transposed else numbers))
        if isinstance(matrix, (sp.MatAdd, sp.HadamardProduct)):
            return self._intern(type(matrix), *sorted(self.of(a, transposed) for a in matrix.args))
        if isinstance(matrix, sp.MatPow):
            return self._intern(sp.MatPow, self.of(matrix.base, transposed), matrix.exp)
        if isinstance(matrix, ElementwiseApplyFunction):
            return self._intern(matrix.function(_ARGUMENT), self.of(matrix.expr, transposed))
        return self._intern(matrix, transposed and not is_diagonal(matrix))

    def _intern(self, *parts: Any) -> int:
        return self._numbers.setdefault(parts, len(self._numbers))


class Chain:
    """A product of matrices, and the cheapest order of each of its intervals."""

    def __init__(self, factors: Factors, keys: Keys) -> None:
        self.factors = factors
        self.sizes = [shape_of(f)[0] for f in factors] + [shape_of(factors[-1])[1]]
        self.keys = keys
        self._numbers = [keys.of(f) for f in factors]
        self._transposed = [keys.of(f, transposed=True) for f in factors]
        self._best: dict[tuple[int, int], tuple[int, Tree]] = {}

    def tree(self) -> Tree:
        """The whole product in its cheapest order."""
        return self._order(0, len(self.factors))[1]

    def ring(self) -> tuple[Tree, Tree]:
        """P and Q with Trace(P Q) the trace of the product, turned and cut where it is cheapest."""
        if len(self.factors) == 1:
            return sp.Identity(self.sizes[0]), self.factors[0]
        count, twice = len(self.factors), Chain(self.factors * 2, self.keys)
        pairs = (twice._pair(k, k + cut, k + count, closed=True) for k in range(count) for cut in range(1, count))
        return min(pairs, key=lambda pair: pair[0])[1:]

    def _order(self, start: int, end: int) -> tuple[int, Tree]:
        """Multiplications and order of the factors from start to end."""
        if end - start == 1:
            return 0, self.factors[start]
        if (start, end) not in self._best:
            pairs = (self._pair(start, cut, end) for cut in range(start + 1, end))
            cost, left, right = min(pairs, key=lambda pair: pair[0])
            self._best[start, end] = cost, (left, right)
        return self._best[start, end]

    def _pair(self, start: int, cut: int, end: int, closed: bool = False) -> tuple[int, Tree, Tree]:
        """Multiplications and the two factors of a product, or of the trace of one."""
        left_cost, left = self._order(start, cut)
        right_cost, right = self._order(cut, end)
        if self._numbers[start:cut] == self._numbers[cut:end]:
            right_cost, right = 0, left
        elif self._numbers[start:cut] == self._transposed[cut:end][::-1]:
            right_cost, right = 0, mirrored(left)
        scaling = is_diagonal(left) or is_diagonal(right)
        cost = self.sizes[start] * (1 if scaling else self.sizes[cut]) * (1 if closed else self.sizes[end])
        return left_cost + right_cost + cost, left, right


def factors_of(matrix: sp.MatrixExpr) -> tuple[sp.Expr, Factors]:
    """The coefficient and the matrices of a product; small powers are taken apart."""
    if not isinstance(matrix, sp.MatMul):
        return sp.S.One, (matrix,)
    coefficient, matrices = matrix.as_coeff_matrices()
    factors: list[sp.MatrixExpr] = []
    for factor in matrices:
        if isinstance(factor, sp.MatPow) and factor.exp.is_Integer and 1 < factor.exp <= _MOST_FACTORS:
            factors += [factor.base] * int(factor.exp)
        else:
            factors.append(factor)
    return coefficient, tuple(factors)


def _leaves(tree: Tree) -> Factors:
    """The matrices of a product, in order."""
    return (*_leaves(tree[0]), *_leaves(tree[1])) if isinstance(tree, tuple) else (tree,)


def mirrored(tree: Tree) -> Tree:
    """The transpose of a product."""
    if isinstance(tree, tuple):
        return mirrored(tree[1]), mirrored(tree[0])
    return tree.arg if isinstance(tree, sp.Transpose) else sp.Transpose(tree)


def shape_of(matrix: Tree) -> tuple[int, int]:
    """Rows and columns, which must be numbers by now."""
    if isinstance(matrix, tuple):
        return shape_of(matrix[0])[0], shape_of(matrix[1])[1]
    shape = tuple(map(sp.sympify, matrix.shape))
    if not all(size.is_Integer for size in shape):
        raise ProblemError(
            f"the shape {shape} of {short(matrix)} is not known: give data or a start of that shape, "
            "or the sizes under parameters"
        )
    return int(shape[0]), int(shape[1])


def is_diagonal(matrix: Tree) -> bool:
    """Whether a matrix is diagonal by how it is written."""
    if isinstance(matrix, (sp.Identity, sp.DiagMatrix, sp.DiagonalMatrix)):
        return True
    if isinstance(matrix, (sp.Transpose, sp.MatPow)):
        return is_diagonal(matrix.args[0])
    if isinstance(matrix, (sp.MatAdd, sp.MatMul)):
        return all(is_diagonal(a) for a in matrix.args if a.is_Matrix)
    return False


def short(expression: sp.Basic, limit: int = 80) -> str:
    """An expression in an error text."""
    text = str(expression)
    return text if len(text) <= limit else text[: limit - 3] + "..."
