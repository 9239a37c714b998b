"""A backend of a plugin: what it raises, or returns in another shape than NumPy does, names it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ncsolve.backends.assembly import is_sparse
from ncsolve.errors import NcsolveError, PluginError
from ncsolve.graph import Derivation
from ncsolve.texts import in_words

__all__ = ["Foreign"]

TAILS = {"value": 0, "gradient": 1, "product": 1, "hessian": 2, "dense_hessian": 2}
"""How many axes of length n a result has, of a point; directional derivatives have none."""


class Foreign:
    """What a plugin's factory makes of a derivation, with checks around it."""

    def __init__(self, name: str, factory: Callable[[Derivation], Any], derivation: Derivation) -> None:
        self.who = f"backend '{name}' ({getattr(factory, '__module__', '?')})"
        self.n, self.sparse = derivation.n, is_sparse(derivation.blocks, derivation.n)
        self.made = self._call("the making of it", factory, derivation)
        if not callable(getattr(self.made, "function", None)):
            raise PluginError(f"{self.who} has no method function(kind, roles, rows).")

    @property
    def sources(self) -> Mapping[str, str]:
        sources = getattr(self.made, "sources", {})
        return sources if isinstance(sources, Mapping) else {}

    def function(self, kind: str, roles: frozenset[str], rows: bool) -> Callable[..., Any]:
        """As of `NumpyBackend`. Raises NotImplementedError for what is left to NumPy."""
        made = self._call(f"function('{kind}')", self.made.function, kind, roles, rows)
        sparse = self.sparse and kind == "hessian" and not roles and not rows

        def function(*given: Any) -> Any:
            result = self._call(f"'{kind}'", made, *given)
            lead = next((a.shape[:1] for a in given if getattr(a, "ndim", 0) == 2), ())
            if wrong := self._wrong(kind, result, lead, sparse):
                raise PluginError(f"{self.who} returns {wrong}: '{kind}'.")
            return result

        return function

    def _call(self, what: str, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except (KeyboardInterrupt, NotImplementedError, NcsolveError):
            raise
        except BaseException as error:
            raise PluginError(f"{self.who} failed in {what}: {in_words(error)}") from error

    def _wrong(self, kind: str, result: Any, lead: tuple[int, ...], sparse: bool) -> str:
        """What is wrong with a result, "" where nothing is."""
        shapes = [lead + (self.n,) * TAILS.get(kind, 0)]
        parts = (result,)
        if kind == "gradient":
            shapes, parts = [lead, *shapes], result
            if not isinstance(result, tuple) or len(result) != 2:
                return f"{_described(result)} where a pair of value and gradient is due"
        for part, shape in zip(parts, shapes, strict=True):
            if not _fits(part, shape, sparse):
                due = f"a {'sparse' if sparse else 'float64'} array of shape {shape}" if shape else "a float"
                return f"{_described(part)} where {due} is due"
        return ""


def _fits(part: Any, shape: tuple[int, ...], sparse: bool) -> bool:
    if sparse:
        return hasattr(part, "tocsr") and bool(part.shape == shape)
    if not shape:
        return isinstance(part, float)
    return isinstance(part, np.ndarray) and part.shape == shape and part.dtype == np.float64


def _described(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and type {value.dtype}"
    return f"a {type(value).__name__}"
