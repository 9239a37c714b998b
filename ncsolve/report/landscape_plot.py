"""Pictures of a landscape: a contour with all critical points, the flow from saddles, the disconnectivity graph.

Needs the extra `plot`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ncsolve.landscapes.tree import Branch, forest
from ncsolve.oracle import compile
from ncsolve.report.plot import GRID, HEADING, LINE, PATH, STYLE, draw_legend, draw_levels, draw_points, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ncsolve.landscapes import Landscape

__all__ = ["plot_landscape"]


def plot_landscape(file: Path, found: Landscape) -> None:
    """Draw a landscape into an SVG or PNG file: the contour of two variables, and which minima join where."""
    import matplotlib
    from matplotlib.figure import Figure

    planar = found.problem.n == 2
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(11.5 if planar else 7, 5.6), layout="constrained")
        proof = "complete, proven" if found.complete else "not proven complete"
        counts = ", ".join(f"{kind} {number}" for kind, number in found.counts.items())
        title = f"Critical points of {found.problem.name}: {counts} ({proof})"
        figure.suptitle(title, **HEADING)
        panels = figure.subplots(1, 2 if planar else 1, squeeze=False, width_ratios=[1.5, 1] if planar else None)[0]
        if planar:
            _contour(figure, panels[0], found)
        _tree(panels[-1], found)
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


def _tree(axes: Axes, found: Landscape) -> None:
    """The disconnectivity graph: each minimum hangs at its value from the saddle over which it reaches another one."""
    trees = forest(found)
    order = {k: place for place, k in enumerate(k for tree in trees for k in tree.minima)}
    top = max((tree.height for tree in trees), default=0.0)
    bottom = min((found.points[k].objective for k in order), default=0.0)
    for tree in trees:
        _hang(axes, tree, order, top + 0.05 * (top - bottom))
    met = [("minimum", np.array([place, found.points[k].objective])) for k, place in order.items()]
    draw_points(axes, met, size=60 if len(met) < 60 else 16, alpha=1.0)
    names = [str(k) for k in order] if len(order) <= 30 else []
    axes.set(
        xticks=range(len(names)), xticklabels=names, xlabel="minimum, by its number in the list", ylabel="objective"
    )
    axes.set_title("disconnectivity graph")
    axes.grid(visible=False, axis="x")


def _hang(axes: Axes, branch: Branch, order: dict[int, int], above: float) -> None:
    """A branch from the height above it down to its minima."""
    stack = [(branch, above)]
    while stack:
        part, above = stack.pop()
        middle = _middle(part, order)
        axes.plot([middle, middle], [part.height, above], color=LINE, linewidth=1.1)
        if part.parts:
            axes.plot([_middle(p, order) for p in part.parts], [part.height] * 2, color=LINE, linewidth=1.1)
        stack += [(p, part.height) for p in part.parts]


def _middle(branch: Branch, order: dict[int, int]) -> float:
    return float(np.mean([order[k] for k in branch.minima]))
