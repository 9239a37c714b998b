"""The history of a run: one row for each iterate looked at, kept as growing columns."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ncsolve.critical import CriticalPoint
    from ncsolve.solving.stopping import Look

__all__ = ["PATH_DIMENSIONS", "Escape", "Recorder", "Trace"]

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
    """Collects rows at the cost of a few appends each. An interrupt may leave the last row incomplete: it is dropped."""

    def __init__(self, n: int) -> None:
        self._iteration, self._evaluations = array("q"), array("q")
        self._objective, self._gradient_norm, self._seconds = array("d"), array("d"), array("d")
        self._added: dict[str, array[float]] | None = None
        self._n = n
        self._path: array[float] | None = array("d") if n <= PATH_DIMENSIONS else None
        self.escapes: list[Escape] = []

    def record(self, look: Look) -> None:
        self._iteration.append(look.iteration)
        self._objective.append(look.objective)
        self._gradient_norm.append(look.gradient_norm)
        self._seconds.append(look.seconds)
        self._evaluations.append(look.evaluations)
        if self._path is not None:
            self._path.extend(look.x.tolist())
        state = look.state
        if self._added is None:
            self._added = {name: array("d") for name in _numbers_in(state)}
        for name, column in self._added.items():
            column.append(getattr(state, name))

    def trace(self) -> Trace:
        """The columns as read-only arrays."""
        added = self._added or {}
        columns: dict[str, NDArray[Any]] = {
            "iteration": np.array(self._iteration, dtype=np.int64),
            "objective": np.array(self._objective),
            "gradient_norm": np.array(self._gradient_norm),
            "seconds": np.array(self._seconds),
            "evaluations": np.array(self._evaluations, dtype=np.int64),
        }
        columns |= {name: np.array(column) for name, column in added.items()}
        if self._path is not None:
            columns["x"] = np.array(self._path)[: len(self._path) // self._n * self._n].reshape(-1, self._n)
        rows = min(map(len, columns.values()))
        columns = {name: column[:rows] for name, column in columns.items()}
        for column in columns.values():
            column.flags.writeable = False
        return Trace(columns, tuple(self.escapes))


def _numbers_in(state: Any) -> list[str]:
    """Names of the plain numbers of a state, apart from those that the core keeps itself."""
    core = {"x", "objective", "gradient", "converged", "stalled", "message", "iteration", "gradient_norm", "seconds", "evaluations"}
    return [name for name in getattr(type(state), "__dataclass_fields__", ())
            if name not in core and isinstance(value := getattr(state, name), Real) and not isinstance(value, bool)]
