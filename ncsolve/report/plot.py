"""Pictures of a run: a contour with the path for two variables, convergence for any number. Needs the extra `plot`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import MissingExtra, OptionError
from ncsolve.oracle import compile

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ncsolve.oracle import Oracle
    from ncsolve.problem import Problem
    from ncsolve.solving import Result, Trace

Array = NDArray[np.float64]

FORMATS = (".png", ".svg")
GRID = 240  # points along each axis of a contour
MARKS = {  # colours of Okabe and Ito, told apart by the colour-blind too; a shape each for print
    "minimum": ("o", "#009e73"),
    "minmax": ("P", "#009e73"),
    "saddle": ("X", "#e69f00"),
    "maximum": ("^", "#d55e00"),
    "degenerate": ("D", "#cc79a7"),
    "not-minmax": ("X", "#e69f00"),
    "not-critical": ("s", "#999999"),
    "undecided": ("s", "#999999"),
}
LINE, SECOND, PATH = "#0072b2", "#d55e00", "#333333"
STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "svg.hashsalt": "ncsolve",
    "svg.fonttype": "path",
}
HEADING: dict[str, Any] = {"x": 0.01, "ha": "left", "fontsize": 12, "parse_math": False}
"""Of a figure's title: a name with two $ in it is no formula."""


def check_plot_file(file: Path) -> None:
    """Say before the run, not after it, that `file` cannot be drawn."""
    if file.suffix not in FORMATS:
        raise OptionError(f"Cannot plot into {str(file)!r}: the name must end in {' or '.join(FORMATS)}.")
    if not file.absolute().parent.is_dir():
        raise OptionError(f"Cannot plot into {str(file)!r}: there is no folder {str(file.parent)!r}.")
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise MissingExtra("matplotlib", "plot") from None


def plot_run(file: Path, problem: Problem, result: Result) -> None:
    """Draw one run into an SVG or PNG file: convergence and, for two variables, the contour with the path beside it."""
    import matplotlib
    from matplotlib.figure import Figure

    planar = problem.n == 2
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(11 if planar else 7, 5.2), layout="constrained")
        title = f"{result.problem} by {result.solver}: {result.point.kind}, objective {result.objective:.6g}"
        figure.suptitle(title, **HEADING)
        grid = figure.add_gridspec(2, 2 if planar else 1, width_ratios=[1.5, 1] if planar else None)
        if planar:
            draw_contour(figure, figure.add_subplot(grid[:, 0]), compile(problem), result)
        objective = figure.add_subplot(grid[0, -1])
        gradient = figure.add_subplot(grid[1, -1], sharex=objective)
        draw_convergence(objective, gradient, result.trace, problem)
        save(figure, file)


def save(figure: Figure, file: Path) -> None:
    try:
        figure.savefig(file, dpi=160, metadata={"Date": None} if file.suffix == ".svg" else None)
    except OSError as error:
        raise OptionError(f"Cannot plot into {str(file)!r}: {error.strerror}.") from error


def draw_contour(figure: Figure, axes: Axes, oracle: Oracle, result: Result) -> None:
    """The landscape around everything met and known, the path on it, and each critical point by its kind."""
    problem, trace = oracle.problem, result.trace
    path = trace.x if trace.rows else result.x[None]
    points = [*(escape.point for escape in trace.escapes), *(run.point for run in result.runs), result.point]
    known = [(known.kind, problem.pack(known.point)) for known in problem.known]
    met = [(point.kind, point.x) for point in points]
    x, y = np.linspace(*window(np.vstack([path, *(x for _, x in known + met)]), problem), GRID).T
    z = oracle.objective(np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)).reshape(GRID, GRID)
    draw_levels(figure, axes, x, y, np.ma.masked_invalid(z))
    axes.plot(*path.T, color="white", linewidth=3, solid_capstyle="round")
    axes.plot(*path.T, color=PATH, linewidth=1.4, marker=".", markersize=4, label="path")
    ring: dict[str, Any] = {"marker": "o", "markeredgecolor": PATH, "linestyle": ""}
    axes.plot(*path[0], **ring, markersize=8, markerfacecolor="white", label="start")
    draw_points(axes, known, size=36, alpha=0.75)
    draw_points(axes, met, size=110, alpha=1.0)
    axes.plot(*path[-1], **ring, markersize=16, markerfacecolor="none", label="end")
    axes.set(xlim=x[[0, -1]], ylim=y[[0, -1]], xlabel=problem.variables.entry(0), ylabel=problem.variables.entry(1))
    axes.grid(visible=False)
    draw_legend(axes, loc="upper center", bbox_to_anchor=(0.5, -0.11))


