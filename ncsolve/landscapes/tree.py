"""Disconnectivity graph: at which height minima come together when the landscape is flooded. [Becker & Karplus 1997]"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ncsolve.landscapes.result import Landscape

__all__ = ["Branch", "forest", "merges"]


@dataclass(frozen=True)
class Branch:
    """A minimum, or two parts that are joined by a saddle; numbers are places in `Landscape.points`."""

    height: float
    """The value of the minimum, or of the saddle."""
    minima: tuple[int, ...]
    saddle: int | None = None
    parts: tuple[Branch, ...] = ()


def merges(found: Landscape) -> list[Branch]:
    """The branches that join two others, the lowest saddle first: n - 1 of them where n minima are all connected."""
    return _flooded(found)[1]


def forest(found: Landscape) -> list[Branch]:
    """What is left in the end: one tree, or several where the list of saddles does not connect all minima."""
    whole = _flooded(found)[0]
    return sorted({id(tree): tree for tree in whole.values()}.values(), key=lambda tree: tree.height)


def _flooded(found: Landscape) -> tuple[dict[int, Branch], list[Branch]]:
    points = found.points
    tree = {k: Branch(p.objective, (k,)) for k, p in enumerate(points) if p.kind == "minimum"}
    joined = []
    for c in sorted(found.connections, key=lambda c: points[c.saddle].objective):
        if c.left is None or c.right is None or tree[c.left] is tree[c.right]:
            continue
        parts = tree[c.left], tree[c.right]
        branch = Branch(points[c.saddle].objective, parts[0].minima + parts[1].minima, c.saddle, parts)
        joined.append(branch)
        tree.update(dict.fromkeys(branch.minima, branch))
    return tree, joined
