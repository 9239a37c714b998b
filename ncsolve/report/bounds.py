"""Pictures of verdicts: each claim of a theorem, the run below its bound. Needs the extra `plot`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ncsolve.report.plot import LINE, SECOND, STYLE, save

if TYPE_CHECKING:
    from ncsolve.problem import Problem
    from ncsolve.theory import Verdict


@dataclass(frozen=True)
class Guarantee:
    """What a theorem promises of f(x_k) - f*, k = 0, 1, ..., of a solver run as it demands from the problem's start."""

    problem: str
    solver: str
    theorem: str
    bound: NDArray[np.float64]


def guarantees(problem: Problem, solvers: Sequence[str]) -> list[Guarantee]:
    """Of all theorems that HOLD for these solvers on this problem and bound f - f* by its start."""
    from ncsolve.theorems import catalogue, verify

    pairs = [(each, solver) for solver in solvers for each in catalogue() if solver in each.solvers]
    verdicts = [verify(problem, each, solver)[0] for each, solver in pairs if each.kind == "every iterate"]
    found = [(verdict, bound_of(verdict)) for verdict in verdicts if verdict.holds]
    return [Guarantee(problem.name, v.solver, v.theorem, bound) for v, bound in found if len(bound)]


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
