"""Pictures of verdicts: each claim of a theorem, the run below its bound. Needs the extra `plot`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ncsolve.report.plot import LINE, SECOND, STYLE, save

if TYPE_CHECKING:
    from ncsolve.theory import Verdict


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
