"""The one loop: it runs a solver from a point until something stops it, and does not ask what the point is worth."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncsolve.critical.stationarity import stationarity
from ncsolve.errors import BudgetExhausted, NcsolveError, PluginError
from ncsolve.solving.checkpoint import Keeper, Mark, counters
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

FLOAT = np.dtype(np.float64)
ABYSS = -1e100
"""An objective below this many times its first value is taken to be unbounded."""
ROUNDING = 4 * float(np.finfo(float).eps)
FLAGS = ("converged", "stalled", "exploring", "chains")
"""What a state may say beyond numbers."""
FEASIBLE = 1e-6
"""Violations of constraints below this are not told apart when the best point is chosen."""
FEW = 32
"""Up to this many variables Python's own loops are faster than NumPy's."""


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
        self.recorder = Recorder(oracle.n)
        self.samples = Samples(getattr(solver, "burn_in", 0), getattr(solver, "thin", 1))
        self.progress = Progress(solver.name)
        self.start = perf_counter()
        self.begun = counters(oracle)
        self._points_before = oracle.points
        self.iteration = 0
        self.last: Look | None = None
        self.first_objective = math.nan
        self.best_x: Vector | None = None
        self.best_objective = math.inf
        self.last_progress = 0
        self.detail = ""
        self.error: BaseException | None = None
        self.leg: tuple[float, int] = (math.inf, 0)
        """What the one who asked remembers between two calls of `advance`."""
        self.mark: Mark | None = None
        self._marked: Mark | None = None  # from which the run goes on
        self._abyss = -math.inf
        self._objective_to_beat = self._norm_to_beat = math.inf
        self._shape = (oracle.n,)
        self._flags: frozenset[str] = frozenset()
        self._bounds = None if oracle.lower is None or oracle.upper is None else (oracle.lower, oracle.upper)
        self._penalised = oracle.penalty is not None
        self._constrained = oracle.problem.constrained
        self._is_game = oracle.problem.signs is not None
        self._best_norm = math.inf
        self._violation = self._best_violation = math.inf
        self._plain = self._bounds is None and not self._penalised and not self._constrained

    @property
    def seconds(self) -> float:
        return perf_counter() - self.start

    @property
    def passed_lower(self) -> bool:
        """Whether the last iterate lies clearly above the best one, as after overshooting into another basin."""
        if self.last is None or self._constrained or self._is_game:
            return False
        return self.last.objective - self.best_objective > 1e-6 * (self.first_objective - self.best_objective)

    def resume(self, mark: Mark) -> None:
        """Let the next `advance` go on from a mark, with the state, counters and random numbers of the run then."""
        for name, value in mark.books.items():
            setattr(self, name, value)
        self.rng.bit_generator.state = mark.rng
        self.oracle.restore(mark.oracle)
        self.recorder.resume(mark.columns, mark.rows, mark.escapes)
        count, self.samples.thin, kept = mark.samples
        self.samples.kept = list(kept)
        f, norm, seconds = mark.look
        x, points, best, last = mark.state.x, mark.evaluations, self.best_objective, self.last_progress
        self.last = Look(self.iteration, x, f, norm, seconds, points, best, last, mark.state)
        self.last.exploring = getattr(mark.state, "exploring", False)
        samples = count, self.samples.thin, self.samples.kept
        self._marked = self.mark = replace(mark, rows=len(self.recorder.numbers), samples=samples)

    def advance(self, x0: Vector) -> Status:
        """Run the solver from x0 until a stopping test, a limit, an interrupt or a failure ends it.

        Raises the NcsolveError with which a solver refuses the problem before its first step.
        """
        self._watchdog = Watchdog(self.oracle.remaining[1])
        try:
            return self._iterate(x0)
        except BudgetExhausted as exhausted:
            if self._watchdog.fired:
                self.detail = f"{Status.TIME.message}: {self._who} was stopped in the midst of a step"
            return Status[exhausted.reason]
        except KeyboardInterrupt:
            return Status.INTERRUPTED
        except _Failure as failure:
            self.detail, self.error = str(failure), failure.__cause__
            return Status.FAILED
        finally:
            self._watchdog.close()
            self.progress.close()

    def _iterate(self, x0: Vector) -> Status:
        oracle, rng = self.oracle, self.rng
        if self._marked is not None:
            state, self._marked = self._marked.state, None
            self._begin(state)
            status = self._verdict(self.last) if self.last else None
        else:
            x0.flags.writeable = False
            self.last_progress, self.detail = self.iteration, ""
            if hasattr(self.solver, "drive"):
                return self._driven(x0)
            state = self._first_state(x0)
            status = self._look(state)
        step = self._watchdog.watched(self.solver.step)
        while status is None:
            try:
                state = step(oracle, state, rng)
            except BudgetExhausted:
                raise
            except Exception as error:
                raise self._failure(f"step {self.iteration + 1}", error) from error
            self.iteration += 1
            status = self._look(state)
        return status

    def _first_state(self, x0: Vector) -> Any:
        try:
            state = self._watchdog.watched(self.solver.init)(self.oracle, x0, self.rng)
        except BudgetExhausted:
            raise
        except Exception as error:
            if isinstance(error, NcsolveError) and self.last is None:
                raise
            raise self._failure("init", error) from error
        self._begin(state)
        return state

    def _driven(self, x0: Vector) -> Status:
        """Let a solver run a loop of its own: it reports each state, and an exception ends it where it shall stop."""
        reported = False

        def report(state: Any) -> None:
            nonlocal reported
            if reported:
                self.iteration += 1
            else:
                reported = True
                self._begin(state)
            if (status := self._look(state)) is not None:
                raise _Stopped(status)

        try:
            drive = self._watchdog.watched(self.solver.drive)
            last = drive(self.oracle, x0, self.rng, self._watchdog.unwatched(report))
        except _Stopped as stopped:
            return stopped.status
        except (BudgetExhausted, _Failure):
            raise
        except Exception as error:
            if isinstance(error, NcsolveError) and self.last is None:
                raise
            raise self._failure("its run", error) from error
        self.iteration += 1
        return self._look(last) or Status.STALLED

    def _begin(self, state: Any) -> None:
        self._check_type(state)
        self._flags = frozenset(flag for flag in FLAGS if hasattr(state, flag))

    def _look(self, state: Any) -> Status | None:
        """Evaluate, guard, record and judge one state: the status to stop with, or None."""
        x, f, g = self._read(state)
        if self._penalised:
            f += self.oracle.penalty_value(x)
        residual = g if self._plain else self._stationarity(x, g, state)
        norm = _size(x, residual)
        if not (math.isfinite(f) and math.isfinite(norm)) or self._is_pulled(g, residual):
            return self._nonfinite(x, f, g)
        self._compare(x, f, norm)
        seconds, points = perf_counter() - self.start, self.oracle.points - self._points_before
        look = Look(self.iteration, x, f, norm, seconds, points, self.best_objective, self.last_progress, state)
        look.exploring = "exploring" in self._flags and state.exploring
        self.last = look
        try:
            self.recorder.record(look)
        except (AttributeError, TypeError) as error:
            raise self._failure(f"step {self.iteration}", error, "each number of a state must stay one") from error
        if "chains" in self._flags:
            self.samples.record(self.iteration, state.chains)
        if seconds >= self.progress.due:
            self.progress.show(look)
        if self.keeper is not None:
            self._keep(self.keeper, state, seconds)
        status = self._asked_to_stop(look) if self.callbacks else None
        return status or self._verdict(look)

    def _verdict(self, look: Look) -> Status | None:
        """Whether to stop here, by what the look and the solver say."""
        f, state = look.objective, look.state
        if f < self._abyss:
            self.detail = f"the objective falls without bound: it is {f:.3g} {_far_away(look.x)}"
            return Status.NONFINITE
        return self.stop(look) or (self._solver_says(state) if self._flags else None)

    def _keep(self, keeper: Keeper, state: Any, seconds: float) -> None:
        self.mark = Mark.of(self, state)
        if seconds >= keeper.due:
            keeper.save(self.mark.complete(self.recorder.numbers), seconds)

    def _compare(self, x: Vector, f: float, norm: float) -> None:
        """Keep the best point, and the iteration in which f or the gradient last improved by more than rounding."""
        if self.last is None:
            self.first_objective = f
            self._abyss = -math.inf if self._is_game else ABYSS * max(1.0, abs(f))
        if self._is_better(f, norm):
            self.best_objective, self.best_x = f, x
            self._best_violation, self._best_norm = self._violation, norm
        if f < self._objective_to_beat:
            self._objective_to_beat = f - ROUNDING * abs(f)
            self.last_progress = self.iteration
        if self._is_game:  # players that circle each other for long may still come together
            self.last_progress = self.iteration
        if norm < self._norm_to_beat:
            self._norm_to_beat = 0.99 * norm
            self.last_progress = self.iteration

    def _is_better(self, f: float, norm: float) -> bool:
        """Whether this is the best point so far: with constraints, the lowest of those that hold them best."""
        if self._is_game:  # neither player's objective says how far they are from an equilibrium
            return norm < self._best_norm
        if not self._constrained:
            return f < self.best_objective
        return (max(self._violation, FEASIBLE), f) < (max(self._best_violation, FEASIBLE), self.best_objective)

    def _asked_to_stop(self, look: Look) -> Status | None:
        for callback in self.callbacks:
            answer = callback(look)
            if isinstance(answer, Status):
                return answer
            if answer is True:
                self.detail = "a callback asked to stop"
                return Status.INTERRUPTED
        return None

    def _solver_says(self, state: Any) -> Status | None:
        if "converged" in self._flags and state.converged:
            proof = f"solver '{self.solver.name}' has its own proof of convergence"
            self.detail = getattr(state, "message", "") or proof
            return Status.CONVERGED
        if "stalled" in self._flags and state.stalled:
            self.detail = getattr(state, "message", "")
            return Status.STALLED
        return None

    def _read(self, state: Any) -> tuple[Vector, float, Vector]:
        """x, f and g of a state, from the oracle where the state has no f or g. Checked, for a plugin may be wrong."""
        try:
            x = state.x
            if x.shape != self._shape or x.dtype != FLOAT:
                raise TypeError(f"its state has x of shape {x.shape} and type {x.dtype}")
            x.setflags(False)
            f, g = getattr(state, "objective", None), getattr(state, "gradient", None)
            if f is not None and g is not None:
                f = float(f)
                if g.shape != self._shape:
                    raise TypeError(f"its state has a gradient of shape {g.shape}")
                return x, f, g
        except (AttributeError, TypeError, ValueError) as error:
            wanted = f"x must be a float64 array of shape {self._shape}, objective a number and gradient like x"
            raise self._failure(f"step {self.iteration}", error, wanted) from error
        return x, *self.oracle.value_and_gradient(x)

    def _stationarity(self, x: Vector, g: Vector, state: Any) -> Vector:
        if self._bounds and ((x < self._bounds[0]).any() or (x > self._bounds[1]).any()):
            raise self._outside(x, *self._bounds)
        if self._constrained:
            residuals = stationarity(self.oracle, x, g, getattr(state, "multipliers", None))
            self._violation = float(residuals[1])
            return residuals
        return stationarity(self.oracle, x, g)

    def _is_pulled(self, g: Vector, residual: Vector) -> bool:
        """Whether an infinite slope moves x, however little room bounds or a penalty leave it."""
        if self._plain or self._constrained or math.isfinite(float(g.sum())):
            return False
        return not bool(np.isfinite(g[residual != 0]).all())

    def _nonfinite(self, x: Vector, f: float, g: Vector) -> Status:
        """Why: x, f or its gradient there, the penalty; or the solver, where all of them are finite."""
        with self.oracle.uncounted():
            self.detail = self.oracle.explain_nonfinite(x)
            value, gradient = self.oracle.value_and_gradient(x)
        if self.detail:
            return Status.NONFINITE
        if not math.isfinite(self.oracle.penalty_value(x)):
            self.detail = f"x lies outside the domain of {self.oracle.penalty}"
        elif _are_finite(value, gradient) and not _are_finite(f, g):
            wrong = "a gradient" if math.isfinite(f) else "an objective"
            self.detail = f"solver '{self.solver.name}' reports {wrong} that is not finite where it is finite"
            return Status.FAILED
        return Status.NONFINITE

    def _check_type(self, state: Any) -> None:
        declared = getattr(self.solver, "state_type", object)
        if not isinstance(state, declared):
            wrong = TypeError(f"init() returned {type(state).__name__}, not its state_type {declared.__name__}")
            raise self._failure("init", wrong) from wrong

    @property
    def _who(self) -> str:
        return f"solver '{self.solver.name}' ({type(self.solver).__module__})"

    def _failure(self, where: str, error: Exception, wanted: str = "") -> _Failure:
        text = f"{self._who} failed in {where}: {type(error).__name__}: {error}"
        if isinstance(error, ValueError) and "read-only" in str(error):
            wanted = "x0 and returned states must not be written to: work on a copy"
        return _Failure(f"{text}. {wanted}".rstrip(". "))

    def _outside(self, x: Vector, lower: Vector, upper: Vector) -> _Failure:
        k = int(np.argmax(np.maximum(lower - x, x - upper)))
        claims = "bounds" in getattr(self.solver, "needs", ())
        advice = (
            "although it declares that it handles them"
            if claims
            else "which it does not declare to handle: choose one that does"
        )
        return _Failure(
            f"solver '{self.solver.name}' left the bounds, {advice} (x[{k}] = {x[k]:.6g} is outside "
            f"[{lower[k]:.6g}, {upper[k]:.6g}])"
        )


class _Stopped(Exception):
    """Leaves the loop of a solver that runs its own."""

    def __init__(self, status: Status) -> None:
        super().__init__(str(status))
        self.status = status


class _Failure(PluginError):
    """The solver broke its contract; `__cause__` is what it raised."""


def _far_away(x: Vector) -> str:
    """How far x is away, and along which ray, in words."""
    size = float(np.abs(x).max())
    with np.printoptions(precision=2, suppress=True, threshold=6, edgeitems=3):
        return f"where |x| = {size:.3g}, along {np.array2string(x / size + 0.0, separator=', ')}"


def _size(x: Vector, g: Vector) -> float:
    """The infinity norm of g, or nan where x or g is not finite."""
    if len(g) <= FEW:
        entries = g.tolist()
        if math.isfinite(sum(entries) + sum(x.tolist())):
            return float(max(map(abs, entries)))
    if not (math.isfinite(float(x.sum())) or np.isfinite(x).all()):
        return math.nan
    return max(float(g.max()), -float(g.min()))  # nan where one is in g


def _are_finite(f: float, g: Vector) -> bool:
    return math.isfinite(f) and bool(np.isfinite(g).all())
