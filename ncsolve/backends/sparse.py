"""Sparse matrices in NumPy code: what stays sparse, and products with dense arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from ncsolve.backends.layout import ATOM, PRODUCT, SUM, UNARY, Axes, Piece, contraction
from ncsolve.errors import ProblemError

_MOST_NUMBERS = 500_000_000  # in an array that has to be made of a sparse matrix


def dense(piece: Piece) -> Piece:
    """The piece as an array."""
    if not piece.sparse:
        return piece
    shape = tuple(i.size for i in piece.axes)
    if math.prod(shape) > _MOST_NUMBERS:
        raise ProblemError(
            f"a derivative of the objective needs sparse data as a dense array of shape {shape}, which would take "
            f"{8 * math.prod(shape) / 1e9:.3g} GB. Use a solver that needs gradients or products only"
        )
    return Piece(f"{piece.within(ATOM)}.toarray()", piece.axes)


def sparse_elementwise(kind: str, args: Sequence[Piece]) -> Piece | None:
    """An operation whose result is zero where its sparse argument is; None for any other."""
    matrix = next(a for a in args if a.sparse)
    if any(not set(a.axes) <= set(matrix.axes) for a in args):
        return None
    if kind in ("neg", "square", "abs"):
        code = {"neg": f"-{matrix.within(UNARY)}", "square": f"{matrix.within(ATOM)}**2", "abs": f"abs({matrix.code})"}
        return replace(matrix, code=code[kind], binds=ATOM if kind == "abs" else UNARY)
    if kind in ("add", "sub") and all(a.sparse for a in args):
        first, second = (a.transposed(matrix.axes) for a in args)
        sign = "+" if kind == "add" else "-"
        return replace(matrix, code=f"{first.within(SUM)} {sign} {second.within(SUM + 1)}", binds=SUM)
    if kind == "mul":
        return _times(matrix, args[1] if args[0] is matrix else args[0])
    if kind == "div" and not args[1].sparse:
        return _times(matrix, Piece(f"1 / {args[1].within(PRODUCT + 1)}", args[1].axes, PRODUCT))
    return None


def _times(matrix: Piece, other: Piece) -> Piece:
    if not other.axes:
        return replace(matrix, code=f"{other.within(PRODUCT)} * {matrix.within(PRODUCT + 1)}", binds=PRODUCT)
    if other.sparse:
        code = f"{matrix.within(ATOM)}.multiply({other.transposed(matrix.axes).code})"
    else:
        code = f"rt.scaled({matrix.code}, {other.aligned(matrix.axes).code})"
    return replace(matrix, code=code, binds=ATOM)


def sparse_contraction(a: Piece, b: Piece, over: Axes) -> Piece:
    """The product of a sparse matrix and another piece, summed over axes."""
    matrix, other = (a, b) if a.sparse else (b, a)
    shared = tuple(i for i in matrix.axes if i in other.axes)
    rest = tuple(i for i in other.axes if i not in matrix.axes)
    if len(shared) == 1 and len(rest) <= 1:
        return replace(contraction(a, b, over), sparse=other.sparse)
    if len(shared) == 1:
        (left,) = (i for i in matrix.axes if i not in shared)
        args = f"{matrix.transposed((left, *shared)).code}, {other.transposed((*shared, *rest)).code}"
        return Piece(f"rt.sparse_dot({args})", (left, *rest))
    kept = tuple(i for i in shared if i not in over)
    if other.sparse:
        total = f"{matrix.within(ATOM)}.multiply({other.transposed(matrix.axes).code}).sum"
        return Piece(f"{total}({matrix.axes.index(over[0])})", kept) if kept else Piece(f"float({total}())")
    order = (*kept, *over)
    args = f"{matrix.transposed(order).code}, {other.transposed((*order, *rest)).code}"
    code = f"rt.{'sparse_rows' if kept else 'sparse_sum'}({args})"
    return Piece(code if kept or rest else f"float({code})", (*kept, *rest))
