"""Constraints: h(x) = 0 and c(x) <= 0, single ones and one for each value of an index."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp
from sympy.core.relational import Equality, GreaterThan, LessThan, Relational

from ncsolve.errors import ProblemError
from ncsolve.problem.sizes import Sizes, with_sizes
from ncsolve.problem.survey import survey

if TYPE_CHECKING:
    from ncsolve.problem.problem import Problem

__all__ = ["Constraint", "all_of", "checked_constraints", "multiplied"]

Limit = tuple[sp.Symbol, int, int]


@dataclass(frozen=True)
class Constraint:
    """expression = 0 or expression <= 0, for every value of its indices: {index, first, last}."""

    expression: sp.Expr
    limits: tuple[Limit, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(last - first + 1 for _, first, last in self.limits)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def total(self) -> sp.Expr:
        """All of it in one expression, for what looks at symbols."""
        return sp.Sum(self.expression, *self.limits) if self.limits else self.expression

    def with_sizes(self, sizes: Sizes) -> Constraint:
        """With numbers for sizes that are symbols."""
        return Constraint(with_sizes(self.expression, sizes), self.limits)

    def times(self, multiplier: sp.Basic) -> sp.Expr:
        """The sum of its values, each times an element of the multiplier: a Symbol, or an IndexedBase of its shape."""
        if not self.limits:
            return multiplier * self.expression
        place = [index - first for index, first, _ in self.limits]
        return sp.Sum(multiplier[tuple(place)] * self.expression, *self.limits)


def all_of(objective: sp.Expr, equal: Iterable[Constraint], less: Iterable[Constraint]) -> sp.Basic:
    """Objective and constraints as one expression, for what looks at symbols."""
    totals = [constraint.total for constraint in (*equal, *less)]
    return sp.Tuple(objective, *totals) if totals else objective


def checked_constraints(given: Any, what: str, penalties: Any = ()) -> tuple[Constraint, ...]:
    """Return `equal` or `less` in normal form: expressions, relations, and (either, (index, first, last), ...)."""
    if given is None:
        return ()
    if penalties:
        raise ProblemError(f"{what}: constraints and penalties together are not supported. Write the penalty smoothly.")
    if isinstance(given, (sp.Basic, tuple)) and not isinstance(given, sp.Tuple):
        given = [given]
    if not isinstance(given, Iterable) or isinstance(given, (str, dict)):
        raise ProblemError(f"{what} must be a list of expressions, not a {type(given).__name__}.")
    return tuple(_constraint(each, f"{what}: constraint {k}", what) for k, each in enumerate(given, start=1))


def _constraint(given: Any, where: str, what: str) -> Constraint:
    given, *ranges = given if isinstance(given, (tuple, sp.Tuple)) else (given,)
    expression = _expression(given, where, what)
    limits = tuple(_limit(each, where) for each in ranges)
    for index, first, last in limits:
        if index not in expression.free_symbols:
            raise ProblemError(f"{where} has the index {index}, which its expression does not contain.")
        if last < first:
            raise ProblemError(f"{where}: the range ({index}, {first}, {last}) is empty.")
    return Constraint(expression, limits)


def _expression(given: Any, where: str, what: str) -> sp.Expr:
    sign = "= 0" if what == "equal" else "<= 0"
    if isinstance(given, sp.MatrixBase) and given.shape == (1, 1):
        given = given[0, 0]
    if isinstance(given, (bool, np.bool_)) or given in (sp.true, sp.false):
        raise ProblemError(f"{where} is always {bool(given)}: there is nothing to hold. Write an expression {sign}.")
    if isinstance(given, Relational):
        if isinstance(given, Equality) != (what == "equal"):
            other = "equal" if isinstance(given, Equality) else "less"
            raise ProblemError(f"{where} is {given}: put it under {other}=[...].")
        if isinstance(given, (Equality, LessThan)):
            return given.lhs - given.rhs
        if isinstance(given, GreaterThan):
            return given.rhs - given.lhs
        raise ProblemError(f"{where} is {given}, which has no closed set of solutions. Write <= or >=.")
    if not isinstance(given, sp.Expr) or isinstance(given, (sp.MatrixExpr, sp.IndexedBase)):
        raise ProblemError(
            f"{where} must be a scalar SymPy expression {sign}, a relation, or (expression, (i, 0, n - 1)), "
            f"not a {type(given).__name__}."
        )
    return given


def _limit(given: Any, where: str) -> Limit:
    try:
        index, first, last = given
        return sp.sympify(index), int(first), int(last)
    except (TypeError, ValueError):
        raise ProblemError(f"{where}: {given!r} is no range. Write (i, 0, n - 1) with integers.") from None


def multiplied(problem: Problem) -> Problem:
    """lambda^T h(x) + mu^T c(x) as a problem in (x, lambda, mu).

    Its gradient holds the constraints themselves, its Hessian their Jacobian, and in the part of x they are what the
    constraints add to those of the Lagrangian.
    """
    from ncsolve.problem.problem import Problem

    unknowns: dict[sp.Basic, Any] = {v.symbol: np.zeros(v.shape) for v in problem.variables}
    terms = []
    for k, constraint in enumerate((*problem.equal, *problem.less), start=1):
        name = f"_multiplier_{k}"
        multiplier = sp.IndexedBase(name, shape=constraint.shape) if constraint.limits else sp.Symbol(name, real=True)
        unknowns[multiplier] = np.zeros(constraint.shape)
        terms.append(constraint.times(multiplier))
    total = sp.Add(*terms)
    present = set(survey(total).free)
    return Problem(
        total,
        name=f"constraints of {problem.name}",
        variables=list(unknowns),
        parameters=_present(problem.parameters, present),
        data=_present(problem.data, present),
        bounds=problem.bounds,
        start=unknowns,
    )


def _present(table: Any, present: set[sp.Basic]) -> dict[Any, Any]:
    return {symbol: value for symbol, value in table.items() if symbol in present}
