"""A finished search as a tree of boxes that can be checked without searching.

The tree is a text, in preorder, with one letter for each box:

    .   grad f is zero nowhere in it
    k   Newton's method leaves nothing of it
    z   made a little larger, it has exactly one zero
    c   its zeros are in a part of it, which comes next; the part is the next one of `cuts`
    s   it is halved, and the lower half comes next, then the upper half; axis and place are the next ones of `splits`
    ?   nothing is proven
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import StoreError
from ncsolve.landscapes.look import EMPTY, EXCLUDED, HALVED, NARROWED, OPEN, ZERO
from ncsolve.landscapes.newton import Boxes
from ncsolve.landscapes.search import Search

__all__ = ["Proof"]

Array = NDArray[np.float64]
Places = NDArray[np.int64]

LEAVES = {EMPTY: ".", EXCLUDED: "k", ZERO: "z", OPEN: "?"}


@dataclass(frozen=True, eq=False)
class Proof:
    """What was shown of each box; `of` a search, or read from a file."""

    tree: str
    cuts: Boxes
    axis: Places
    at: Array

    @classmethod
    def of(cls, search: Search, ambiguous: Places) -> Proof:
        """`ambiguous` are those of the boxes with a zero, by their order, whose zero has no certificate."""
        n, looks = search.n, search.looks
        if not looks:
            return cls("?", Boxes.join([], n), np.empty(0, dtype=np.int64), np.empty(0))
        looked = Boxes.join([look.left for look in looks], n)
        fate, cut = (np.concatenate([getattr(look, name) for look in looks]) for name in ("fate", "cut"))
        axis, at = (np.concatenate([getattr(look, name) for look in looks]) for name in ("axis", "at"))
        fate[np.flatnonzero(fate == ZERO)[ambiguous]] = OPEN
        first, second = _children([look.fate for look in looks])
        letters: list[str] = []
        cuts: list[int] = []
        splits: list[int] = []
        stack = [0]
        while stack:
            k = stack.pop()
            if k >= len(fate):
                letters.append("?")
                continue
            if cut[k] or fate[k] == NARROWED:
                letters.append("c")
                cuts.append(k)
            if fate[k] == HALVED:
                letters.append("s")
                splits.append(k)
                stack += [second[k], first[k]]
            elif fate[k] == NARROWED:
                stack.append(first[k])
            else:
                letters.append(LEAVES[int(fate[k])])
        return cls("".join(letters), looked.take(np.array(cuts, dtype=int)), axis[splits], at[splits])

    @property
    def boxes(self) -> int:
        return len(self.tree)

    def to_json(self) -> dict[str, Any]:
        cuts = np.stack([self.cuts.lower, self.cuts.upper], axis=1)
        return {"tree": self.tree, "cuts": cuts.tolist(), "axes": self.axis.tolist(), "places": self.at.tolist()}

    @classmethod
    def from_json(cls, data: Any, n: int) -> Proof:
        """Raises `StoreError` for what is no tree over n variables."""
        try:
            cuts = np.array(data["cuts"], dtype=float).reshape(-1, 2, n)
            axis, at = np.array(data["axes"], dtype=np.int64), np.array(data["places"], dtype=float)
            proof = cls(str(data["tree"]), Boxes(cuts[:, 0], cuts[:, 1]), axis.reshape(-1), at.reshape(-1))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise StoreError(f"the tree of boxes cannot be read: {error}") from error
        tree = proof.tree
        fits = tree.count("c") == len(cuts) and tree.count("s") == len(axis) == len(at)
        if not fits or set(tree) - set(".kzcs?") or ((axis < 0) | (axis >= n)).any():
            raise StoreError("the tree of boxes and its numbers do not fit together.")
        return proof

    def placed(self, lower: Array, upper: Array) -> Boxes:
        """The box of each letter: (m, n), of a tree over [lower, upper]. Raises `StoreError` if a box is missing."""
        parent, side = self._parents()
        letters = np.frombuffer(self.tree.encode(), dtype="S1")
        number = np.where(letters == b"c", np.cumsum(letters == b"c"), np.cumsum(letters == b"s")) - 1
        low, high = np.empty((len(letters), lower.size)), np.empty((len(letters), lower.size))
        low[0], high[0] = lower, upper
        for rows in _generations(parent):
            above, which = parent[rows], number[parent[rows]]
            low[rows], high[rows] = low[above], high[above]
            narrowed = letters[above] == b"c"
            low[rows[narrowed]] = self.cuts.lower[which[narrowed]]
            high[rows[narrowed]] = self.cuts.upper[which[narrowed]]
            for end, half in ((high, 0), (low, 1)):
                chosen = ~narrowed & (side[rows] == half)
                end[rows[chosen], self.axis[which[chosen]]] = self.at[which[chosen]]
        return Boxes(low, high)

    def _parents(self) -> tuple[Places, Places]:
        """The place of the letter above each, and whether it is the upper half of it."""
        parent, side = np.zeros(len(self.tree), dtype=np.int64), np.zeros(len(self.tree), dtype=np.int64)
        stack = [(0, 0)]
        for k, letter in enumerate(self.tree):
            if not stack:
                raise StoreError("the tree of boxes has a box too many.")
            parent[k], side[k] = stack.pop()
            if letter == "s":
                stack.append((k, 1))
            if letter in "sc":
                stack.append((k, 0))
        if stack:
            raise StoreError("the tree of boxes lacks a box: a part of the whole is not accounted for.")
        return parent, side


def _children(fates: list[NDArray[np.uint8]]) -> tuple[Places, Places]:
    """Numbers of the boxes that come from each, in the order in which `Look.open` lists them; boxes are numbered as
    they were opened, which is the order in which they were looked at."""
    first, second, opened = [], [], 1
    for fate in fates:
        again, halved = fate == NARROWED, fate == HALVED
        a, h = int(again.sum()), int(halved.sum())
        one, two = np.full(len(fate), -1), np.full(len(fate), -1)
        one[again] = opened + np.arange(a)
        one[halved] = opened + a + np.arange(h)
        two[halved] = opened + a + h + np.arange(h)
        first.append(one)
        second.append(two)
        opened += a + 2 * h
    return np.concatenate(first), np.concatenate(second)


def _generations(parent: Places) -> Iterator[Places]:
    """All places but the first, those above before those below."""
    depth = np.zeros(len(parent), dtype=np.int64)
    for k, above in enumerate(parent.tolist()[1:], start=1):
        depth[k] = depth[above] + 1
    order = np.argsort(depth, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(depth[order])) + 1)[1:]
