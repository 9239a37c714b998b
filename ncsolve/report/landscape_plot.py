"""Pictures of a landscape: a contour with all critical points and the flow from saddles, and the barriers.

Needs the extra `plot`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ncsolve.oracle import compile
from ncsolve.report.plot import GRID, PATH, STYLE, draw_legend, draw_levels, draw_points, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ncsolve.landscapes import Landscape

__all__ = ["plot_landscape"]


def plot_landscape(file: Path, found: Landscape) -> None:
    """Draw a landscape into an SVG or PNG file: with two variables the contour, and the values with their barriers."""
    import matplotlib
    from matplotlib.figure import Figure

    planar = found.problem.n == 2
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(11.5 if planar else 7, 5.6), layout="constrained")
        proof = "complete, proven" if found.complete else "not proven complete"
        counts = ", ".join(f"{kind} {number}" for kind, number in found.counts.items())
        figure.suptitle(f"Critical points of {found.problem.name}: {counts} ({proof})", x=0.01, ha="left", fontsize=12)
        panels = figure.subplots(1, 2 if planar else 1, squeeze=False, width_ratios=[1.5, 1] if planar else None)[0]
        if planar:
            _contour(figure, panels[0], found)
        _barriers(panels[-1], found)
        save(figure, file)


def _contour(figure: Figure, axes: Axes, found: Landscape) -> None:
    x, y = np.linspace(found.lower, found.upper, GRID).T
    z = compile(found.problem).value(np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)).reshape(GRID, GRID)
    draw_levels(figure, axes, x, y, np.ma.masked_invalid(z))
    for connection in found.connections:
        for path in connection.paths:
            axes.plot(*path.T, color="white", linewidth=2.4)
            axes.plot(*path.T, color=PATH, linewidth=1.0, label="flow from a saddle")
    for region in found.undecided[:400]:
        low, high = region.lower, region.upper
        corners: Any = ([low[0], high[0], high[0], low[0], low[0]], [low[1], low[1], high[1], high[1], low[1]])
        axes.plot(*corners, color="#cc79a7", linewidth=1.2, linestyle="--", label="undecided")
    draw_points(axes, [(p.kind, p.x) for p in found.points], size=70 if len(found.points) < 60 else 22, alpha=1.0)
    entry = found.problem.variables.entry
    axes.set(xlim=x[[0, -1]], ylim=y[[0, -1]], xlabel=entry(0), ylabel=entry(1))
    axes.grid(visible=False)
    draw_legend(axes, loc="upper center", bbox_to_anchor=(0.5, -0.11))


def _barriers(axes: Axes, found: Landscape) -> None:
    """Each point at its value, in the order of the list, and lines from saddles down to the minima they connect."""
    from matplotlib.ticker import MaxNLocator

    points = found.points
    for c in found.connections:
        for k in (c.left, c.right):
            if k is not None:
                values = [points[c.saddle].objective, points[k].objective]
                axes.plot([c.saddle, k], values, color=PATH, linewidth=0.8, alpha=0.6, label="falls to")
    draw_points(axes, [(p.kind, np.array([k, p.objective])) for k, p in enumerate(points)], size=60, alpha=1.0)
    axes.set(xlabel="number in the list", title="values and barriers")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if found.connections:
        draw_legend(axes, loc="upper center", bbox_to_anchor=(0.5, -0.11))
