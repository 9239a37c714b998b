"""Calls of what a solver brings of its own: whatever it raises becomes an error that names the solver."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ncsolve.errors import NcsolveError, PluginError
from ncsolve.texts import in_words

__all__ = ["asked", "who"]


def who(solver: Any) -> str:
    """A solver, or its class, by its name and its module."""
    cls = solver if isinstance(solver, type) else type(solver)
    return f"solver '{getattr(cls, 'name', cls.__qualname__)}' ({cls.__module__})"


def asked(solver: Any, what: str, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """What the function of a solver returns. An NcsolveError is its own; anything else becomes a PluginError."""
    try:
        return function(*arguments, **options)
    except (KeyboardInterrupt, NcsolveError):
        raise
    except BaseException as error:
        raise PluginError(f"{who(solver)} failed in {what}: {in_words(error)}") from error
