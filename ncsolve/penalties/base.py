"""What a penalty is: an immutable record of numbers with a value, a proximal operator and a subdifferential."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncsolve.errors import ProblemError

__all__ = ["Active", "Array", "Entries", "Penalty", "number", "symbols_in"]

Array = NDArray[np.float64]
Entries = tuple[Array, NDArray[np.intp], NDArray[np.intp]]
"""Values, rows and columns of a sparse matrix."""


def number(
    default: Any = MISSING, *, above: float | None = None, at_least: float | None = None, at_most: float | None = None
) -> Any:
    """Declare a parameter of a penalty: a number within limits, or a SymPy expression in parameters of the problem."""
    limits = {"above": above, "at_least": at_least, "at_most": at_most}
    return field(default=default, metadata={"limits": {name: end for name, end in limits.items() if end is not None}})


def symbols_in(value: Any) -> frozenset[Any]:
    """The SymPy symbols in a parameter; none in a plain number."""
    return frozenset(getattr(value, "free_symbols", ()))


@dataclass(frozen=True, eq=False)
class Active:
    """The manifold through x on which a penalty is smooth, in the entries of x flattened, (k,).

    `free` entries (k,) move on it, and with them the entry `pivot`, if there is one, so that their sum stays. The
    others are held: by at least `slack`, the distance of -g from the boundary of the subdifferential, (k,) with inf at
    free entries. With a `rank` the manifold is that of the matrices of this rank: no entry is held, and `slack` is that
    of the rank, at every entry.
    """

    free: NDArray[np.bool_]
    slack: Array
    pivot: int | None = None
    rank: int | None = None


@dataclass(frozen=True)
class Penalty(ABC):
    """A function p of one array, added to the objective. `on`: the variables that it applies to, each by itself.

    Without `on` it applies to every variable of the problem. Methods take an array in the variable's own shape.
    """

    on: Any = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        """Raise ProblemError for a parameter that is no number or out of range."""
        for declared in fields(self):
            if "limits" in declared.metadata:
                _check(type(self).__name__, declared.name, getattr(self, declared.name), declared.metadata["limits"])

    @property
    def symbols(self) -> frozenset[Any]:
        """SymPy symbols in the parameters."""
        return frozenset().union(*(symbols_in(value) for value in self._numbers().values()))

    def at(self, parameters: Mapping[Any, float]) -> Penalty:
        """The same penalty with numbers for the symbols. Raises ProblemError where a number is out of range."""
        numbers = {name: float(value.subs(parameters)) for name, value in self._numbers().items() if symbols_in(value)}
        return replace(self, **numbers) if numbers else self

    def _numbers(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self) if "limits" in each.metadata}

    def __str__(self) -> str:
        """For example L1(0.1), or MCP(0.2, 3)."""
        given = [f"{value:g}" if isinstance(value, Real) else str(value) for value in self._numbers().values()]
        return f"{type(self).__name__}({', '.join(given)})"

    def check_shape(self, shape: tuple[int, ...], what: str) -> None:  # noqa: B027
        """Raise ProblemError, beginning with `what`, where the penalty makes no sense for a variable of this shape."""

    @abstractmethod
    def value(self, x: ArrayLike) -> float:
        """p(x)"""

    @abstractmethod
    def prox(self, v: ArrayLike, t: float) -> Array:
        """prox_tp(v): a minimiser z of |z - v|^2 / 2 + t p(z), for any t > 0."""

    @abstractmethod
    def least_subgradient(self, x: Array, g: Array) -> Array:
        """The element of least norm of g + dp(x), with the limiting subdifferential dp [Rockafellar & Wets 1998]."""

    @abstractmethod
    def active(self, x: Array, g: Array) -> Active:
        """The manifold through x on which p is smooth, and how firmly g holds x on it."""

    def gradient(self, x: Array) -> Array:
        """Of p on its active manifold at x, shaped as x; at held entries anything."""
        return np.zeros_like(x)

    def hessian(self, x: Array) -> Entries:
        """Of p on its active manifold at x, flattened: its entries with their rows and columns."""
        return np.empty(0), np.empty(0, np.intp), np.empty(0, np.intp)


def _check(owner: str, name: str, value: Any, limits: Mapping[str, float]) -> None:
    if symbols_in(value):
        return
    holds = {"above": lambda a, b: a > b, "at_least": lambda a, b: a >= b, "at_most": lambda a, b: a <= b}
    wanted = " and ".join(f"{limit.replace('_', ' ')} {end:g}" for limit, end in limits.items())
    try:
        real = math.nan if isinstance(value, (bool, str)) else float(value)
    except (TypeError, ValueError):
        real = math.nan
    if not math.isfinite(real) or not all(holds[limit](real, end) for limit, end in limits.items()):
        raise ProblemError(f"penalty: {name} of {owner} must be a number{f' {wanted}' * bool(wanted)}, not {value!r}.")
