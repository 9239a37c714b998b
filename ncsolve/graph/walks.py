"""A walk through graphs, without recursion: derivatives may be deeper than Python's stack."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

__all__ = ["reachable"]

T = TypeVar("T", bound=Hashable)


def reachable(roots: Iterable[T], below: Callable[[T], Iterable[T]]) -> set[T]:
    """The roots and everything below them."""
    seen: set[T] = set()
    stack = list(roots)
    while stack:
        top = stack.pop()
        if top not in seen:
            seen.add(top)
            stack.extend(below(top))
    return seen
