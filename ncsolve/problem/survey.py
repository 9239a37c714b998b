"""What an objective is written over: one iterative walk over the expression tree.

SymPy's own `free_symbols` and `has` recurse, which an expression of a hundred thousand terms built up step by step does
not survive, and they list every element of an `IndexedBase` beside the base itself.
"""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy as sp
from sympy.concrete.expr_with_intlimits import ExprWithIntLimits
from sympy.concrete.expr_with_limits import ExprWithLimits
from sympy.core.function import AppliedUndef
from sympy.logic.boolalg import Boolean
from sympy.matrices.expressions.matexpr import MatrixElement

from ncsolve.errors import ProblemError

__all__ = ["Survey", "checked_objective", "describe", "name_of", "survey"]


@dataclass
class Survey:
    """The symbols of an objective, each in the role that it plays there."""

    free: dict[sp.Basic, None] = field(default_factory=dict)
    """Free `Symbol`, `IndexedBase` and `MatrixSymbol` objects, in the order met."""
    ranks: dict[sp.IndexedBase, int] = field(default_factory=dict)
    """Number of indices that each base is used with."""
    used_as_index: dict[sp.IndexedBase, None] = field(default_factory=dict)
    """Bases whose elements stand in an index: `row` in `U[row[k], c]`."""
    indices: dict[str, sp.Basic] = field(default_factory=dict)
    """Bound indices of the sums, by name."""
    open: dict[sp.Basic, None] = field(default_factory=dict)
    """Symbols in an index, in the limit of a sum or as a size, that no sum binds."""

    def check_closed(self) -> None:
        """Raise `ProblemError` where an index or a size is left open."""
        if self.open:
            name = name_of(next(iter(self.open)))
            raise ProblemError(
                f"'{name}' is used as an index or as the limit of a sum, but no Sum binds it. "
                f"Sum over it, Sum(..., ({name}, 0, n - 1)), or give an integer for it under parameters."
            )


def name_of(symbol: sp.Basic) -> str:
    """Return the plain name of a `Symbol`, `IndexedBase`, `MatrixSymbol` or `Idx`."""
    return str(symbol.label if isinstance(symbol, (sp.IndexedBase, sp.Idx)) else symbol.name)


def describe(symbol: sp.Basic) -> str:
    """Return a symbol with what distinguishes it: `IndexedBase x of shape (3,)`, `Symbol x (real)`."""
    if isinstance(symbol, sp.IndexedBase):
        return f"IndexedBase {name_of(symbol)} of shape {symbol.shape}" if symbol.shape else f"IndexedBase {symbol}"
    if isinstance(symbol, sp.MatrixSymbol):
        return f"MatrixSymbol {symbol.name} of shape {symbol.shape}"
    assumed = [key for key, value in symbol._assumptions_orig.items() if value]
    return f"{type(symbol).__name__} {symbol.name}" + (f" ({', '.join(assumed)})" if assumed else "")


def checked_objective(objective: Any) -> sp.Expr:
    """Return the objective as a SymPy expression, or say why it cannot be one.

    Strings are never parsed: that would evaluate them as Python code.
    """
    if isinstance(objective, np.ndarray) and objective.size == 1:
        objective = objective.item()
    if isinstance(objective, sp.MatrixBase) and objective.shape == (1, 1):
        objective = objective[0, 0]
    if isinstance(objective, str):
        raise ProblemError(
            f"The objective is the text {objective[:40]!r}, not an expression. Write it with symbols: "
            'x, y = sp.symbols("x y"); nc.Problem((x - 1)**2 + y**2)'
        )
    if isinstance(objective, (bool, np.bool_)) or (
        isinstance(objective, Boolean) and not isinstance(objective, sp.Expr)
    ):
        raise ProblemError(
            f"The objective is a {type(objective).__name__} (a condition), not a number to be minimised. "
            "For an equation a = b minimise (a - b)**2."
        )
    if isinstance(objective, (numbers.Number, np.number)):
        objective = sp.sympify(objective)
    _check_scalar(objective)
    if not isinstance(objective, sp.Expr):
        hint = " Call it with symbols and pass what it returns." if callable(objective) else ""
        raise ProblemError(f"The objective must be a scalar SymPy expression, not a {type(objective).__name__}.{hint}")
    return objective


