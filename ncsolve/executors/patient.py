"""Work that may be over before a worker has begun."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from time import perf_counter
from typing import Generic, TypeVar

from ncsolve.executors.base import Executor, Serial, Session

__all__ = ["Patient"]

S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Patient(Executor):
    """Runs tasks here until a session has lasted `seconds`, about what it costs to begin workers, then there."""

    there: Executor
    seconds: float = 1.0

    @contextmanager
    def open(self, function: Callable[[S, T], R], shared: S) -> Iterator[Session[T, R]]:
        with Serial().open(function, shared) as here, self.there.open(function, shared) as there:
            yield _Both(here, there, perf_counter() + self.seconds)


@dataclass(frozen=True)
class _Both(Generic[T, R]):
    here: Session[T, R]
    there: Session[T, R]
    due: float

    def run(self, tasks: Iterable[T], group: Callable[[T], Hashable] | None = None) -> Iterator[tuple[int, R]]:
        rest = iter(tasks)
        for done, task in enumerate(rest):
            if perf_counter() > self.due:
                yield from ((done + k, result) for k, result in self.there.run(chain([task], rest), group))
                return
            yield from ((done, result) for _, result in self.here.run([task]))
