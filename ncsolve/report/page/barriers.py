"""The barrier graph as SVG: each minimum hangs at its value from the saddle over which it reaches another one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ncsolve.landscapes.tree import Branch, forest
from ncsolve.report.page.html import Html, join, tag

if TYPE_CHECKING:
    from ncsolve.landscapes import Landscape

__all__ = ["barrier_graph"]

WIDTH, HEIGHT = 440, 280
LEFT, RIGHT, TOP, BOTTOM = 84, 16, 18, 34
MOST = 60  # minima with a number below


def barrier_graph(landscape: Landscape) -> Html | None:
    """None where fewer than two minima are connected. [Becker & Karplus 1997]"""
    trees = forest(landscape)
    order = [k for tree in trees for k in tree.minima]
    if len(order) < 2 or not any(tree.parts for tree in trees):
        return None
    low = min(landscape.points[k].objective for k in order)
    top = max(tree.height for tree in trees)
    step = (WIDTH - LEFT - RIGHT) / len(order)
    across = {k: LEFT + (place + 0.5) * step for place, k in enumerate(order)}

    def down(value: float) -> float:
        return TOP + 12 + (top - value) / ((top - low) or 1.0) * (HEIGHT - TOP - BOTTOM - 24)

    def middle(branch: Branch) -> float:
        return sum(across[k] for k in branch.minima) / len(branch.minima)

    def hang(branch: Branch, above: float) -> Iterator[Html]:
        stack = [(branch, above)]
        while stack:
            part, above = stack.pop()
            x, y = middle(part), down(part.height)
            yield tag("path", d=f"M{x:.1f} {above:.1f}V{y:.1f}", class_="branch")
            if part.parts:
                first, last = (middle(p) for p in part.parts)
                said = f"saddle {part.saddle} at f = {part.height:.6g}"
                yield tag("path", tag("title", said), d=f"M{first:.1f} {y:.1f}H{last:.1f}", class_="branch")
            stack += [(p, y) for p in part.parts]

    drawn = [*_axis(sorted({low, *_joints(trees)}), down)]
    drawn += [piece for tree in trees for piece in hang(tree, TOP)]
    for k in order:
        x, y = across[k], down(landscape.points[k].objective)
        said = f"minimum {k} at f = {landscape.points[k].objective:.6g}"
        drawn.append(tag("circle", tag("title", said), cx=f"{x:.1f}", cy=f"{y:.1f}", r=5, class_="kind-minimum"))
        if len(order) <= MOST:
            drawn.append(tag("text", k, x=f"{x:.1f}", y=f"{y + 20:.1f}", class_="tick", text_anchor="middle"))
    return tag("svg", join(*drawn), class_="barriers", viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img",
               aria_label="Disconnectivity graph of the minima")  # fmt: skip


def _joints(trees: list[Branch]) -> Iterator[float]:
    stack = list(trees)
    while stack:
        branch = stack.pop()
        if branch.parts:
            yield branch.height
        stack += branch.parts


def _axis(heights: list[float], down: Callable[[float], float]) -> Iterator[Html]:
    """The heights of saddles and of the lowest minimum, as far as they do not overlap."""
    last = float("inf")
    for value in heights:
        y = down(value)
        if last - y < 15:
            continue
        last = y
        yield tag("text", f"{value:.5g}", x=LEFT - 10, y=f"{y + 4:.1f}", class_="tick", text_anchor="end")
        yield tag("path", d=f"M{LEFT - 5} {y:.1f}H{WIDTH - RIGHT}", class_="grid")
