"""The time limit for a solver that asks the oracle for nothing: a thread that watches it, and ends it.

The oracle refuses evaluations beyond the limit, and the loop looks at the clock between two steps. A step that does
neither would never end. So a thread waits until the limit and a grace have passed, and raises an exception in the
thread of the solver, again and again until it has left.

An exception sent to a thread (`PyThreadState_SetAsyncExc`, CPython) rather than a signal: it reaches any thread on any
system, and takes no alarm from the one who calls. It is no `Exception`, so that a solver does not catch it by accident.
It arrives between two bytecodes: a call into C code is not interrupted, nor a loop that catches whatever is raised.
"""

from __future__ import annotations

import ctypes
import sys
from _thread import allocate_lock, get_ident, start_new_thread
from collections.abc import Callable
from threading import TIMEOUT_MAX
from types import FrameType
from typing import Any

from ncsolve.errors import BudgetExhausted

__all__ = ["Watchdog"]

GRACE = 0.5
"""Seconds beyond the limit, in which the oracle or the loop end almost every run."""
AGAIN = 0.2
"""Seconds until the next try."""
WHOLE = ("ncsolve.oracle", "ncsolve.derivatives", "ncsolve.constraints", "ncsolve.backends", "importlib", "numba")
"""Evaluations, imports and compilations are let end: half of one would spoil what comes after."""


class Watchdog:
    """Ends the functions that it watches when they take longer than so many seconds from now, as BudgetExhausted.

    Nothing is raised outside of them: not in what they call through `unwatched`, and not once they have returned.
    Belongs to the thread that makes it. Without a limit it does nothing and costs nothing.
    """

    def __init__(self, seconds: float) -> None:
        self.fired = False
        self._armed = False
        self._waits = seconds + GRACE < TIMEOUT_MAX
        if self._waits:
            self._thread = get_ident()
            self._lock, self._closed = allocate_lock(), allocate_lock()
            self._closed.acquire()
            start_new_thread(self._watch, (seconds + GRACE,))

    def watched(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, which raises BudgetExhausted("TIME") where it is ended."""
        if not self._waits:
            return function

        def watched(*arguments: Any) -> Any:
            try:
                self._armed = True
                try:
                    return function(*arguments)
                finally:
                    self._disarm()
            except _Overtime:
                self._disarm()
                raise BudgetExhausted("TIME") from None

        return watched

    def unwatched(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function that a watched one calls, and in which nothing is ended."""
        if not self._waits:
            return function

        def unwatched(*arguments: Any) -> Any:
            self._disarm()
            try:
                return function(*arguments)
            finally:
                self._armed = True

        return unwatched

    def close(self) -> None:
        """Watch no longer."""
        if self._waits and self._closed.locked():
            self._disarm()
            self._closed.release()

    def _disarm(self) -> None:
        """From here on nothing arrives: what is under way is caught or taken back."""
        while self._armed:
            try:
                with self._lock:
                    self._armed = False
                    if self.fired:
                        _send(self._thread, None)
            except _Overtime:
                pass

    def _watch(self, seconds: float) -> None:
        if self._closed.acquire(timeout=seconds):
            return
        begun = self._whole()
        while begun is not None and begun is self._whole():
            if self._closed.acquire(timeout=AGAIN):
                return
        while True:
            with self._lock:
                if self._armed:
                    self.fired = True
                    _send(self._thread, _Overtime)
            if self._closed.acquire(timeout=AGAIN):
                return

    def _whole(self) -> FrameType | None:
        """The outermost frame of what is let end, where the solver is in the midst of it.

        Another one later is of an evaluation that the oracle refuses by itself.
        """
        found, frame = None, sys._current_frames().get(self._thread)
        while frame is not None and frame.f_code.co_name != "watched":
            if str(frame.f_globals.get("__name__")).startswith(WHOLE):
                found = frame
            frame = frame.f_back
        return found


class _Overtime(BaseException):
    """What is raised in the thread of the solver."""


def _send(thread: int, exception: type[BaseException] | None) -> None:
    """Raise an exception in a thread; None takes back the one that has not arrived yet."""
    what = ctypes.py_object() if exception is None else ctypes.py_object(exception)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), what)
