"""The history of a run: one row for each iterate looked at, kept as growing columns."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from numbers import Real
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ncsolve.critical import CriticalPoint
    from ncsolve.solving.stopping import Look

__all__ = ["PATH_DIMENSIONS", "Escape", "Recorder", "Trace"]

CORE = ("iteration", "objective", "gradient_norm", "seconds", "evaluations")
PATH_DIMENSIONS = 10
"""Up to this n a trace keeps the iterates themselves, as column `x`."""


@dataclass(frozen=True)
class Escape:
    """The core stepped off a critical point that is no minimum and went on."""

    iteration: int
    point: CriticalPoint


class Trace(Mapping[str, NDArray[Any]]):
    """Columns by name, each an array with one row per iterate: `trace["objective"]` or `trace.objective`.

    iteration, objective, gradient_norm, seconds, evaluations, the numbers in the solver's state, and for n <= 10 the
    iterates x, shape (rows, n). `escapes` lists the saddles and maxima that the run left.
    """

    def __init__(self, columns: Mapping[str, NDArray[Any]], escapes: tuple[Escape, ...] = ()) -> None:
        self._columns = dict(columns)
        self.escapes = escapes

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __getattr__(self, name: str) -> NDArray[Any]:
        columns: dict[str, NDArray[Any]] = self.__dict__.get("_columns", {})
        if name not in columns:
            raise AttributeError(f"The trace has no column '{name}'.")
        return columns[name]

    @property
    def rows(self) -> int:
        return len(self["iteration"])

    def __repr__(self) -> str:
        return f"<Trace: {self.rows} rows of {', '.join(self)}>"


class Recorder:
    """Collects rows, flat in one growing array of doubles: a row costs less than a microsecond."""

    def __init__(self, n: int) -> None:
        self.numbers = array("d")
        """All rows, one after the other."""
        self.added: tuple[str, ...] | None = None
        """Columns that come from the solver's states."""
        self._row: Callable[[Look], tuple[float, ...]]
        self._pack: Callable[..., bytes]
        self._path = range(n) if n <= PATH_DIMENSIONS else range(0)
        self.escapes: list[Escape] = []

    def record(self, look: Look) -> None:
        if self.added is None:
            self._add(_numbers_in(look.state))
        row = self._row(look)
        try:
            self.numbers.frombytes(self._pack(*row))
        except struct.error:
            self.numbers.extend(row)  # raises TypeError, which names the type
        if self._path:
            self.numbers.frombytes(look.x.tobytes())

    def _add(self, added: tuple[str, ...]) -> None:
        self.added = added
        self._row = attrgetter(*CORE, *(f"state.{name}" for name in added))
        self._pack = struct.Struct(f"{len(CORE) + len(added)}d").pack

    def resume(self, added: tuple[str, ...], numbers: NDArray[np.float64], escapes: tuple[Escape, ...]) -> None:
        """Begin with the rows of a run that goes on."""
        self._add(added)
        self.escapes = list(escapes)
        self.numbers = array("d", numbers.tobytes())

    def trace(self) -> Trace:
        """The columns as read-only arrays."""
        names = CORE + (self.added or ())
        width = len(names) + len(self._path)
        rows = np.array(self.numbers[: len(self.numbers) // width * width]).reshape(-1, width)  # whole rows only
        columns: dict[str, NDArray[Any]] = {name: rows[:, k].copy() for k, name in enumerate(names)}
        for name in ("iteration", "evaluations"):
            columns[name] = columns[name].astype(np.int64)
        if self._path:
            columns["x"] = rows[:, len(names) :].copy()
        for column in columns.values():
            column.flags.writeable = False
        return Trace(columns, tuple(self.escapes))


def _numbers_in(state: Any) -> tuple[str, ...]:
    """Names of the plain numbers of a state, apart from those that the core keeps itself."""
    kept = {*CORE, "x", "gradient"}
    return tuple(
        name
        for name in getattr(type(state), "__dataclass_fields__", ())
        if name not in kept and isinstance(value := getattr(state, name), Real) and not isinstance(value, bool)
    )
