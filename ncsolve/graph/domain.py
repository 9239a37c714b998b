"""Domain audit: where in a box the objective or a derivative is undefined, before anything runs.

Every operation of value, gradient and Hessian that has a singularity is enclosed over the box. Where that does not
exclude it, the box is searched for a point. So nothing is missed of what `singular` knows: logarithms, roots,
divisions, powers, inverse functions, poles, and the overflow of exponentials. Not looked for are products and sums that
are too large for a float, and kinks, where a derivative is an element of Clarke's subdifferential.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from ncsolve.graph.derivation import derive
from ncsolve.graph.domain_search import Outcome, Search
from ncsolve.graph.enclosures import Enclosures
from ncsolve.graph.intervals import Array
from ncsolve.graph.nodes import Index
from ncsolve.graph.op_formula import OpWriter
from ncsolve.graph.program import Op, Program
from ncsolve.graph.singular import Guards, Singularity, factor, guards, singularities
from ncsolve.problem.checks import checked_bounds

if TYPE_CHECKING:
    from ncsolve.problem import Problem

_PLACES = ("", "in the gradient, ", "in the Hessian, ")
_MOST_VALUES = 4  # of a witness that are listed


@dataclass(frozen=True)
class Finding:
    """A sub-expression that is undefined, or may be, somewhere in the box.

    `order` is 0 where it occurs in the objective, 1 in the gradient only, 2 in the Hessian only. If `certain`,
    `witness` is a point {entry of x: value} at which it is undefined, in the variables that matter, or close to one
    where it is not `exact`. If not, it is undecided in the box `undecided`, {entry of x: (low, high)}.
    """

    certain: bool
    order: int
    expression: str
    condition: str
    witness: Mapping[str, float]
    exact: bool
    undecided: Mapping[str, tuple[float, float]]
    text: str

    def __str__(self) -> str:
        return self.text


def domain_audit(problem: Problem, box: Mapping[Any, Any] | None = None) -> list[Finding]:
    """What is undefined in a box {variable: (low, high)}, certain findings first; [] when everything is defined.

    A side that is None is unbounded; a variable that the box leaves out keeps its bounds. "May be undefined" means that
    it could not be excluded. Raises `ProblemError` for a box that does not fit.
    """
    lower, upper = _box(problem, box)
    findings = list(_Audit(problem, lower, upper).findings())
    unique = {finding.text: finding for finding in findings}
    return sorted(unique.values(), key=lambda finding: (not finding.certain, finding.order))


def _box(problem: Problem, box: Mapping[Any, Any] | None) -> tuple[Array, Array]:
    lower = np.full(problem.n, -np.inf) if problem.lower is None else problem.lower.copy()
    upper = np.full(problem.n, np.inf) if problem.upper is None else problem.upper.copy()
    given, _, _ = checked_bounds(box, problem.variables, "box")
    for name, (low, high) in given.items():
        variable = problem.variables.named[name]
        lower[variable.slice] = -np.inf if low is None else np.ravel(low)
        upper[variable.slice] = np.inf if high is None else np.ravel(high)
    return lower, upper


class _Audit:
    def __init__(self, problem: Problem, lower: Array, upper: Array) -> None:
        self.lower, self.upper = lower, upper
        derivation = derive(problem)
        orders = [derivation.value], list(derivation.adjoint.values()), [b.coefficient for b in derivation.blocks]
        self.program, ops = Program.of(derivation.graph, [node for nodes in orders for node in nodes])
        ends = np.cumsum([len(nodes) for nodes in orders])
        self.roots = [ops[start:end] for start, end in zip((0, *ends), ends, strict=False)]
        rows = float(derivation.samples.size if derivation.samples else 0)
        parameters = {s.name: float(v) for s, v in problem.parameters.items()}
        self.enclosures = Enclosures(self.program, {**parameters, "_row_count": rows, "_row_weight": 1.0})
        self.writer = OpWriter(self.program, derivation)
        self.entry = problem.variables.entry
        self.value_ops = self.program.used(self.roots[0])

    def findings(self) -> Iterator[Finding]:
        known: list[Singularity] = []
        searched: dict[int, Guards] = {}
        for order, roots in enumerate(self.roots):
            conditions = guards(self.program, roots)
            found: list[Singularity] = []
            for s in singularities(self.program, roots):
                before = searched.get(s.op)
                if before is not None and before <= conditions[s.op]:
                    continue
                search = Search(self.enclosures, s, conditions[s.op], [*known, *(found if order else [])])
                outcome = search.run(self.lower, self.upper)
                if outcome is not None:
                    yield self._finding(s, order, outcome)
                    found += [s] if not conditions[s.op] else []  # it excuses others where it is met, whatever holds
            known += found
            searched.update(conditions)

    # -- words -------------------------------------------------------------------------------------------------------

    def _finding(self, s: Singularity, order: int, outcome: Outcome) -> Finding:
        op = self.program.ops[s.op]
        at = {i: sp.Integer(k) for i, k in outcome.place.items()}
        for index in op.indices:
            at.setdefault(index, sp.Integer(0))
        condition = s.says(*(self.writer.expression(a, self._there(a, at)) for a in s.args))
        root = self._root(s) if order == 1 else None
        expression = str(self._expression(op if root is None else root, at))
        if root is not None:
            verb, doubt = ": derivative unbounded at", ": derivative may be unbounded:"
        elif s.overflow:
            verb, doubt = " overflows where", " may overflow:"
        else:
            verb, doubt = " is undefined where", " may be undefined:"
        witness = self._witness(outcome) if outcome.certain else {}
        undecided = {} if outcome.certain else self._undecided(outcome)
        where = "" if root is not None else _PLACES[order]
        if outcome.certain:
            text = f"{where}{expression}{verb} {condition}{_example(witness, outcome.exact, condition)}"
        else:
            text = f"{where}{expression}{doubt} {condition} could not be excluded{_written_box(undecided)}"
        return Finding(outcome.certain, order, expression, condition, witness, outcome.exact, undecided, text)

    def _there(self, op: int, at: Mapping[Index, sp.Basic]) -> Mapping[Index, sp.Basic]:
        return {**{i: sp.Integer(0) for i in self.program.ops[op].indices}, **at}

    def _expression(self, op: Op, at: Mapping[Index, sp.Basic]) -> sp.Basic:
        """What is undefined: of a quotient, one over its divisor."""
        if op.kind in ("div", "quotient"):
            return 1 / self.writer.expression(op.args[1], at)
        return self.writer.expression(op.id, at)

    def _root(self, s: Singularity) -> Op | None:
        """The operation of the objective whose derivative a division by zero is: sqrt(u), u**(1/3), asin(u)."""
        for op in self.value_ops:
            args = [self.program.ops[a] for a in op.args]
            if op.kind == "sqrt" or (op.kind == "pow" and args[1].kind == "const" and args[1].detail < 1):
                if factor(self.program, op.args[0]) == s.args[0]:
                    return op
            elif op.kind in ("asin", "acos"):
                rest = self.program.ops[s.args[0]]
                if rest.kind == "sub" and self.program.ops[rest.args[1]].args == op.args:
                    return op
        return None

    def _witness(self, outcome: Outcome) -> dict[str, float]:
        return {self.entry(int(k)): float(v) for k, v in zip(outcome.columns, outcome.x, strict=True)}

    def _undecided(self, outcome: Outcome) -> dict[str, tuple[float, float]]:
        sides = zip(outcome.columns, outcome.lower, outcome.upper, strict=True)
        return {self.entry(int(k)): (float(low), float(high)) for k, low, high in sides}


def _written_box(box: Mapping[str, tuple[float, float]]) -> str:
    """ " in x = 0:1, y = 2:3"""
    if not box:
        return ""
    listed = [f"{name} = {low:.6g}:{high:.6g}" for name, (low, high) in box.items()]
    return f" in {', '.join(listed[:_MOST_VALUES])}{', ...' if len(listed) > _MOST_VALUES else ''}"


def _example(witness: Mapping[str, float], exact: bool, condition: str) -> str:
    """ ", e.g. at x = 1.5", unless the condition says so already."""
    listed = [f"{name} = {value:.6g}" for name, value in witness.items()]
    if not listed or listed == [condition]:
        return ""
    more = ", ..." if len(listed) > _MOST_VALUES else ""
    return f", e.g. {'at' if exact else 'near'} {', '.join(listed[:_MOST_VALUES])}{more}"
