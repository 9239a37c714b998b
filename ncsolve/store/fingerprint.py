"""Whether two declarations are the same problem: digests of a canonical text of each part."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from ncsolve.problem.stored import StoredArray

if TYPE_CHECKING:
    from ncsolve.problem import Problem

__all__ = ["fingerprint"]

PARTS = (
    "objective",
    "variables",
    "parameters",
    "data",
    "lower",
    "upper",
    "start",
    "declared_penalty",
    "equal",
    "less",
    "samples",
    "dropout",
    "blocks",
    "constants",
    "signs",
)
"""What a run depends on. Names, descriptions and known points are left out."""


def fingerprint(problem: Problem) -> dict[str, str]:
    """{part of the declaration: digest}, and under "all" the digest of them together.

    It does not depend on the process: dummies are numbered in the order in which they occur.
    """
    seen: dict[int, tuple[Any, bytes]] = {}
    parts = {name: _Digest(seen).of(getattr(problem, name)).hex()[:16] for name in PARTS}
    return {"all": hashlib.sha256("".join(parts.values()).encode()).hexdigest(), **parts}


class _Digest:
    def __init__(self, seen: dict[int, tuple[Any, bytes]]) -> None:
        self._dummies: dict[sp.Dummy, int] = {}
        self._seen = seen  # arrays by identity: bounds, say, are part of the start and of a penalty, too

    def of(self, value: Any) -> bytes:
        if isinstance(value, sp.Basic):
            return self._of_expression(value)
        if isinstance(value, np.ndarray):
            if id(value) not in self._seen:
                self._seen[id(value)] = value, _of_array(value)
            return self._seen[id(value)][1]
        if isinstance(value, StoredArray):
            return _hash("array", str(value.dtype), str(value.shape), *(block.data for block in value.blocks()))
        if isinstance(value, Mapping):
            return _hash("map", *sorted(self.of(key) + self.of(item) for key, item in value.items()))
        if isinstance(value, (tuple, list)):
            return _hash("sequence", *map(self.of, value))
        if is_dataclass(value):
            return _hash(type(value).__qualname__, *(self.of(getattr(value, each.name)) for each in fields(value)))
        if isinstance(value, float):
            return _hash("float", value.hex())
        if value is None or isinstance(value, (bool, int, str, slice, range, np.generic)):
            return _hash(type(value).__name__, repr(value))
        if hasattr(value, "__iter__"):
            return _hash(type(value).__qualname__, *map(self.of, value))
        return _hash(type(value).__qualname__, self.of(vars(value)))

    def _of_expression(self, root: sp.Basic) -> bytes:
        """Without recursion, each sub-expression once."""
        known: dict[sp.Basic, bytes] = {}
        stack = [root]
        while stack:
            node = stack[-1]
            missing = [arg for arg in node.args if isinstance(arg, sp.Basic) and arg not in known]
            if node in known:
                stack.pop()
            elif missing:
                stack += reversed(missing)
            else:
                args = (known[arg] if isinstance(arg, sp.Basic) else self.of(arg) for arg in node.args)
                text = self._leaf(node) if not node.args else ""
                known[stack.pop()] = _hash(type(node).__name__, text, *args)
        return known[root]

    def _leaf(self, leaf: sp.Basic) -> str:
        if isinstance(leaf, sp.Dummy):
            number = self._dummies.setdefault(leaf, len(self._dummies))
            return f"{leaf.name} {number} {sorted(leaf.assumptions0.items())}"
        return str(sp.srepr(leaf))


def _of_array(array: np.ndarray) -> bytes:
    return _hash("array", str(array.dtype), str(array.shape), np.ascontiguousarray(array).reshape(-1).data)


def _hash(*parts: Any) -> bytes:
    digest = hashlib.blake2b(digest_size=32)  # twice as fast as SHA-256 over large data
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        digest.update(str(len(content)).encode() + b":")
        digest.update(content)
    return digest.digest()
