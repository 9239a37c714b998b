"""ELSEWHERE: independent tasks in this process, in processes of this machine, or on a cluster.

What a task yields depends on the task alone: not on where it runs, on how many workers there are, nor on which is ready
first. A worker that is killed costs its task, which is begun again, up to `TRIES` times.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from multiprocessing import current_process
from numbers import Integral
from typing import Any, TypeVar

from ncsolve.errors import ExecutorError, OptionError, did_you_mean
from ncsolve.executors.base import TRIES, Executor, Serial, Session
from ncsolve.executors.patient import Patient

__all__ = ["TRIES", "Executor", "Patient", "Serial", "Session", "checked", "choose", "in_order"]

NAMES = ("serial", "processes", "dask", "dask://HOST:PORT")
R = TypeVar("R")


def choose(name: str, workers: int = 1) -> Executor:
    """The executor of a name: "serial", "processes", "dask" (a cluster on this machine) or "dask://HOST:PORT".

    A single process is this one, and so are all where a worker asks. Raises ExecutorError for an unknown name and for
    less than one worker, MissingExtra where dask is not installed.
    """
    if isinstance(workers, bool) or not isinstance(workers, Integral) or workers < 1:
        raise ExecutorError(f"workers must be an integer of at least 1, not {workers!r}.")
    if name == "serial" or (name == "processes" and workers == 1):
        return Serial()
    if name in ("processes", "dask") and current_process().daemon:  # it may begin no processes
        return Serial()
    if name == "processes":
        from ncsolve.executors.processes import Processes

        return Processes(workers)
    if name == "dask" or name.startswith("dask://"):
        from ncsolve.executors.cluster import Dask

        return Dask(workers, name.removeprefix("dask").removeprefix("://"))
    raise ExecutorError(f"unknown executor '{name}'.{did_you_mean(name, NAMES[:3])} Known: {', '.join(NAMES)}.")


def checked(executor: Any) -> Executor:
    """The executor that was given, this process for None. Raises OptionError for anything else."""
    if executor is None:
        return Serial()
    if not isinstance(executor, Executor):
        raise OptionError(f'executor must be one of ncsolve.executors, such as choose("processes"), not {executor!r}.')
    return executor


def in_order(results: Iterable[tuple[int, R]]) -> Iterator[R]:
    """What `Executor.run` yields, by the order of the tasks."""
    early: dict[int, R] = {}
    due = 0
    for k, result in results:
        early[k] = result
        while due in early:
            yield early.pop(due)
            due += 1
