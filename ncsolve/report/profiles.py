"""Performance profiles [Dolan & More 2002] and data profiles [More & Wild 2009]: how many problems at what cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Costs", "cost_to_reach", "data_profile", "draw_profile", "performance_profile"]

Array = NDArray[np.float64]
Costs = Mapping[str, Sequence[float]]
"""Cost of each problem for each solver; inf where it is not solved, nan where it does not apply."""
Curves = Mapping[str, Array]
"""For each solver the abscissae, sorted, at which its part of the problems rises by one; inf where it never does."""


def performance_profile(costs: Costs) -> dict[str, Array]:
    """Costs in units of the least one for the same problem: rho_s(tau) is the part of them that is at most tau."""
    table = {name: _known(row) for name, row in costs.items()}
    best = np.maximum(np.min(list(table.values()), axis=0), 1e-12)
    return {
        name: np.sort(np.divide(row, best, out=np.full(len(row), np.inf), where=np.isfinite(row)))
        for name, row in table.items()
    }


def data_profile(costs: Costs, sizes: Sequence[int]) -> dict[str, Array]:
    """Costs in units of n + 1, the evaluations of a simplex gradient: d_s(kappa) is the part that is at most kappa."""
    units = np.asarray(sizes) + 1.0
    return {name: np.sort(_known(row) / units) for name, row in costs.items()}


def _known(row: Sequence[float]) -> Array:
    """Costs, with inf where one does not apply."""
    costs = np.asarray(row, dtype=float)
    return np.where(np.isnan(costs), np.inf, costs)


def cost_to_reach(objective: Array, cost: Array, best: float, accuracy: float) -> float:
    """The cost at which f(x0) - f(x) >= (1 - accuracy) (f(x0) - best) first holds; inf if never. [More & Wild 2009]"""
    if not len(objective):
        return np.inf
    reached = np.flatnonzero(objective <= best + accuracy * (objective[0] - best))
    return float(cost[reached[0]]) if len(reached) else np.inf


def draw_profile(axes: Axes, curves: Curves, label: str, styles: Mapping[str, Mapping[str, Any]] | None = None) -> None:
    """One step function a solver, over a logarithmic axis; each begins at 0, left of all steps."""
    finite = [curve[np.isfinite(curve)] for curve in curves.values()]
    first = min((float(curve.min()) for curve in finite if len(curve)), default=1.0) / 1.15
    last = 2 * max((float(curve.max()) for curve in finite if len(curve)), default=1.0)
    for (name, curve), solved in zip(curves.items(), finite, strict=True):
        share = np.arange(1, len(solved) + 1) / max(len(curve), 1)
        x, y = np.concatenate([[first], solved, [last]]), np.concatenate([[0.0], share, share[-1:]])
        x = x if len(share) else x[[0, -1]]
        y = y if len(share) else np.zeros(2)
        axes.step(x, y, where="post", label=name, **(styles or {}).get(name, {}))
    axes.set_xscale("log", base=2)
    axes.set(xlabel=label, ylabel="part of the problems", ylim=(0, 1.02))
