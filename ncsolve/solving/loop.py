"""The one loop: it runs a solver from a point until something stops it, and does not ask what the point is worth."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import BudgetExhausted, ExecutorError, MissingExtra, OptionError
from ncsolve.solving.checkpoint import Keeper, Mark, counters
from ncsolve.solving.contract import Broken, Contract, words_of
from ncsolve.solving.merit import merit_of
from ncsolve.solving.progress import Progress
from ncsolve.solving.samples import Samples
from ncsolve.solving.status import Status
from ncsolve.solving.stopping import Look, Stop
from ncsolve.solving.trace import Recorder
from ncsolve.solving.watchdog import Watchdog

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle

__all__ = ["Callback", "Loop"]

Vector = NDArray[np.float64]
Callback = Callable[[Look], Any]


class Loop:
    """One run, which may go on from several points in turn: its budget, trace, best point and clock.

    `advance(x)` runs the solver from x and returns why it stopped; the rest is for the one who asked.
    """

    def __init__(
        self,
        oracle: Oracle,
        solver: Any,
        rng: np.random.Generator,
        stop: Stop,
        callbacks: Iterable[Callback] = (),
        keeper: Keeper | None = None,
    ) -> None:
        self.oracle, self.solver, self.rng, self.stop, self.keeper = oracle, solver, rng, stop, keeper
        self.callbacks = tuple(callbacks)
        self.contract = Contract(oracle, solver)
        self.merit = merit_of(oracle)
        self.recorder = Recorder(oracle.n)
        self.samples = Samples(getattr(solver, "burn_in", 0), getattr(solver, "thin", 1))
        self.progress = Progress(solver.name)
        self.start = perf_counter()
        self.begun = counters(oracle)
        self.iteration = self.last_progress = 0
        self.last: Look | None = None
        self.detail = ""
        self.error: BaseException | None = None
        self.leg: tuple[float, int] = (math.inf, 0)
        """What the one who asked remembers between two calls of `advance`."""
        self.mark: Mark | None = None
        self._marked: Mark | None = None  # from which the run goes on
        self._points_before = oracle.points

    @property
    def seconds(self) -> float:
        return perf_counter() - self.start

    @property
    def passed_lower(self) -> bool:
        """Whether the last iterate lies clearly above the best one, as after overshooting into another basin."""
        return self.last is not None and self.merit.is_far_above_best(self.last.objective)

    def resume(self, mark: Mark) -> None:
        """Let the next `advance` go on from a mark, with the state, counters and random numbers of the run then."""
        for name, value in mark.books.items():
            setattr(self, name, value)
        self.merit.restore(mark.merit)
        self.rng.bit_generator.state = mark.rng
        self.oracle.restore(mark.oracle)
        self.recorder.resume(mark.columns, mark.rows, mark.escapes)
        count, self.samples.thin, kept = mark.samples
        self.samples.kept = list(kept)
        state, best, progress = mark.state, self.merit.best_objective, self.last_progress
        exploring = getattr(state, "exploring", False)
        self.last = Look(self.iteration, state.x, *mark.look, mark.evaluations, best, progress, state, exploring)
        samples = count, self.samples.thin, self.samples.kept
        self._marked = self.mark = replace(mark, rows=len(self.recorder.numbers), samples=samples)

    def advance(self, x0: Vector) -> Status:
        """Run the solver from x0 until a stopping test, a limit, an interrupt or a failure ends it.

        Raises the OptionError with which a solver refuses the problem before its first step.
        """
        watchdog = Watchdog(self.oracle.remaining[1])
        try:
            return self._iterate(x0, watchdog)
        except BudgetExhausted as exhausted:
            if watchdog.fired:
                self.detail = f"{Status.TIME.message}: {self.contract.who} was stopped in the midst of a step"
            if exhausted.reason in Status.__members__:
                return Status[exhausted.reason]
            self.detail, self.error = str(self.contract.broken("its run", exhausted)), exhausted
            return Status.FAILED
        except KeyboardInterrupt:
            return Status.INTERRUPTED
        except Broken as broken:
            self.detail, self.error = str(broken), broken.__cause__
            return Status.FAILED
        finally:
            watchdog.close()
            self.progress.close()

    def _iterate(self, x0: Vector, watchdog: Watchdog) -> Status:
        oracle, solver, rng = self.oracle, self.solver, self.rng
        if self._marked is not None:
            state, self._marked = self._marked.state, None
            self.contract.begin(state)
            status = self._verdict(self.last) if self.last else None
        else:
            x0.flags.writeable = False
            self.last_progress, self.detail = self.iteration, ""
            if hasattr(solver, "drive"):
                return self._driven(x0, watchdog)
            try:
                state = watchdog.watched(solver.init)(oracle, x0, rng)
            except BaseException as error:
                self._raised("init", error)
            self.contract.begin(state)
            status = self._look(state)
        step = watchdog.watched(solver.step)
        while status is None:
            try:
                state = step(oracle, state, rng)
            except BaseException as error:
                self._raised(f"step {self.iteration + 1}", error)
            self.iteration += 1
            status = self._look(state)
        return status

    def _driven(self, x0: Vector, watchdog: Watchdog) -> Status:
        """Let a solver run a loop of its own: it reports each state, and an exception ends it where it shall stop."""
        reported = False

        def report(state: Any) -> None:
            nonlocal reported
            if reported:
                self.iteration += 1
            else:
                reported = True
                self.contract.begin(state)
            if (status := self._look(state)) is not None:
                raise _Stopped(status)

        try:
            last = watchdog.watched(self.solver.drive)(self.oracle, x0, self.rng, watchdog.unwatched(report))
        except _Stopped as stopped:
            return stopped.status
        except BaseException as error:
            self._raised("its run", error)
        self.iteration += 1
        return self._look(last) or Status.STALLED

    def _raised(self, where: str, error: BaseException) -> NoReturn:
        """What a solver raises: its limit, its refusal of the problem before the first look, or else a fault of it."""
        is_refusal = self.last is None and isinstance(error, (OptionError, MissingExtra, ExecutorError))
        try:
            if is_refusal or isinstance(error, (BudgetExhausted, Broken, KeyboardInterrupt)):
                raise error
            raise self.contract.broken(where, error) from error
        finally:
            del error  # it keeps this frame, which must not keep it: all of the run would stay with them

    def _look(self, state: Any) -> Status | None:
        """Read, measure, record and judge one state: the status to stop with, or None."""
        x, f, g = self.contract.read(state, self.iteration)
        f, norm, rank = self.merit.measure(x, f, g, state)
        if not (math.isfinite(f) and math.isfinite(norm)):
            blamed, self.detail = self.contract.blame(x, f, g)
            return blamed
        if self.merit.remember(x, f, norm, rank):
            self.last_progress = self.iteration
        seconds, points = perf_counter() - self.start, self.oracle.points - self._points_before
        best, progress = self.merit.best_objective, self.last_progress
        exploring = "exploring" in self.contract.flags and self.contract.says(state, "exploring", self.iteration)
        look = Look(self.iteration, x, f, norm, seconds, points, best, progress, state, exploring)
        self.last = look
        self._record(look)
        if seconds >= self.progress.due:
            self.progress.show(look)
        if self.keeper is not None:
            self._keep(self.keeper, look)
        status = self._asked_to_stop(look) if self.callbacks else None
        return status or self._verdict(look)

    def _record(self, look: Look) -> None:
        try:
            self.recorder.record(look)
            if "chains" in self.contract.flags:
                self.samples.record(self.iteration, look.state.chains)
        except Exception as error:
            where, wanted = f"step {self.iteration}", "each number of a state must stay one"
            raise self.contract.broken(where, error, wanted) from error

    def _keep(self, keeper: Keeper, look: Look) -> None:
        self.mark = Mark.of(self, look.state)
        if look.seconds >= keeper.due:
            keeper.save(self.mark.complete(self.recorder.numbers), look.seconds)

    def _asked_to_stop(self, look: Look) -> Status | None:
        for callback in self.callbacks:
            answer = callback(look)
            if isinstance(answer, Status):
                return answer
            if answer is True:
                self.detail = "a callback asked to stop"
                return Status.INTERRUPTED
        return None

    def _verdict(self, look: Look) -> Status | None:
        """Whether to stop here, by what the look and the solver say."""
        if look.objective < self.merit.abyss:
            self.detail = f"the objective falls without bound: it is {look.objective:.3g} {_far_away(look.x)}"
            return Status.NONFINITE
        return self.stop(look) or (self._solver_says(look.state) if self.contract.flags else None)

    def _solver_says(self, state: Any) -> Status | None:
        flags, says = self.contract.flags, self.contract.says
        if "converged" in flags and says(state, "converged", self.iteration):
            proof = f"solver '{self.solver.name}' has its own proof of convergence"
            self.detail = words_of(state) or proof
            return Status.CONVERGED
        if "stalled" in flags and says(state, "stalled", self.iteration):
            self.detail = words_of(state)
            return Status.STALLED
        return None


class _Stopped(Exception):
    """Leaves the loop of a solver that runs its own."""

    def __init__(self, status: Status) -> None:
        super().__init__(str(status))
        self.status = status


def _far_away(x: Vector) -> str:
    """How far x is away, and along which ray, in words."""
    size = float(np.abs(x).max())
    with np.printoptions(precision=2, suppress=True, threshold=6, edgeitems=3):
        return f"where |x| = {size:.3g}, along {np.array2string(x / size + 0.0, separator=', ')}"
