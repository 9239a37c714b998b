"""Pictures of rates: the errors of a run, and over them the model that fits. Needs the extra `plot`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ncsolve.rates import errors_of, read_run
from ncsolve.report.plot import LINE, SECOND, STYLE, save

if TYPE_CHECKING:
    from ncsolve.theory.rate import Rate


def plot_rates(file: Path, run: Any, rates: Mapping[str, Rate], minimum: float | None = None) -> None:
    """Draw each sequence of errors and its fitted rate into an SVG or PNG file."""
    import matplotlib
    from matplotlib.figure import Figure

    trace, reached = read_run(run)
    errors = errors_of(trace, reached if minimum is None else minimum)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7, 3.2 * len(rates)), layout="constrained")
        panels = figure.subplots(len(rates), squeeze=False)[:, 0]
        for axes, (name, rate) in zip(panels, rates.items(), strict=True):
            at, values, _ = errors[name]
            axes.semilogy(at, np.where(values > 0, values, np.nan), color=LINE, label="run")
            if len(rate.fit):
                axes.semilogy(rate.iterations, rate.fit, color=SECOND, linestyle="--", label=str(rate).split(",")[0])
            axes.set(title=f"{name}: {str(rate).partition(', iterates')[0]}", xlabel="iteration")
            axes.legend()
        save(figure, file)
