"""Timing for a noisy machine: one core, contestants in turns, the best of some medians; and tables of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median

from threadpoolctl import threadpool_limits

Call = tuple[Callable[..., object], Sequence[tuple[object, ...]]]

CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.process_time}

_GROUPS = 3  # medians, of which the best counts
_ROUNDS = 27  # turns of each contestant, if the time allows
_SLOW_SECONDS = 0.5  # a call that is warm enough after one
_SAMPLE_SECONDS = 0.002  # the least that one sample takes


def pin() -> None:
    """Bind this process, its children and every thread pool (BLAS, XLA, numba) to one core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    threadpool_limits(1)


def interleaved(calls: Mapping[str, Call], seconds: float = 1.0, clock: str = "wall") -> dict[str, float]:
    """Seconds per call of each contestant: A B C A B C ..., so that a drift of the machine meets all of them.

    Each comes with a list of arguments that it is called with in turn, so that no cache of the last point answers.
    `seconds` is about what each contestant may spend, `clock` a name of CLOCKS.
    """
    tick = CLOCKS[clock]
    loops = {name: _loops(call) for name, call in calls.items()}
    samples: dict[str, list[float]] = {name: [] for name in calls}
    end = time.perf_counter() + seconds * len(calls)
    for turn in range(_ROUNDS):
        if turn >= _GROUPS and time.perf_counter() > end:
            break
        for name, call in calls.items():
            samples[name].append(_sample(call, loops[name], tick))
    return {name: _best_median(times) for name, times in samples.items()}


def _sample(call: Call, loops: int, tick: Callable[[], float] = time.perf_counter) -> float:
    function, arguments = call
    start = tick()
    for _ in range(loops):
        for argument in arguments:
            function(*argument)
    return (tick() - start) / (loops * len(arguments))


def _loops(call: Call) -> int:
    """Warms up, and says how many passes through the arguments make a sample long enough."""
    once = _sample(call, 1)
    if once < _SLOW_SECONDS:
        once = min(once, _sample(call, 1))
    return max(1, round(_SAMPLE_SECONDS / (once * len(call[1]))))


def _best_median(times: list[float]) -> float:
    size = max(1, len(times) // _GROUPS)
    return min(median(times[k : k + size]) for k in range(0, len(times) - size + 1, size))


def readable(seconds: float) -> str:
    """Three digits with a unit: 4.21 ms."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}" if seconds / scale < 999.5 else f"{seconds / scale:.0f} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the first column is left-aligned, the others are right-aligned."""
    lines = [list(heading), *(list(row) for row in rows)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(heading))]
    rule = ["-" * widths[0], *("-" * (w - 1) + ":" for w in widths[1:])]
    padded = [[line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in (padded[0], rule, *padded[1:]))
