"""Programs as loop nests: which operations share a loop, and which values must be kept in an array between loops.

A task runs over an index space. At every level, a task that has indices left joins the first loop over its outermost
remaining index in which all of its arguments are known: computed before the loop, or in it at the same index. A value
that is used only within the loops in which it is computed is a scalar; otherwise it is kept in an array over the
indices of the loops that producer and consumer do not share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ncsolve.graph.nodes import Index

Axes = tuple[Index, ...]


@dataclass(frozen=True, eq=False)
class Task:
    """One statement of the loops: an operation, or a sink that stores a value (a scatter into g, an entry of H).

    `space` is what it runs over, `reduces` the part of the space that is summed (or maximised) away. A `whole` task
    needs its arguments as complete arrays and gives one: a matrix product.
    """

    id: int
    args: tuple[int, ...]
    space: Axes
    reduces: Axes = ()
    whole: bool = False

    @property
    def result(self) -> Axes:
        return tuple(i for i in self.space if i not in self.reduces)


@dataclass(eq=False)
class Loop:
    index: Index
    tasks: list[Task] = field(default_factory=list)
    items: list[Loop | Task] = field(default_factory=list)


@dataclass
class Schedule:
    """Items in order; for every task its enclosing loops, and the indices over which its value is kept in an array."""

    items: list[Loop | Task]
    paths: dict[int, tuple[Loop, ...]]
    kept: dict[int, Axes]

    def available(self, task: Task) -> tuple[Loop, ...]:
        """The loops within which the task's value is complete."""
        path = self.paths[task.id]
        for depth, loop in enumerate(path):
            if loop.index in task.reduces:
                return path[:depth]
        return path


def schedule(tasks: Sequence[Task], order: Sequence[Index]) -> Schedule:
    """Loops for tasks that come in topological order; `order` ranks the indices, outermost first."""
    rank = {index: k for k, index in enumerate(order)}
    by_id = {t.id: t for t in tasks}
    items = _fuse(tasks, by_id, frozenset(), rank)
    paths: dict[int, tuple[Loop, ...]] = {}
    _walk(items, (), paths)
    result = Schedule(items, paths, {})
    consumers: dict[int, list[Task]] = {t.id: [] for t in tasks}
    for task in tasks:
        for a in task.args:
            if a in consumers:
                consumers[a].append(task)
    for task in tasks:
        result.kept[task.id] = _kept(task, consumers[task.id], result)
    return result


def _fuse(
    tasks: Sequence[Task], by_id: dict[int, Task], fixed: frozenset[Index], rank: dict[Index, int]
) -> list[Loop | Task]:
    items: list[Loop | Task] = []
    place: dict[int, int] = {}
    for task in tasks:
        left = [] if task.whole else [i for i in task.space if i not in fixed]
        index = min(left, key=lambda i: rank[i]) if left else None
        earliest = 0
        for a in task.args:
            if a in place:
                item, producer = items[place[a]], by_id[a]
                same = isinstance(item, Loop) and item.index == index and index in producer.result
                earliest = max(earliest, place[a] + (0 if same else 1))
        if index is None:
            items.append(task)
            place[task.id] = len(items) - 1
            continue
        for k in range(earliest, len(items)):
            item = items[k]
            if isinstance(item, Loop) and item.index == index:
                break
        else:
            items.append(Loop(index))
            k = len(items) - 1
        loop = items[k]
        assert isinstance(loop, Loop)
        loop.tasks.append(task)
        place[task.id] = k
    for item in items:
        if isinstance(item, Loop):
            item.items = _fuse(item.tasks, by_id, fixed | {item.index}, rank)
    return items


def _walk(items: list[Loop | Task], path: tuple[Loop, ...], paths: dict[int, tuple[Loop, ...]]) -> None:
    for item in items:
        if isinstance(item, Loop):
            _walk(item.items, (*path, item), paths)
        else:
            paths[item.id] = path


def _kept(task: Task, consumers: list[Task], plan: Schedule) -> Axes:
    """The indices of the array that keeps a task's value, in the order of its loops; () for a scalar."""
    if task.whole:
        return task.result
    available, path = plan.available(task), plan.paths[task.id]
    needed: set[Index] = {loop.index for loop in path[len(available) :]} - set(task.reduces)
    for consumer in consumers:
        if consumer.whole:
            needed |= set(task.result)
            continue
        shared = 0
        for mine, theirs in zip(available, plan.paths[consumer.id], strict=False):
            if mine is not theirs:
                break
            shared += 1
        needed |= {loop.index for loop in path[shared:]} - set(task.reduces)
    return tuple(loop.index for loop in path if loop.index in needed)
