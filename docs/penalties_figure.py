"""The picture of every penalty and its prox on the page about penalties: python penalties_figure.py FILE."""

import sys

import matplotlib
import numpy as np
from matplotlib.figure import Figure

import ncsolve as nc

V = np.linspace(-3, 3, 1201)
STEPS = ((0.5, "#56b4e9"), (1.0, "#0072b2"), (2.2, "#d55e00"))
# each along a line x(v), and what of the prox is drawn
ENTRY, ROW, MATRIX, CORNER = (
    (lambda v: np.array([v]), lambda z: z[0]),
    (lambda v: v * np.array([0.6, 0.8]), lambda z: z @ [0.6, 0.8]),
    (lambda v: np.diag([v, 0]), lambda z: z[0, 0]),
    (lambda v: np.array([v, 0]), lambda z: z[0]),
)
PANELS = [
    (nc.L1(1), ENTRY, "$|x|$"),
    (nc.L2(1), ENTRY, "$x^2/2$"),
    (nc.ElasticNet(1, 0.5), ENTRY, "$|x|/2 + x^2/4$"),
    (nc.GroupLasso(0.7), ROW, "along $(3, 4)/5$"),
    (nc.NuclearNorm(1), MATRIX, "along diag(1, 0)"),
    (nc.SCAD(1, 2.5), ENTRY, "$a = 2.5$"),
    (nc.MCP(1, 2), ENTRY, r"$\gamma = 2$"),
    (nc.GroupMCP(0.7, 2), ROW, r"along $(3, 4)/5$, $\gamma = 2$"),
    (nc.CappedL1(1, 1.5), ENTRY, r"$\min(|x|, 3/2)$"),
    (nc.LogSum(1, 0.5), ENTRY, r"$\log(1 + 2|x|)$"),
    (nc.LHalf(1), ENTRY, r"$\sqrt{|x|}$"),
    (nc.L0(1), ENTRY, r"$x \neq 0$"),
    (nc.Box(-1, 2), ENTRY, "$[-1, 2]$"),
    (nc.Simplex(1), CORNER, "first entry, along $(v, 0)$"),
]


def draw(file):
    style = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.3,
             "svg.hashsalt": "ncsolve", "svg.fonttype": "path", "legend.frameon": False}  # fmt: skip
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(13, 8.4), layout="constrained")
        panels = figure.subplots(3, 5, sharex=True, sharey=True).ravel()
        for axes, (penalty, (point, shown), text) in zip(panels, PANELS, strict=False):
            lines = draw_panel(axes, penalty, point, shown)
            axes.set_title(f"{type(penalty).__name__}: {text}", loc="left", fontsize=9)
        panels[-1].axis("off")
        panels[-1].legend(handles=lines, loc="center", fontsize=11)
        for axes in panels[-5:]:
            axes.set_xlabel("x, or v")
        panels[0].set(xlim=(-3, 3), ylim=(-3, 3))
        panels[9].tick_params(labelbottom=True)
        figure.savefig(file, dpi=110, metadata={"Date": None} if str(file).endswith("svg") else None)


def draw_panel(axes, penalty, point, shown):
    """p along the line, and the prox for each step; a jump is a gap."""
    values = np.array([penalty.value(point(v)) for v in V])
    values[~np.isfinite(values)] = np.nan
    (height,) = axes.plot(V, broken(values), color="#333333", linewidth=2, label="p(x)")
    axes.axline((0, 0), slope=1, color="#999999", linewidth=0.7, linestyle=":")
    lines = [height]
    for t, color in STEPS:
        z = np.array([shown(penalty.prox(point(v), t)) for v in V])
        lines += axes.plot(V, broken(z), color=color, linewidth=1.5, label=f"prox, t = {t:g}")
    return lines


def broken(y):
    """nan behind each jump, so that no line is drawn there."""
    return np.where(np.abs(np.diff(y, prepend=y[0])) > 0.1, np.nan, y)


if __name__ == "__main__":
    draw(sys.argv[1])
