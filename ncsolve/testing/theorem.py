"""The kit for theorems."""

from __future__ import annotations

from typing import Any, ClassVar

from ncsolve.hooks import registry
from ncsolve.oracle import compile
from ncsolve.theorems import CaseResult, check_catalogue, find_theorem
from ncsolve.theory import HOLDS, KINDS, NOT_APPLICABLE, VIOLATED, Request, Theorem, verdict_on

__all__ = ["TheoremTests"]

TIGHT = 0.5
"""On a witness the run comes within this factor of the bound."""


class TheoremTests:
    """What every theorem must pass. Subclass it in a test file and set `theorem`:

    class TestMyTheorem(TheoremTests):
        theorem = MyTheorem
    """

    theorem: ClassVar[Any]
    """A theorem class, or the name of a registered one."""

    def test_statement(self) -> None:
        """The docstring says it in words and in LaTeX; kind, solvers and reference are there."""
        theorem = self._theorem()
        assert theorem.summary(), "its docstring is the statement"
        assert theorem.latex(), "the statement has a formula between $$ and $$"
        assert theorem.kind in KINDS, f"its kind {theorem.kind!r} is none of {', '.join(KINDS)}"
        assert theorem.reference, "it has no reference"
        assert theorem.name == theorem.name.lower(), "its name is lower case"
        for solver in theorem.solvers:
            registry().solver(solver)

    def test_holds_on_two_problems(self) -> None:
        """At least two positive cases, and all of them hold."""
        cases = [result for result in self._cases() if result.role != "control"]
        assert len(cases) >= 2, "it has fewer than two positive cases"
        for result in cases:
            assert result.verdict.verdict == HOLDS, str(result.verdict)

    def test_witness(self) -> None:
        """On a witness the bound is nearly attained, where it is an inequality."""
        witnesses = [result.verdict for result in self._cases() if result.role == "witness"]
        assert witnesses, "it has no witness"
        tight = [verdict.tightness for verdict in witnesses]
        assert not any(each < TIGHT for each in tight), f"its witnesses come within {tight} of the bound only"

    def test_negative_controls(self) -> None:
        """At least one control, and each ends as it says: VIOLATED or NOT-APPLICABLE."""
        controls = [result for result in self._cases() if result.role == "control"]
        assert controls, "it has no negative control"
        for result in controls:
            assert result.wanted in (VIOLATED, NOT_APPLICABLE)
            assert result.ok, f"wanted {result.wanted}: {result.verdict}"

    def test_other_solvers(self) -> None:
        """About a solver that it does not speak of it says so."""
        theorem = self._theorem()
        other = next(solver for name, solver in registry().solvers().items() if name not in theorem.solvers)
        case = next(iter(theorem.positive()))
        verdict = verdict_on(theorem, compile(case.problem()), Request(other))
        assert verdict.verdict == NOT_APPLICABLE
        assert "speaks of" in verdict.reason

    def _theorem(self) -> Theorem:
        return find_theorem(self.theorem)

    def _cases(self) -> list[CaseResult]:
        kind = type(self)
        if "_results" not in kind.__dict__:
            kind._results = list(check_catalogue([self._theorem()]))
        return kind._results

    _results: ClassVar[list[CaseResult]]
