"""The clustering problem, f(C) = s sum_i min_k |a_i - c_k|^2, recognised in a graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ncsolve.graph.derivation import Derivation
from ncsolve.graph.graph import Graph
from ncsolve.graph.nodes import Affine, Contract, Gather, Index, Node, Pointwise, Subscript

__all__ = ["Clustering", "clustering_of"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Clustering:
    """The points a_i, (N, d), the number k of centres, and the factor s; x, read as (k, d), holds the centres."""

    points: Array
    clusters: int
    scale: float


def clustering_of(derivation: Derivation, parameters: Mapping[str, float]) -> Clustering | None:
    """The clustering that an objective is, or None."""
    if derivation.samples is None:
        return None
    graph, root = derivation.graph, derivation.value
    dependent = [o for o in root.operands if o.dependent]
    if not isinstance(root, Pointwise) or len(dependent) != 1:
        return None
    total = dependent[0]
    factor = sp.Mul(root.kernel, 1 / total.symbol)
    if total.symbol in factor.free_symbols or not isinstance(total, Contract) or len(total.operands) != 1:
        return None
    values = {o.symbol: sp.Float(parameters[o.leaf.name]) for o in root.operands if isinstance(o, Gather)}
    scale = factor.xreplace(values)
    if not scale.is_number or derivation.samples not in total.over:
        return None
    axes = tuple(i for i in total.over if i != derivation.samples)  # of a single centre: both sums are one
    leaves = [total.operands[0]] if axes else _minimum(graph, total.operands[0])
    pairs = [_distance(leaf, derivation.samples, axes) for leaf in leaves]
    if not pairs or None in pairs:
        return None
    points = {point for point, _ in filter(None, pairs)}
    centres = sorted(centre for _, centre in filter(None, pairs))
    (name,) = points if len(points) == 1 else (None,)
    variable = derivation.variables[0]
    width = derivation.n // len(centres)
    if name is None or len(derivation.variables) != 1 or centres != [width * k for k in range(len(centres))]:
        return None
    array = np.asarray(graph.arrays[name], dtype=float).reshape(derivation.samples.size, -1)
    return Clustering(array, len(centres), float(scale)) if variable.size == len(centres) * array.shape[1] else None


def _minimum(graph: Graph, node: Node) -> Iterator[Node]:
    """What a nest of minima is the minimum of."""
    kernel = graph.inline(node)
    if isinstance(kernel, sp.Min):
        for argument in kernel.args:
            yield from _minimum(graph, graph.pointwise(argument))
    elif isinstance(node, Pointwise) and isinstance(node.kernel, sp.Min):
        yield from _minimum(graph, node)
    else:
        yield node


def _distance(node: Node, samples: Index, axes: tuple[Index, ...]) -> tuple[str, int] | None:
    """Of |a_i - c_k|^2, summed over the axes, the name of the array a and where in x the centre c_k begins."""
    if isinstance(node, Contract):
        if axes or len(node.operands) != 1 or len(node.over) != 1:
            return None
        axes, node = node.over, node.operands[0]
    if not isinstance(node, Pointwise) or len(node.operands) != 2:
        return None
    gathers = [o for o in node.operands if isinstance(o, Gather)]
    a = next((g for g in gathers if g.leaf.role == "data"), None)
    c = next((g for g in gathers if g.leaf.role == "variable"), None)
    if a is None or c is None or sp.expand(node.kernel - (a.symbol - c.symbol) ** 2) != 0:
        return None
    whole = tuple(Affine(i, 1, 0) for i in (samples, *axes))
    sizes = [size for size in a.leaf.shape[1:] if size > 1]
    if _proper(a) != whole or [i.size for i in axes] != sizes or samples.size != a.leaf.shape[0]:
        return None
    first = c.subscripts[0] if c.subscripts else Affine(None, 0, 0)
    rest = tuple(s for s in c.subscripts[1:] if s.indices)
    if not isinstance(first, Affine) or first.index is not None or rest != whole[1:]:
        return None
    return a.leaf.name, c.leaf.offset + first.offset * int(np.prod(c.leaf.shape[1:], dtype=int))


def _proper(gather: Gather) -> tuple[Subscript, ...]:
    """The subscripts of all axes but those of length one."""
    return tuple(s for s, size in zip(gather.subscripts, gather.leaf.shape, strict=True) if size > 1)
