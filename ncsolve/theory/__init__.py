"""Theorems that are checked on a run: constants with provenance, claims with both sides, verdicts."""

from ncsolve.theory.claim import Claim, Violation
from ncsolve.theory.constants import Constant, checked_claims
from ncsolve.theory.judge import Request, run_case, verdict_on
from ncsolve.theory.refute import nonconvexity
from ncsolve.theory.study import Missing, Study
from ncsolve.theory.theorem import KINDS, Case, Theorem
from ncsolve.theory.verdict import HOLDS, INCONCLUSIVE, NOT_APPLICABLE, VIOLATED, Verdict

__all__ = [
    "HOLDS",
    "INCONCLUSIVE",
    "KINDS",
    "NOT_APPLICABLE",
    "VIOLATED",
    "Case",
    "Claim",
    "Constant",
    "Missing",
    "Request",
    "Study",
    "Theorem",
    "Verdict",
    "Violation",
    "checked_claims",
    "nonconvexity",
    "run_case",
    "verdict_on",
]
