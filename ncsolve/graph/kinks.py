"""Where an objective is not smooth: functions with a kink or a jump whose arguments depend on the variables."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp

from ncsolve.graph import kernels
from ncsolve.graph.graph import Graph
from ncsolve.graph.nodes import Node, Pointwise

__all__ = ["kinks", "switching"]

_NAMES: dict[type[sp.Basic], str] = {
    sp.Abs: "Abs", sp.Max: "Max", sp.Min: "Min", sp.sign: "sign", sp.Heaviside: "Heaviside", sp.floor: "floor",
    sp.ceiling: "ceiling", sp.Mod: "Mod", sp.Piecewise: "Piecewise", kernels.hypot: "norm",
}  # fmt: skip


def kinks(graph: Graph, root: Node) -> tuple[str, ...]:
    """The non-smooth functions, by name, whose arguments depend on the variables."""
    return tuple(sorted({_NAMES[type(part)] for part, _ in _found(graph, root)}))


def switching(graph: Graph, root: Node) -> list[Node]:
    """The nodes that decide on which side of a kink the objective is."""
    return list(dict.fromkeys(node for _, nodes in _found(graph, root) for node in nodes))


def _found(graph: Graph, root: Node) -> Iterator[tuple[sp.Basic, list[Node]]]:
    """Each function that meets its kink as the variables move, and the operands that move it."""
    for node in graph.reachable([root]):
        if isinstance(node, Pointwise) and node.dependent:
            for part in node.kernel.atoms(*_NAMES):
                symbols = _arguments(part)
                if nodes := [o for o in node.operands if o.dependent and o.symbol in symbols]:
                    yield part, nodes


def _arguments(part: sp.Basic) -> set[sp.Basic]:
    """The symbols on which the kink depends: of a Piecewise the conditions', of a norm none if it avoids the origin."""
    if isinstance(part, sp.Piecewise):
        return set().union(*(piece.cond.free_symbols for piece in part.args))
    if isinstance(part, kernels.hypot) and any(leg.is_number and leg != 0 for leg in part.args):
        return set()
    return set(part.free_symbols)