def _check_scalar(objective: Any) -> None:
    containers = (list, tuple, set, dict, np.ndarray, sp.Tuple, sp.MatrixBase, sp.NDimArray, sp.IndexedBase)
    is_matrix = isinstance(objective, sp.MatrixExpr)
    if isinstance(objective, containers) or (is_matrix and objective.shape != (1, 1)):
        shape = getattr(objective, "shape", None)
        what = type(objective).__name__ + (f" of shape {shape}" if shape else "")
        raise ProblemError(
            f"The objective is a {what}, not a scalar. Minimise one number, for example the sum of the squares."
        )


def survey(objective: sp.Expr) -> Survey:
    """Walk the objective once, without recursion, and collect its symbols by role.

    Raises `ProblemError` for what no objective may contain: I, undefined functions.
    """
    found = Survey()
    seen: set[tuple[int, frozenset[sp.Basic], bool]] = set()
    stack: list[tuple[sp.Basic, frozenset[sp.Basic], bool]] = [(objective, frozenset(), False)]
    while stack:
        node, bound, in_index = stack.pop()
        if (id(node), bound, in_index) in seen:
            continue
        seen.add((id(node), bound, in_index))
        if isinstance(node, (sp.Symbol, sp.Idx)):
            if node not in bound:
                _meet_free(found, node, in_index)
        elif isinstance(node, sp.Indexed):
            _meet_element(found, node, in_index)
            stack.extend((index, bound, True) for index in node.indices)
        elif isinstance(node, MatrixElement):
            stack.append((node.parent, bound, False))
            stack.extend((index, bound, True) for index in node.indices)
        elif isinstance(node, sp.MatrixSymbol):
            found.free[node] = None
        elif isinstance(node, ExprWithLimits):
            stack.extend(_scopes(found, node, bound))
        elif isinstance(node, (sp.Identity, sp.OneMatrix, sp.ZeroMatrix)):
            stack.extend((size, bound, True) for size in node.args)
        elif isinstance(node, sp.Lambda):
            stack.append((node.expr, bound.union(node.signature), in_index))
        else:
            _refuse(node)
            stack.extend((argument, bound, in_index) for argument in node.args)
    return found


def _meet_free(found: Survey, symbol: sp.Basic, in_index: bool) -> None:
    (found.open if in_index or isinstance(symbol, sp.Idx) else found.free)[symbol] = None


def _meet_element(found: Survey, element: sp.Indexed, in_index: bool) -> None:
    base, rank = element.base, len(element.indices)
    if not isinstance(base, sp.IndexedBase):
        raise ProblemError(f"{element} is an element of a {type(base).__name__}. Use an IndexedBase and give its data.")
    if found.ranks.setdefault(base, rank) != rank:
        raise ProblemError(
            f"'{name_of(base)}' is used with {found.ranks[base]} indices in one place and with {rank} in another."
        )
    found.free[base] = None
    if in_index:
        found.used_as_index[base] = None


def _scopes(
    found: Survey, node: ExprWithLimits, bound: frozenset[sp.Basic]
) -> Iterable[tuple[sp.Basic, frozenset[sp.Basic], bool]]:
    """The limits of a sum may use the indices that stand further out, its body uses all of them."""
    is_sum = isinstance(node, ExprWithIntLimits)
    for index, *ends in reversed(node.limits):
        yield from ((end, bound, is_sum) for end in ends)
        bound = bound | {index}
        found.indices[name_of(index)] = index
    yield node.function, bound, False


def _refuse(node: sp.Basic) -> None:
    if node is sp.I:
        raise ProblemError("The objective is complex: it contains I. Minimise a real number, such as Abs(z)**2.")
    if isinstance(node, AppliedUndef):
        name = type(node).__name__
        raise ProblemError(
            f"The function '{name}' in the objective is undefined. Put its formula in the place of {name}(...)."
        )
    if isinstance(node, sp.IndexedBase):
        name = name_of(node)
        raise ProblemError(f"The IndexedBase '{name}' stands in the objective without an index. Write {name}[i].")
