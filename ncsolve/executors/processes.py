"""Processes of this machine."""

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, cached_property, partial
from multiprocessing import get_all_start_methods, get_context, parent_process
from multiprocessing.connection import Connection, wait
from threading import Thread
from typing import Any, Generic, TypeVar

from ncsolve.errors import ExecutorError
from ncsolve.executors.base import TRIES, Executor, Session, packed, portable

__all__ = ["Processes"]

S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R")

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**28)}
"""glibc keeps what is freed, up to 256 MB: else each array of some MB is asked of the kernel anew, page by page."""

INTERRUPT = getattr(signal, "SIGUSR1", None)
"""What Ctrl-C is to a worker, which ignores that of the terminal; None on a system without such signals."""


@dataclass(frozen=True, eq=False)
class _Worker:
    process: Any
    pipe: Connection

    @classmethod
    def begin(cls, function: Callable[..., Any], shared: bytes) -> _Worker:
        context = _context()
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, function, shared), daemon=True)
        with _one_thread():
            process.start()
        theirs.close()  # so that the end of the process is the end of the pipe
        return cls(process, ours)

    def interrupt(self) -> None:
        if INTERRUPT is None:
            self.process.terminate()
        elif self.process.is_alive():
            with suppress(ProcessLookupError):  # it has ended since
                os.kill(self.process.pid, INTERRUPT)

    def end(self) -> None:
        self.pipe.close()
        self.process.terminate()
        self.process.join()


class _Queue(Generic[T]):
    """Tasks that are due: those whose worker died first, then of the group of a worker's last, then of a group that no
    other worker is at."""

    def __init__(self, tasks: Iterable[T], group: Callable[[T], Hashable] | None) -> None:
        self.fresh = iter(enumerate(tasks))
        self.again = deque[tuple[int, T]]()
        self.group = group
        self.waiting = list(self.fresh) if group else []
        self.last: dict[_Worker, Hashable] = {}

    def take(self, worker: _Worker | None) -> tuple[int, T] | None:
        """The next task of a worker, or of one that has not begun; None where nothing is left."""
        if self.again:
            return self.again.popleft()
        group = self.group
        if group is None:
            return next(self.fresh, None)
        if not self.waiting:
            return None
        last = self.last.get(worker) if worker else None
        others = {g for w, g in self.last.items() if w is not worker}
        groups = [group(task) for _, task in self.waiting]
        best = min(range(len(groups)), key=lambda j: (groups[j] != last, groups[j] in others, j))
        return self.waiting.pop(best)

    def given(self, worker: _Worker, task: T) -> None:
        """Remember where a worker is."""
        if self.group is not None:
            self.last[worker] = self.group(task)


@dataclass(frozen=True)
class Processes(Executor):
    """As many processes as `workers` says, each with one task at a time. Another takes the place of one that dies."""

    workers: int

    @contextmanager
    def open(self, function: Callable[[S, T], R], shared: S) -> Iterator[Session[T, R]]:
        pool = _Pool(self.workers, function, shared)
        try:
            yield pool
        finally:
            for worker in pool.idle:
                worker.end()


