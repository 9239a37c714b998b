"""Profiles of a contest as files; what they are is in ncsolve.report.profiles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ncsolve.report import profiles
from ncsolve.report.profiles import Costs

PEERS = ("trust-ncg", "trust-exact", "trust-krylov")


def performance_profile(costs: Costs, title: str, path: Path) -> None:
    """The part of the problems that each solver solves within a factor tau of the best one."""
    _plot(profiles.performance_profile(costs), "within this factor of the best", title, path)


def data_profile(costs: Costs, sizes: Sequence[int], title: str, path: Path) -> None:
    """The part of the problems that each solver solves with so many evaluations for each n + 1."""
    _plot(profiles.data_profile(costs, sizes), "evaluations / (n + 1)", title, path)


def _plot(curves: profiles.Curves, label: str, title: str, path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    peers = {name for name in curves if name.isupper() or "-CG" in name or name in PEERS}
    styles = {
        name: {"linestyle": "--" if name in peers else "-", "color": f"C{k % 10}"} for k, name in enumerate(curves)
    }
    profiles.draw_profile(axes, curves, label, styles)
    axes.set_title(title)
    axes.legend(fontsize=8, loc="lower right")
    figure.savefig(path)