def draw_levels(figure: Figure, axes: Axes, x: Array, y: Array, z: Any) -> None:
    """Filled levels at quantiles, denser towards the lowest value, so that every minimum has rings around it."""
    from matplotlib.colors import BoundaryNorm

    levels = np.unique(np.quantile(z.compressed(), np.linspace(0, 1, 26) ** 1.6)) if z.count() else np.array([])
    if len(levels) < 2:  # constant, or nowhere finite
        return
    filled = axes.contourf(x, y, z, levels, cmap="Blues_r", norm=BoundaryNorm(levels, 256), alpha=0.85)
    lines = axes.contour(x, y, z, levels, colors="white", linestyles="solid", linewidths=0.5, alpha=0.7)
    for drawn in (filled, lines):  # as paths they make an SVG of megabytes
        drawn.set_rasterized(True)
    bar = figure.colorbar(filled, ax=axes, ticks=levels[::5], format="%.3g", label="objective", pad=0.01, aspect=40)
    bar.minorticks_off()


def draw_legend(axes: Axes, **place: Any) -> None:
    """One row that shows each name once."""
    handles, names = axes.get_legend_handles_labels()
    unique = dict(zip(names, handles, strict=True))
    look = {"columnspacing": 0.9, "handletextpad": 0.3, "fontsize": 9, **place}
    axes.legend(list(unique.values()), list(unique), ncols=len(unique), **look)


def draw_points(axes: Axes, points: Iterable[tuple[str, Array]], size: float, alpha: float) -> None:
    for kind, (x, y) in points:
        marker, color = MARKS[kind]
        edge: dict[str, Any] = {"edgecolors": "white", "linewidths": 1, "zorder": 3}
        axes.scatter(x, y, s=size, marker=marker, color=color, alpha=alpha, label=kind, **edge)


def draw_convergence(objective: Axes, gradient: Axes, trace: Trace, problem: Problem) -> None:
    """Objective above the lowest value known, and gradient norm, against iterations."""
    iteration, f = trace["iteration"], trace["objective"]
    best = lowest(f, problem)
    gap = f - best
    positive = gap > 0
    if positive.any() and gap[positive].max() > 30 * gap[positive].min():
        objective.semilogy(iteration[positive], gap[positive], color=LINE, linewidth=1.4)
        objective.set_title(f"objective above {best:.6g}")
    else:
        objective.plot(iteration, f, color=LINE, linewidth=1.4)
        objective.set_title("objective")
    norm = trace["gradient_norm"]
    shown = norm > 0
    gradient.semilogy(iteration[shown], norm[shown], color=SECOND, linewidth=1.4)
    gradient.set_title("gradient norm")
    gradient.set_xlabel("iteration")
    objective.tick_params(labelbottom=False)
    for escape in trace.escapes:
        objective.axvline(escape.iteration, color=PATH, linewidth=1, linestyle=":")
        gradient.axvline(escape.iteration, color=PATH, linewidth=1, linestyle=":", label=f"left a {escape.point.kind}")
    if trace.escapes:
        draw_legend(gradient, loc="best")


def lowest(f: Array, problem: Problem) -> float:
    """The declared minimum where it is below all values met, else the lowest value met."""
    declared = [problem.constants.get("minimum"), *(known.value for known in problem.known)]
    return float(min([*f[np.isfinite(f)], *(value for value in declared if value is not None)], default=np.nan))


def window(met: Array, problem: Problem) -> tuple[Array, Array]:
    """Corners of a box around all points of `met` (k, 2), with a margin, inside the bounds."""
    met = met[np.isfinite(met).all(axis=1)]
    low, high = met.min(axis=0), met.max(axis=0)
    extent = high - low
    margin = np.where(extent > extent.max() / 20, 0.25 * extent.max(), 0.5 * extent)
    margin[margin == 0] = max(1.0, 0.25 * extent.max())
    low, high = low - margin, high + margin
    if problem.lower is not None and problem.upper is not None:
        low, high = np.maximum(low, problem.lower), np.minimum(high, problem.upper)
    return low, high