class _Pool(Generic[S, T, R]):
    """A session: workers that wait for tasks."""

    def __init__(self, size: int, function: Callable[[S, T], R], shared: S) -> None:
        self.size, self.function, self.shared = size, function, shared
        self.idle: list[_Worker] = []

    @cached_property
    def packed(self) -> bytes:
        return packed(self.shared)

    def run(self, tasks: Iterable[T], group: Callable[[T], Hashable] | None = None) -> Iterator[tuple[int, R]]:
        queue = _Queue(tasks, group)
        tries: dict[int, int] = {}
        busy: dict[Connection, tuple[_Worker, int, T]] = {}
        try:
            while True:
                self._occupy(busy, queue)
                if not busy:
                    return
                for pipe in wait(list(busy)):
                    worker, k, task = busy[pipe]  # type: ignore[index]
                    try:
                        result, error = worker.pipe.recv()
                    except (EOFError, ConnectionResetError):
                        worker.end()
                        del busy[worker.pipe]
                        tries[k] = tries.get(k, 0) + 1
                        _check(tries[k], task, worker.process.exitcode)
                        queue.again.append((k, task))
                        continue
                    del busy[worker.pipe]
                    self.idle.append(worker)
                    if error is not None:
                        raise error
                    self._occupy(busy, queue)  # before the result is looked at, which may take a while
                    yield k, result
        except KeyboardInterrupt:
            yield from self._interrupted(busy)
            raise
        finally:
            for worker, *_ in busy.values():
                worker.end()

    def _interrupted(self, busy: dict[Connection, tuple[_Worker, int, T]]) -> Iterator[tuple[int, R]]:
        """Pass Ctrl-C on to the workers: what their tasks have to say to it."""
        for worker, *_ in busy.values():
            worker.interrupt()
        while busy:
            for pipe in wait(list(busy)):
                worker, k, _ = busy.pop(pipe)  # type: ignore[call-overload]
                try:
                    result, error = worker.pipe.recv()
                except (EOFError, OSError):  # nothing: it has ended
                    worker.end()
                    continue
                self.idle.append(worker)
                if error is None:
                    yield k, result

    def _occupy(self, busy: dict[Connection, tuple[_Worker, int, T]], queue: _Queue[T]) -> None:
        """Give tasks to workers until there are no more of either."""
        while len(busy) < self.size:
            free = self.idle.pop() if self.idle else None
            due = queue.take(free)
            if due is None:
                self.idle += [free] if free else []
                return
            worker = free or _Worker.begin(self.function, self.packed)
            queue.given(worker, due[1])
            busy[worker.pipe] = worker, *due
            with suppress(BrokenPipeError):  # it is dead, which `wait` tells
                worker.pipe.send(due[1])


@cache
def _context() -> Any:
    """How processes begin: as forks of a server that has imported what they need, where the system has such servers.

    A fork of this process would be faster, and might hang where other threads hold locks.
    """
    if "forkserver" not in get_all_start_methods():
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload(["ncsolve.executors.preload"])
    return context


def _check(tries: int, task: object, code: int | None) -> None:
    """Raise ExecutorError where a task has been begun often enough."""
    if tries < TRIES:
        return
    why = f"signal {-code}: there may be too little memory" if code and code < 0 else f"exit code {code}"
    raise ExecutorError(
        f"a worker process ended {TRIES} times while it ran {task} ({why}). Take fewer workers; a script that uses "
        'processes must begin its work under `if __name__ == "__main__":`.'
    )


@contextmanager
def _one_thread() -> Iterator[None]:
    """Processes that begin meanwhile compute with one thread each, and keep their memory unless the user says how."""
    before = {name: os.environ.get(name) for name in (*THREADS, *MEMORY)}
    os.environ.update({**MEMORY, **os.environ, **dict.fromkeys(THREADS, "1")})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value


def _work(pipe: Connection, function: Callable[..., Any], packed: bytes) -> None:
    """The life of a worker: a task comes in, its result or its error goes out, until nobody listens.

    Ctrl-C is the parent's, which passes it on; so are the lines of progress.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if INTERRUPT is not None:
        signal.signal(INTERRUPT, signal.default_int_handler)
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    Thread(target=_end_with_parent, daemon=True).start()
    shared = cache(partial(pickle.loads, packed))
    with suppress(EOFError, BrokenPipeError):
        while True:
            task = pipe.recv()
            try:
                answer = pickle.dumps((function(shared(), task), None))
            except Exception as error:
                answer = pickle.dumps((None, portable(error)))
            pipe.send_bytes(answer)


def _end_with_parent() -> None:
    """A parent that is killed cannot end its workers: they must not go on writing checkpoints that it resumes from."""
    if (parent := parent_process()) is not None:
        wait([parent.sentinel])
        os._exit(1)
