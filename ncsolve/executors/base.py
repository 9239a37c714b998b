"""The interface of all executors, and the one that runs tasks in this process."""

from __future__ import annotations

import pickle
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, Protocol, TypeVar

from ncsolve.errors import ExecutorError, PluginError

__all__ = ["TRIES", "Executor", "Serial", "Session", "packed", "portable"]

S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R")
Answer = TypeVar("Answer", covariant=True)

TRIES = 3
"""How often a task is begun whose worker was killed."""


class Session(Protocol[T, Answer]):
    """Workers that know what to do. They begin with the first task and live until the session is left."""

    def run(self, tasks: Iterable[T], group: Callable[[T], Hashable] | None = None) -> Iterator[tuple[int, Answer]]:
        """Yield (k, function(shared, task k)) as they are ready, each computed with one BLAS thread.

        A task is taken from `tasks` when a worker is free, by a cluster at once; with `group`, a worker of this machine
        prefers one of the group of its last task, with which it shares what was derived for that. Raises what a task
        raises, and ExecutorError where a worker was killed `TRIES` times at the same task. Closing the iterator ends
        the work.
        """
        ...


class Executor(ABC):
    """Where tasks run."""

    @abstractmethod
    def open(self, function: Callable[[S, T], R], shared: S) -> AbstractContextManager[Session[T, R]]:
        """A session for `function(shared, task)`; nothing begins before there is a task.

        `shared` travels to a worker once, and is the same object for all tasks there: what a task derives from a
        problem in it, the next one finds. `function` is one of a module; it, `shared`, tasks and results are pickled.
        """

    def run(
        self,
        function: Callable[[S, T], R],
        shared: S,
        tasks: Iterable[T],
        group: Callable[[T], Hashable] | None = None,
    ) -> Iterator[tuple[int, R]]:
        """`Session.run` in a session of its own."""
        with self.open(function, shared) as session:
            yield from session.run(tasks, group)


class Serial(Executor):
    """One task after the other, in this process, when the next result is asked for."""

    def open(self, function: Callable[[S, T], R], shared: S) -> AbstractContextManager[Session[T, R]]:
        return nullcontext(_Here(function, shared))


@dataclass(frozen=True)
class _Here(Generic[S, T, R]):
    function: Callable[[S, T], R]
    shared: S

    def run(self, tasks: Iterable[T], group: Callable[[T], Hashable] | None = None) -> Iterator[tuple[int, R]]:
        for k, task in enumerate(tasks):
            with _threads().limit(limits=1):
                result = self.function(self.shared, task)
            yield k, result


@cache
def _threads() -> Any:
    import scipy.linalg  # noqa: F401  # with a BLAS of its own: only one that is loaded can be limited
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def packed(shared: object) -> bytes:
    """What is sent to a worker. Raises ExecutorError where it cannot be sent."""
    try:
        return pickle.dumps(shared)
    except Exception as error:  # whatever a stranger's class does when it is copied
        raise ExecutorError(
            f"another process cannot be told what to do: {error}. Functions and classes that it needs must be those of "
            "a module; the executor 'serial' needs none of this."
        ) from error


def portable(error: BaseException) -> BaseException:
    """The error, or its text where it cannot be sent."""
    try:
        if type(pickle.loads(pickle.dumps(error))) is type(error):
            return error
    except Exception:  # whatever a stranger's exception does when it is copied
        pass
    return PluginError(f"a task failed: {type(error).__name__}: {error}")
