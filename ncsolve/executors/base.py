"""The interface of all executors, and the one that runs tasks in this process."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any, Protocol, TypeVar

__all__ = ["TRIES", "Executor", "Serial"]

S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R")

TRIES = 3
"""How often a task is begun whose worker was killed."""


class Executor(Protocol):
    """Where tasks run."""

    def run(
        self,
        function: Callable[[S, T], R],
        shared: S,
        tasks: Iterable[T],
        group: Callable[[T], Hashable] | None = None,
    ) -> Iterator[tuple[int, R]]:
        """Yield (k, function(shared, task k)) as they are ready, each computed with one BLAS thread.

        `shared` travels to a worker once, and is the same object for all tasks there: what a task derives from a
        problem in it, the next one finds. `function` is one of a module; it, `shared`, tasks and results are pickled. A
        task is taken from `tasks` when a worker is free; with `group`, a worker prefers one of the group of its last
        task, with which it shares what was derived for that. Raises what a task raises, and ExecutorError where a
        worker was killed `TRIES` times at the same task. Closing the iterator ends the work.
        """
        ...


class Serial:
    """One task after the other, in this process, when the next result is asked for."""

    def run(
        self,
        function: Callable[[S, T], R],
        shared: S,
        tasks: Iterable[T],
        group: Callable[[T], Hashable] | None = None,
    ) -> Iterator[tuple[int, R]]:
        import scipy.linalg  # noqa: F401  # with a BLAS of its own: only one that is loaded can be limited
        from threadpoolctl import ThreadpoolController

        threads: Any = ThreadpoolController()
        for k, task in enumerate(tasks):
            with threads.limit(limits=1):
                result = function(shared, task)
            yield k, result
