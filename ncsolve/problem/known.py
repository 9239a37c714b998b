"""What is known about a problem beforehand: critical points, each of which is a test, and constants."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ncsolve.errors import ProblemError, did_you_mean

__all__ = ["CONSTANTS", "KnownPoint", "Maximum", "Minimum", "Saddle", "checked_constants"]

CONSTANTS = {
    "smoothness": "L: the gradient is L-Lipschitz",
    "pl": "mu: |gradient|^2 / 2 >= mu (f - minimum), the Polyak-Lojasiewicz inequality",
    "strong_convexity": "m: the Hessian is at least m I",
    "hessian_lipschitz": "M: the Hessian is M-Lipschitz",
    "jacobian_lipschitz": "L_J: the Jacobian of r is L_J-Lipschitz, f = |r|^2 / 2",
    "self_concordance": "M: |f'''[h, h, h]| <= 2 M (h'H h)^(3/2)",
    "minimum": "f*: the smallest value",
}


@dataclass(frozen=True)
class KnownPoint:
    """A critical point at `point` ({variable: number or array}, or an array of shape (n,)) with its value, if known.

    `index` counts the negative eigenvalues of the Hessian there; None where it is not known.
    """

    point: Any
    value: float | None = None
    index: int | None = None

    kind: ClassVar[str]

    def __post_init__(self) -> None:
        if self.value is not None:
            object.__setattr__(self, "value", _number(self.value, f"known: the value of a {self.kind}"))
        if self.index is not None and (not isinstance(self.index, (int, np.integer)) or self.index < 0):
            raise ProblemError(
                f"known: the index of a saddle counts negative eigenvalues, so it cannot be {self.index!r}."
            )


@dataclass(frozen=True)
class Minimum(KnownPoint):
    """A known local minimum."""

    index: int | None = field(default=0, init=False)
    kind: ClassVar[str] = "minimum"


@dataclass(frozen=True)
class Saddle(KnownPoint):
    """A known saddle point."""

    kind: ClassVar[str] = "saddle"


@dataclass(frozen=True)
class Maximum(KnownPoint):
    """A known local maximum."""

    index: int | None = field(default=None, init=False)
    kind: ClassVar[str] = "maximum"


def checked_constants(constants: Mapping[str, Any]) -> dict[str, float]:
    """Return the constants as floats: known names, positive where they must be, consistent with each other."""
    checked: dict[str, float] = {}
    for name, value in constants.items():
        if name not in CONSTANTS:
            hint = did_you_mean(str(name), CONSTANTS) or f" The constants are {', '.join(CONSTANTS)}."
            raise ProblemError(f"constants: there is no constant '{name}'.{hint}")
        number = _number(value, f"constants: '{name}'")
        if name in ("hessian_lipschitz", "jacobian_lipschitz", "self_concordance") and number < 0:
            raise ProblemError(f"constants: '{name}' cannot be negative, but it is {number:g}.")
        if name in ("smoothness", "pl", "strong_convexity") and number <= 0:
            raise ProblemError(f"constants: '{name}' must be positive, but it is {number:g}.")
        checked[name] = number
    for name in ("pl", "strong_convexity"):
        if checked.get(name, 0.0) > checked.get("smoothness", math.inf):
            raise ProblemError(
                f"constants: '{name}' = {checked[name]:g} cannot exceed 'smoothness' = {checked['smoothness']:g}."
            )
    return checked


def _number(value: Any, what: str) -> float:
    try:
        number = float(value) if not isinstance(value, str) else math.nan
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ProblemError(f"{what} must be a finite number, not {value!r}.")
    return number
