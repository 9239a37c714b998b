"""Pictures of how f bends: eigenvalue density, lines and planes through a point. Needs the extra `plot`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ncsolve.report.plot import HEADING, LINE, PATH, SECOND, STYLE, draw_legend, draw_levels, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ncsolve.spectra import Section, Segment, Spectrum

__all__ = ["plot_section", "plot_segment", "plot_spectrum"]

LEAST = 1e-3  # of the smallest bar of one eigenvalue, on the logarithmic axis


def plot_spectrum(file: Path, found: Spectrum) -> None:
    """The density on a logarithmic axis, so that single eigenvalues are seen, with marks at the ends."""
    at, height, error = found.smooth()
    least = LEAST / (found.problem.n * found.width)

    def draw(figure: Figure, axes: Axes) -> None:
        axes.semilogy(at, np.maximum(height, least), color=LINE, linewidth=1.3)
        if np.isfinite(error).all():
            axes.fill_between(at, np.maximum(height - error, least), height + error + least, color=LINE, alpha=0.2)
        ends = found.eigenvalues[: len(found.vectors) // 2], found.eigenvalues[-(len(found.vectors) // 2) :]
        axes.plot(np.concatenate(ends), np.full(sum(map(len, ends)), least), "|", color=SECOND, markersize=14)
        axes.axvline(0.0, color=PATH, linewidth=0.8, linestyle=":")
        axes.set(xlabel="eigenvalue", ylabel="density", ylim=(least / 2, None))

    how = "all eigenvalues" if found.exact else "stochastic Lanczos quadrature"
    _figure(file, f"Hessian of {found.problem.name}: {how}, trace {found.trace:.4g}", draw)


def plot_segment(file: Path, found: Segment) -> None:
    """f on the way from one point to the other."""

    def draw(figure: Figure, axes: Axes) -> None:
        axes.plot(found.t, found.objective, color=LINE, linewidth=1.4)
        axes.plot(found.t[[0, -1]], found.objective[[0, -1]], color=PATH, linewidth=0.8, linestyle=":")
        axes.plot(*found.highest, "o", color=SECOND)
        axes.set(xlabel="t", ylabel="objective")

    word = "monotone" if found.monotone else f"barrier {found.barrier:.4g}"
    _figure(file, f"{found.problem.name} from one point to another: {word}", draw)


def plot_section(file: Path, found: Section) -> None:
    """f on the line or in the plane, with the path projected onto it."""

    def line(figure: Figure, axes: Axes) -> None:
        axes.plot(found.axes[0], found.objective, color=LINE, linewidth=1.4, label="objective")
        if len(found.path):
            axes.plot(
                found.path[:, 0], found.path_objective, ".-", color=SECOND, linewidth=0.8, label="path, true value"
            )
            draw_legend(axes, loc="best")
        axes.set(xlabel=_name(found, 0), ylabel="objective")

    def plane(figure: Figure, axes: Axes) -> None:
        draw_levels(figure, axes, found.axes[0], found.axes[1], np.ma.masked_invalid(found.objective.T))
        if len(found.path):
            axes.plot(*found.path.T, color="white", linewidth=3)
            axes.plot(*found.path.T, ".-", color=PATH, linewidth=1.2, markersize=4)
        axes.plot(0, 0, "o", markersize=10, markerfacecolor="none", markeredgecolor=PATH)
        axes.set(xlabel=_name(found, 0), ylabel=_name(found, 1))
        axes.grid(visible=False)

    many = len(found.axes) > 1
    _figure(file, f"{found.problem.name} in {'a plane' if many else 'a line'}: {found.kind}", plane if many else line)


def _name(found: Section, k: int) -> str:
    known = {"eigen": "eigenvalue {:.4g}", "pca": "principal direction, {:.1%} of the path"}.get(found.kind)
    return f"{found.kind} direction {k + 1}" if known is None else known.format(found.weights[k])


def _figure(file: Path, title: str, draw: Callable[[Figure, Axes], None]) -> None:
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.5, 5.4), layout="constrained")
        figure.suptitle(title, **HEADING)
        draw(figure, figure.subplots())
        save(figure, file)
