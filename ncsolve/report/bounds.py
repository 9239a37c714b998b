"""Pictures of verdicts: each claim of a theorem, the run below its bound. Needs the extra `plot`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ncsolve.hooks import registry
from ncsolve.report.plot import LINE, SECOND, STYLE, save
from ncsolve.solving import configure, option_values
from ncsolve.theory.judge import same

if TYPE_CHECKING:
    from ncsolve.compare import Entrant
    from ncsolve.problem import Problem
    from ncsolve.theory import Verdict


@dataclass(frozen=True)
class Guarantee:
    """What a theorem promises of f(x_k) - f*, k = 0, 1, ..., of a solver with its options, from the problem's start."""

    problem: str
    solver: str
    """Its label in the comparison."""
    theorem: str
    bound: NDArray[np.float64]
    """Empty where the theorem demands other options."""
    demanded: str = ""
    """The solver as the theorem demands it: "gd -o step_size=0.05"."""


def guarantees(problem: Problem, entrants: Sequence[Entrant]) -> list[Guarantee]:
    """Of all theorems that HOLD on this problem for these solvers, run as demanded, and bound f - f* by its start."""
    from ncsolve.theorems import catalogue, verify

    found = []
    for entrant in entrants:
        theorems = [each for each in catalogue() if each.kind == "every iterate" and entrant.solver in each.solvers]
        given = dict(entrant.options)
        for theorem in theorems:
            verdict = verify(problem, theorem, entrant.solver, given, as_demanded=True)[0]
            bound = bound_of(verdict) if verdict.holds else np.empty(0)
            if len(bound):
                found.append(_fitting(problem, entrant, verdict, bound))
    return found


def _fitting(problem: Problem, entrant: Entrant, verdict: Verdict, bound: NDArray[np.float64]) -> Guarantee:
    """Without the bound where the entrant is run with other options than the verdict speaks of."""
    solver, wanted = registry().solver(entrant.solver), verdict.options
    own, default = (option_values(configure(solver, given)) for given in (dict(entrant.options), {}))
    if all(same(own[name], value) for name, value in wanted.items()):
        return Guarantee(problem.name, entrant.label, verdict.theorem, bound)
    others = [f"-o {name}={value}" for name, value in wanted.items() if not same(default[name], value)]
    demanded = " ".join([entrant.solver, *others])
    return Guarantee(problem.name, entrant.label, verdict.theorem, np.empty(0), demanded)


def bound_of(verdict: Verdict) -> NDArray[np.float64]:
    """Right side of its claim about f(x_k) - f*, k = 0, 1, ...; where it has a rate, geometric from f(x_0) - f*."""
    gaps = verdict.gaps
    if gaps is None or not len(gaps):
        return np.empty(0)
    if 0 < verdict.theoretical_rate < 1:
        return np.asarray(gaps[0] * verdict.theoretical_rate ** np.arange(len(gaps)))
    for claim in verdict.claims:
        if claim.first == 0 and len(claim.left) > 1 and np.array_equal(claim.left, gaps[: len(claim.left)]):
            return claim.right
    return np.empty(0)


def plot_bounds(file: Path, verdicts: Sequence[Verdict]) -> None:
    """Draw every inequality that was compared at several iterates into an SVG or PNG file."""
    import matplotlib
    from matplotlib.figure import Figure

    drawn = [
        (verdict, claim)
        for verdict in verdicts
        for claim in verdict.claims
        if claim.allowed is None and not claim.statistical and len(claim.left) > 1
    ]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7, 3.4 * max(1, len(drawn))), layout="constrained")
        for k, (verdict, claim) in enumerate(drawn):
            axes = figure.add_subplot(len(drawn), 1, k + 1)
            at = claim.first + np.arange(len(claim.left))
            for values, color, name in ((claim.right, SECOND, "bound"), (claim.left, LINE, "run")):
                axes.semilogy(at, np.where(values > 0, values, np.nan), color=color, label=name)
            if verdict.first_violation is not None and verdict.first_violation.what == claim.what:
                axes.axvline(verdict.first_violation.iteration, color="#999999", linestyle=":", label="first violation")
            axes.set(title=f"{verdict.theorem}, {verdict.verdict}: {claim.what}", xlabel="iterate")
            axes.legend()
        if not drawn:
            figure.text(0.05, 0.5, "Nothing was compared at several iterates.")
        save(figure, file)
