"""A solver that never ends is ended where it computes, and nowhere else."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import pytest
import sympy as sp

import ncsolve as nc
import ncsolve.solving.loop
from ncsolve.solving import Status, watchdog
from ncsolve.solving.watchdog import Watchdog

x = sp.Symbol("x")
LIMIT = 3600  # seconds; the tests say themselves when it is reached
BOWL = nc.Problem((x - 1) ** 2, start={x: 3.0}, name="bowl")


REACHED = threading.Event()


class OnDemand(Watchdog):
    """Its time limit is reached when a test says so, however slow the machine."""

    def _watch(self, seconds):
        REACHED.wait(60)
        super()._watch(0.0)


@pytest.fixture(autouse=True)
def on_demand(monkeypatch):
    monkeypatch.setattr(watchdog, "AGAIN", 0.01)
    monkeypatch.setattr(ncsolve.solving.loop, "Watchdog", OnDemand)
    REACHED.clear()
    yield
    REACHED.set()


def reach_limit(oracle):
    oracle.limit(deadline=perf_counter())
    REACHED.set()


@dataclass(frozen=True)
class State:
    x: np.ndarray


def burn(seconds=np.inf):
    end = perf_counter() + seconds
    while perf_counter() < end:
        pass


def never_ends(oracle):
    reach_limit(oracle)
    burn()


def catches_exceptions(oracle):
    reach_limit(oracle)
    while True:
        try:
            burn(1e-4)
        except Exception as error:
            raise AssertionError("it catches the end") from error


def catches_what_the_oracle_raises(oracle):
    reach_limit(oracle)
    while True:
        with suppress(Exception):
            oracle.value(np.zeros(1))


@dataclass(frozen=True)
class Descent:
    name, needs, state_type = "endless", frozenset({"gradient"}), State

    def init(self, oracle, x0, rng):
        return State(x0)

    def step(self, oracle, state, rng):
        return State(state.x - 0.1 * oracle.gradient(state.x))


def endless(where, loop):
    """A solver that descends for two steps, where it comes to them, and then loops."""

    @dataclass(frozen=True)
    class Endless(Descent):
        def init(self, oracle, x0, rng):
            return loop(oracle) if where == "init" else State(x0)

        def step(self, oracle, state, rng):
            return loop(oracle) if oracle.points == 3 else super().step(oracle, state, rng)

    @dataclass(frozen=True)
    class Driven:
        name, needs, state_type = "endless", frozenset({"gradient"}), State

        def drive(self, oracle, x0, rng, report):
            report(State(x0))
            report(State(x0 - 0.1 * oracle.gradient(x0)))
            loop(oracle)

    return Driven() if where == "drive" else Endless()


@pytest.mark.parametrize("loop", [never_ends, catches_exceptions, catches_what_the_oracle_raises])
@pytest.mark.parametrize(("where", "best"), [("init", 4.0), ("step", 4 * 0.64**2), ("drive", 4 * 0.64)])
def test_it_is_ended_at_the_time_limit_with_the_best_point(where, best, loop):
    result = nc.solve(BOWL, endless(where, loop), max_seconds=LIMIT)
    assert result.status is Status.TIME
    assert result.message == (
        f"the time limit is reached: solver 'endless' ({__name__}) was stopped in the midst of a step"
    )
    assert result.objective == pytest.approx(best)


def test_in_any_thread():
    ends = []
    thread = threading.Thread(
        target=lambda: ends.append(nc.solve(BOWL, endless("step", never_ends), max_seconds=LIMIT))
    )
    thread.start()
    thread.join()
    assert ends[0].status is Status.TIME


@pytest.mark.parametrize("where", ["step", "drive"])
def test_a_callback_is_not_interrupted(where):
    begun, ended = [], []

    def slow(look):
        begun.append(look.iteration)
        REACHED.set()
        burn(0.05)
        ended.append(look.iteration)

    result = nc.solve(BOWL, endless(where, never_ends), max_seconds=LIMIT, callbacks=[slow])
    assert result.status is Status.TIME
    assert begun == ended != []


def test_an_evaluation_that_has_begun_is_let_end():
    backend = {"__name__": "ncsolve.backends.slow", "burn": burn, "reach_limit": reach_limit}
    exec("def evaluate(oracle):\n reach_limit(oracle)\n burn(0.1)\n return 1.0", backend)
    ends = []

    def compute(oracle):
        ends.append(backend["evaluate"](oracle))
        burn()

    assert nc.solve(BOWL, endless("step", compute), max_seconds=LIMIT).status is Status.TIME
    assert ends == [1.0]


def test_nothing_is_raised_once_the_function_has_returned(monkeypatch):
    monkeypatch.setattr(watchdog, "GRACE", 0.01)
    watch = Watchdog(0.0)
    for _ in range(10):
        with pytest.raises(nc.NcsolveError):
            watch.watched(burn)()
        burn(0.015)
    watch.close()
    burn(0.03)
    assert watch.fired


def test_a_run_that_ends_in_time_has_the_bits_of_one_without_a_limit():
    free, limited = (nc.solve(BOWL, Descent(), max_seconds=limit) for limit in (None, 60))
    assert free.trace["x"].tobytes() == limited.trace["x"].tobytes()
    assert (free.evaluations, free.message) == (limited.evaluations, limited.message)


def test_without_a_limit_nothing_is_put_around_the_solver():
    assert Watchdog(float("inf")).watched(burn) is burn
    assert Watchdog(1e10).unwatched(burn) is burn
