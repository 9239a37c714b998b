"""What a run is at one iterate, as data: from it the run goes on as if it had never stopped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ncsolve.errors import StoreError
    from ncsolve.oracle import Oracle
    from ncsolve.solving.loop import Loop

__all__ = ["Keeper", "Mark", "is_resumable"]

BOOKS = ("iteration", "last_progress", "leg")
"""Attributes of a `Loop` that its next step depends on."""


@dataclass(frozen=True)
class Mark:
    """A run after it has looked at an iterate and before the step that follows.

    It is taken after every look and costs microseconds: states are never written to, so that nothing is copied; and
    what grows, the trace and the samples, is remembered by its length until `complete` cuts a copy.
    """

    state: Any
    books: dict[str, Any]
    """Book-keeping of the loop."""
    merit: dict[str, Any]
    """What its `Merit` remembers: the best point, and what is to be beaten."""
    look: tuple[float, float, float]
    """Objective, gradient norm and seconds of the last look."""
    evaluations: int
    begun: dict[str, Any]
    """Counters of the oracle at the beginning of the run."""
    oracle: dict[str, Any]
    rng: dict[str, Any]
    """State of the bit generator."""
    columns: tuple[str, ...]
    rows: Any
    """Length of the trace; the numbers themselves once complete."""
    escapes: tuple[Any, ...]
    samples: tuple[int, int, Any]
    """Length, `thin`, and the list, which grows."""

    @classmethod
    def of(cls, loop: Loop, state: Any) -> Mark:
        look, kept = loop.last, loop.samples
        assert look is not None
        return cls(
            state,
            {name: getattr(loop, name) for name in BOOKS},
            loop.merit.memory(),
            (look.objective, look.gradient_norm, look.seconds),
            look.evaluations,
            loop.begun,
            loop.oracle.snapshot(),
            dict(loop.rng.bit_generator.state),
            loop.recorder.added or (),
            len(loop.recorder.numbers),
            tuple(loop.recorder.escapes),
            (len(kept.kept), kept.thin, kept.kept),
        )

    @property
    def seconds(self) -> float:
        return self.look[2]

    def complete(self, numbers: Any) -> dict[str, Any]:
        """All of it as plain data, with a copy of the trace as far as it had come, cut from the loop's `numbers`."""
        count, thin, kept = self.samples
        rows: NDArray[np.float64] = np.array(numbers[: self.rows], dtype=np.float64)
        return {**vars(self), "rows": rows, "samples": (count, thin, list(kept[:count]))}


class Keeper(Protocol):
    """Who keeps the marks of a run, and may have one from which it goes on."""

    due: float
    """When the next mark is to be saved, in seconds of the run."""
    mark: Mark | None
    """Where the run goes on; None for a new one."""
    error: StoreError | None
    """Why the last mark could not be saved; None where it is."""

    def save(self, complete: dict[str, Any], seconds: float) -> None:
        """Save a mark that is so old, in the background if that takes long: the run does not wait.

        Raises StoreError where none could be saved at all.
        """

    def finish(self, complete: dict[str, Any]) -> None:
        """Save the last mark of the run, and wait until it is."""

    def child(self, name: str) -> Keeper:
        """The keeper of a run that is a part of this one, such as one of many starts."""


def is_resumable(solver: Any) -> bool:
    """Whether a solver, or its class, can go on from a saved state: one that runs a foreign loop cannot."""
    return bool(getattr(solver, "resumable", True)) and not hasattr(solver, "drive")


def counters(oracle: Oracle) -> dict[str, Any]:
    """What a run of an oracle begins with."""
    return {name: value for name, value in oracle.snapshot().items() if name in ("counts", "points")}
