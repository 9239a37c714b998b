"""Penalties of the norms of groups of entries: a whole group is zero, or none of it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncsolve.errors import ProblemError
from ncsolve.penalties.base import Active, Array, Entries, Penalty, number
from ncsolve.penalties.convex import L1
from ncsolve.penalties.nonconvex import MCP
from ncsolve.penalties.separable import Separable

__all__ = ["GroupLasso", "GroupMCP"]

Labels = NDArray[np.intp]


@dataclass(frozen=True)
class Grouped(Penalty):
    """sum over groups G of p(|x_G|), where lambda grows to lambda sqrt(|G|).

    `groups`: without it each row of a matrix is a group, and a vector is one; a number k stands for k entries after k
    entries; a list of lists of places in the flattened variable says it all, and what it leaves out is not penalised.
    """

    groups: Any = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.groups, Sequence):
            object.__setattr__(self, "groups", tuple(tuple(group) for group in self.groups))
        elif self.groups is not None and not (isinstance(self.groups, Integral) and int(self.groups) >= 1):
            raise ProblemError(
                f"penalty: groups of {type(self).__name__} must be a size or a list of lists of places, "
                f"not {self.groups!r}."
            )

    @property
    @abstractmethod
    def radial(self) -> Separable:
        """p, at lambda itself: lambda sqrt(|G|) = c lambda scales it to c^2 p(r / c)."""

    def check_shape(self, shape: tuple[int, ...], what: str) -> None:
        size = int(np.prod(shape))
        if isinstance(self.groups, Integral) and size % int(self.groups):
            raise ProblemError(f"{what}: {size} entries do not divide into groups of {self.groups}.")
        if isinstance(self.groups, tuple):
            places = [place for group in self.groups for place in group]
            if not all(isinstance(place, Integral) and 0 <= int(place) < size for place in places):
                raise ProblemError(f"{what}: groups must hold integers from 0 to {size - 1}.")
            if len(set(places)) < len(places):
                twice = next(place for place in places if places.count(place) > 1)
                raise ProblemError(f"{what}: place {twice} is in two groups. Groups must be disjoint.")

    def labels(self, shape: tuple[int, ...]) -> Labels:
        """The number of the group of each entry, flattened; -1 where there is none."""
        size = int(np.prod(shape))
        if isinstance(self.groups, tuple):
            label = np.full(size, -1)
            for k, group in enumerate(self.groups):
                label[list(group)] = k
            return label
        rows = size // shape[0] if len(shape) > 1 else size
        return np.arange(size) // (rows if self.groups is None else int(self.groups))

    def _norms(self, x: Array) -> tuple[Labels, Array, Array]:
        """The label of each entry, the norm r of each group and c, the root of its size."""
        label = self.labels(x.shape)
        inside, flat = label >= 0, x.ravel()
        count = int(label.max(initial=-1)) + 1
        squares = np.bincount(label[inside], flat[inside] ** 2, minlength=count)
        sizes = np.bincount(label[inside], minlength=count)
        return label, np.sqrt(squares), np.sqrt(np.maximum(sizes, 1))

    def value(self, x: ArrayLike) -> float:
        _, r, c = self._norms(np.asarray(x, dtype=np.float64))
        return float((c**2 * self.radial.profile(r / c)).sum())

    def prox(self, v: ArrayLike, t: float) -> Array:
        """The group keeps its direction: its norm goes through the prox of p."""
        v = np.asarray(v, dtype=np.float64)
        label, r, c = self._norms(v)
        ratio = np.divide(c * self.radial.prox(r / c, t), r, out=np.zeros_like(r), where=r > 0)
        return np.asarray(v * _spread(ratio, label, 1.0).reshape(v.shape))

    def least_subgradient(self, x: Array, g: Array) -> Array:
        label, r, c = self._norms(x)
        steep = self._norms(g)[1]
        left = np.maximum(1 - c * self.radial.edge() / np.where(steep > 0, steep, 1.0), 0.0)
        at_zero = _spread(np.where(r == 0, left, 1.0), label, 1.0).reshape(x.shape)
        return np.asarray((g + self.gradient(x)) * at_zero)

    def active(self, x: Array, g: Array) -> Active:
        label, r, c = self._norms(x)
        held = (r == 0) & (self.radial.edge() > 0)
        slack = np.where(held, c * self.radial.edge() - self._norms(g)[1], np.inf)
        return Active(~_spread(held, label, False), _spread(slack, label, np.inf))

    def gradient(self, x: Array) -> Array:
        """c p'(r / c) x_G / r"""
        label, r, c = self._norms(x)
        slope = np.divide(c * self.radial.derivative(r / c, 1), r, out=np.zeros_like(r), where=r > 0)
        return np.asarray(x * _spread(slope, label, 0.0).reshape(x.shape))

    def hessian(self, x: Array) -> Entries:
        """p'' u u' + (c p' / r) (I - u u') with u = x_G / r, a block for each group."""
        label, r, c = self._norms(x)
        flat, bend = x.ravel(), self.radial.derivative(r / c, 2)
        turn = np.divide(c * self.radial.derivative(r / c, 1), r, out=np.zeros_like(r), where=r > 0)
        order = np.argsort(label, kind="stable")
        members = np.split(order, np.searchsorted(label[order], np.arange(r.size)))[1:]
        values, rows, columns = ([part] for part in super().hessian(x))
        for k in np.flatnonzero(r > 0):
            place = members[k]
            u = flat[place] / r[k]
            block = turn[k] * np.eye(place.size) + (bend[k] - turn[k]) * np.outer(u, u)
            values.append(block.ravel())
            rows.append(np.repeat(place, place.size))
            columns.append(np.tile(place, place.size))
        return np.concatenate(values), np.concatenate(rows), np.concatenate(columns)


def _spread(of_group: NDArray[Any], label: Labels, otherwise: float) -> NDArray[Any]:
    """What belongs to a group given to each of its entries."""
    return np.append(of_group, np.asarray(otherwise, of_group.dtype))[label]


@dataclass(frozen=True)
class GroupLasso(Grouped):
    """sum_G lambda sqrt(|G|) |x_G|, norms not squared. [Yuan & Lin 2006]

    strength = lambda >= 0. prox: v_G max(1 - t lambda sqrt(|G|) / |v_G|, 0).
    """

    strength: float = number(at_least=0)

    @property
    def radial(self) -> Separable:
        return L1(self.strength)


@dataclass(frozen=True)
class GroupMCP(Grouped):
    """sum_G MCP(|x_G|; lambda sqrt(|G|), gamma). [Huang, Breheny & Ma 2012]

    strength = lambda >= 0, gamma > 0. prox: v_G times that of MCP at |v_G|, over |v_G|.
    """

    strength: float = number(at_least=0)
    gamma: float = number(3.0, above=0)

    @property
    def radial(self) -> Separable:
        return MCP(self.strength, self.gamma)
