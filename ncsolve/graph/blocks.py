"""Blocks of variables in which an objective is quadratic, and the independent systems that each falls into.

f is quadratic in a block when no second derivative within the block depends on the block, which is read off the graph:
its third derivatives vanish. A block separates where the two gathers of every second derivative agree in some axes: the
residual R[k] - sum_c U[row[k], c] V[column[k], c] couples U[i, c] with U[i, d] only, so that U is one system per row.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from ncsolve.graph.derivation import Derivation
from ncsolve.graph.differentiate import Block
from ncsolve.graph.kinks import switching
from ncsolve.graph.nodes import Affine, Gather, Index, Leaf, Node, Subscript

if TYPE_CHECKING:
    from ncsolve.problem.variables import Variable

__all__ = ["VariableBlock", "found_blocks", "subscripts_of", "whole_indices"]

Keys = tuple[tuple[int, ...], ...]

_MOST = 64
"""Variables up to which blocks are looked for; among very many scalars there is no structure to be found this way."""


@dataclass(frozen=True)
class VariableBlock:
    """Some variables; `quadratic` where f is that in all of them jointly, the others fixed.

    `keys` holds, for each variable, the axes that number its independent systems: `systems` of them with `size`
    unknowns each.
    """

    variables: tuple[Variable, ...]
    quadratic: bool
    keys: Keys
    systems: int
    size: int

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(v.name for v in self.variables)

    def __str__(self) -> str:
        if not self.quadratic:
            return f"{', '.join(self.names)} (not quadratic)"
        systems = f"{self.systems} systems of {self.size}" if self.systems > 1 else f"one system of {self.size}"
        return f"{', '.join(self.names)} ({systems})"


def found_blocks(derivation: Derivation, declared: Iterable[Iterable[str]] = ()) -> tuple[VariableBlock, ...]:
    """The declared blocks, or, without any, blocks in which f is quadratic and one more for all other variables.

    Variables are put together where f is quadratic in them jointly and their systems are no larger for it.
    """
    finder = _Finder(derivation)
    named = {v.name: v for v in derivation.variables}
    groups = [finder.block(tuple(named[name] for name in group)) for group in declared]
    if groups:
        return tuple(groups)
    if len(named) > _MOST:
        return (finder.block(tuple(named.values())),)
    rest: list[Variable] = []
    for variable in derivation.variables:
        alone = finder.block((variable,))
        if not alone.quadratic:
            rest.append(variable)
            continue
        for k, group in enumerate(groups):
            joint = finder.block((*group.variables, variable))
            if joint.quadratic and joint.size <= group.size + alone.size:
                groups[k] = joint
                break
        else:
            groups.append(alone)
    return (*groups, *([finder.block(tuple(rest))] if rest else []))


class _Finder:
    def __init__(self, derivation: Derivation) -> None:
        self.derivation = derivation
        self._reads: dict[int, frozenset[str]] = {}
        self.switches = [self.reads(node) for node in switching(derivation.graph, derivation.value)]

    def block(self, variables: tuple[Variable, ...]) -> VariableBlock:
        names = frozenset(v.name for v in variables)
        inside = [b for b in self.derivation.blocks if self._of(b.row.leaf) & names and self._of(b.column.leaf) & names]
        quadratic = not any(self.reads(b.coefficient) & names for b in inside)
        quadratic = quadratic and not any(read & names for read in self.switches)
        keys = self._keys(variables, inside) if quadratic else tuple(() for _ in variables)
        systems = math.prod(variables[0].shape[a] for a in keys[0])
        return VariableBlock(variables, quadratic, keys, systems, sum(v.size for v in variables) // systems)

    def reads(self, node: Node) -> frozenset[str]:
        """The names of the variables that a node depends on."""
        for part in self.derivation.graph.reachable([node]):
            if part.id not in self._reads:
                own = self._of(part.leaf) if isinstance(part, Gather) else frozenset[str]()
                self._reads[part.id] = own.union(*(self._reads[o.id] for o in part.operands))
        return self._reads[node.id]

    def _of(self, leaf: Leaf) -> frozenset[str]:
        """The variables that share entries with a leaf; a sum that was re-rolled reads many."""
        if leaf.role != "variable":
            return frozenset()
        start, stop = leaf.offset, leaf.offset + leaf.size
        return frozenset(v.name for v in self.derivation.variables if v.offset < stop and start < v.offset + v.size)

    def _keys(self, variables: tuple[Variable, ...], inside: list[Block]) -> Keys:
        """The axes that the systems are numbered by: all possible ones of a single variable, one of each of several."""
        none: Keys = tuple(() for _ in variables)
        if any(b.row.leaf.size != v.size for b in inside for v in variables if v.name in self._of(b.row.leaf)):
            return none
        place = {v.offset: k for k, v in enumerate(variables)}
        pairs = [(place[b.row.leaf.offset], place[b.column.leaf.offset], *subscripts_of(b)) for b in inside]
        if len(variables) == 1:
            axes = range(len(variables[0].shape))
            return (tuple(a for a in axes if all(row[a] == column[a] for _, _, row, column in pairs)),)
        for choice in product(*(range(len(v.shape)) for v in variables)):
            sizes = {v.shape[a] for v, a in zip(variables, choice, strict=True)}
            if len(sizes) == 1 and all(row[choice[j]] == column[choice[k]] for j, k, row, column in pairs):
                return tuple((a,) for a in choice)
        return none


def subscripts_of(block: Block) -> tuple[tuple[Subscript, ...], tuple[Subscript, ...]]:
    """The subscripts of the row's and of the column's gather, in the indices of the coefficient."""
    names = dict(zip(block.column.indices, block.columns, strict=True))
    return block.row.subscripts, tuple(s.renamed(names) for s in block.column.subscripts)


def whole_indices(subscript: Subscript, size: int) -> tuple[Index, ...]:
    """The index that runs over all of an axis in order, if the subscript is one."""
    if not isinstance(subscript, Affine) or subscript.index is None:
        return ()
    form = subscript.stride, subscript.offset, subscript.index.size
    return (subscript.index,) if form == (1, 0, size) else ()
