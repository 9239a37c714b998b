"""Everything that can go wrong for a user, as exceptions with one clear message each."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "BudgetExhausted",
    "DomainError",
    "ExecutorError",
    "MissingExtra",
    "NcsolveError",
    "OptionError",
    "PluginError",
    "ProblemError",
    "StoreError",
    "did_you_mean",
]


class NcsolveError(Exception):
    """Base of all errors that a user can meet. Its text says what, where and what to do."""


class ProblemError(NcsolveError):
    """A problem is declared wrongly, or cannot be found or loaded."""


class OptionError(NcsolveError):
    """An option or a name is unknown, or a value has the wrong type or range."""


class DomainError(NcsolveError):
    """An expression is undefined where it was evaluated."""


class PluginError(NcsolveError):
    """A plugin cannot be loaded or breaks its contract."""


class StoreError(NcsolveError):
    """A run cannot be written, read or resumed."""


class ExecutorError(NcsolveError):
    """Workers cannot be had, or die at their task."""


class MissingExtra(NcsolveError):
    """An optional dependency is not installed.

    >>> str(MissingExtra("matplotlib", "plot"))
    'needs matplotlib: pip install ncsolve[plot]'
    """

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(package, extra)
        self.package = package
        self.extra = extra

    def __str__(self) -> str:
        return f"needs {self.package}: pip install ncsolve[{self.extra}]"


class BudgetExhausted(NcsolveError):
    """The oracle's budget is used up. `reason` is the name of the status that the run ends with."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return a hint to append to an error text, or "" when nothing resembles the word.

    >>> did_you_mean("gradinet", ["gradient", "hessian"])
    " Did you mean 'gradient'?"
    >>> did_you_mean("zzz", ["gradient"])
    ''
    """
    by_lower = {choice.lower(): choice for choice in choices}
    matches = get_close_matches(word.lower(), by_lower, n=1)
    return f" Did you mean '{by_lower[matches[0]]}'?" if matches else ""
