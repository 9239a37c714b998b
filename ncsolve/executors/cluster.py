"""A Dask cluster: of this machine, or one that runs already."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from threading import Lock
from typing import Any, Generic, TypeVar

from ncsolve.errors import ExecutorError, MissingExtra
from ncsolve.executors.base import TRIES, Executor, Session, packed

__all__ = ["Dask"]

S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R")

SECONDS = 10
"""How long a scheduler may take to answer."""
_alone = Lock()  # a worker may have several threads, a problem's derivatives are for one


@dataclass(frozen=True)
class Dask(Executor):
    """The cluster whose scheduler listens at `address`; without one, a cluster of `workers` processes here.

    Its workers need the same versions of Python and of ncsolve. The scheduler sees to tasks of workers that die.
    """

    workers: int
    address: str

    def __post_init__(self) -> None:
        if find_spec("distributed") is None:
            raise MissingExtra("distributed", "cluster")

    @contextmanager
    def open(self, function: Callable[[S, T], R], shared: S) -> Iterator[Session[T, R]]:
        with ExitStack() as stack:
            yield _Workers(self, function, shared, stack)

    @contextmanager
    def client(self) -> Iterator[Any]:
        """Who knows the cluster, and has one made where there is no address."""
        distributed: Any = import_module("distributed")
        with import_module("dask").config.set({"distributed.scheduler.allowed-failures": TRIES - 1}):
            if not self.address:
                with (
                    distributed.LocalCluster(
                        n_workers=self.workers, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=50
                    ) as cluster,
                    distributed.Client(cluster) as client,
                ):
                    yield client
                return
            try:
                client = distributed.Client(f"tcp://{self.address}", timeout=SECONDS)
            except (OSError, ValueError) as error:
                raise ExecutorError(
                    f"no Dask scheduler answers at {self.address}: {error}. Start one with `dask scheduler`, or take "
                    "the executor 'dask'."
                ) from error
            with client:
                yield client


@dataclass(frozen=True)
class _Workers(Generic[S, T, R]):
    """A session: the cluster is asked for, and `shared` sent there, with the first task."""

    dask: Dask
    function: Callable[[S, T], R]
    shared: S
    stack: ExitStack

    @cached_property
    def client(self) -> Any:
        return self.stack.enter_context(self.dask.client())

    @cached_property
    def opened(self) -> Any:
        """As the result of a task, `shared` is made again where the worker that holds it is lost."""
        return self.client.submit(_Shared, packed(self.shared), pure=False)

    def run(self, tasks: Iterable[T], group: Callable[[T], Hashable] | None = None) -> Iterator[tuple[int, R]]:
        distributed: Any = import_module("distributed")
        client, opened = self.client, self.opened
        futures = {client.submit(_call, self.function, opened, task, pure=False): k for k, task in enumerate(tasks)}
        try:
            for future in distributed.as_completed(futures):
                try:
                    yield futures[future], future.result()
                except distributed.KilledWorker as error:
                    raise ExecutorError(
                        f"a worker of the cluster was killed {TRIES} times at the same task: there may be too "
                        "little memory. See the logs of its workers."
                    ) from error
        finally:
            client.cancel(list(futures))


class _Shared:
    """What all tasks share, unpacked in each worker process when it is first asked for."""

    def __init__(self, packed: bytes) -> None:
        self.packed = packed

    def __getstate__(self) -> dict[str, Any]:
        return {"packed": self.packed}  # a worker gets it as it was sent

    @cached_property
    def value(self) -> Any:
        return pickle.loads(self.packed)


def _call(function: Callable[[S, T], R], shared: _Shared, task: T) -> R:
    import scipy.linalg  # noqa: F401  # with a BLAS of its own: only one that is loaded can be limited
    from threadpoolctl import threadpool_limits

    with _alone, threadpool_limits(1):
        return function(shared.value, task)
