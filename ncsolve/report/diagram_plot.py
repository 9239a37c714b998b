"""A bifurcation diagram: branches of critical points by kind, and where they turn or meet. Needs the extra `plot`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.report.plot import HEADING, MARKS, PATH, STYLE, draw_legend, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ncsolve.continuations import Diagram

__all__ = ["plot_diagram"]

LINES = {"minimum": "solid", "saddle": "dashed", "maximum": "dotted"}
SPECIAL = {"fold": "o", "pitchfork": "D", "transcritical": "s", "branch point": "*"}


def plot_diagram(file: Path, found: Diagram) -> None:
    """Draw the variable that varies most, and the objective, against the parameter, into an SVG or PNG file."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(11.5, 5.2), layout="constrained")
        title = f"Critical points of {found.problem.name} along {found.parameter}"
        figure.suptitle(title, **HEADING)
        left, right = figure.subplots(1, 2)
        spread = [np.ptp(b.x, axis=0) for b in found.branches]
        k = int(np.argmax(np.max(spread, axis=0))) if spread else 0
        _draw(left, found, [b.x[:, k] for b in found.branches], [float(s.x[k]) for s in found.special])
        _draw(right, found, [b.objective for b in found.branches], [s.objective for s in found.special])
        left.set(xlabel=found.parameter, ylabel=found.problem.variables.entry(k))
        right.set(xlabel=found.parameter, ylabel="objective")
        if found.branches:
            draw_legend(left, loc="upper left", bbox_to_anchor=(0, -0.12))
        save(figure, file)


def _draw(axes: Axes, found: Diagram, heights: list[NDArray[np.float64]], special: list[float]) -> None:
    for branch, height in zip(found.branches, heights, strict=True):
        for s in branch.segments:
            part = slice(s.start, s.stop + 1)
            name = f"saddle, index {s.index}" if s.kind == "saddle" else s.kind
            color = MARKS[s.kind][1]
            axes.plot(branch.parameter[part], height[part], color=color, linestyle=LINES[s.kind], label=name)
    look: dict[str, Any] = {"s": 46, "color": "white", "edgecolors": PATH, "zorder": 3}
    for point, at in zip(found.special, special, strict=True):
        axes.scatter([point.parameter], [at], marker=SPECIAL[point.kind], label=point.kind, **look)
    axes.set_xlim(found.low, found.high)
