"""The front door: `nc.solve` and `nc.classify`, which know problems, solvers and backends by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ncsolve.critical import CriticalPoint
from ncsolve.critical import classify as classify_point
from ncsolve.errors import OptionError, PluginError
from ncsolve.executors import Executor, Serial, checked
from ncsolve.hooks import registry
from ncsolve.oracle import Oracle, compile
from ncsolve.solving import Criteria, Look, Result, configure, option_values, run, run_starts
from ncsolve.solving.asking import asked, who
from ncsolve.solving.switch import continued, is_stalled

if TYPE_CHECKING:
    from ncsolve.critical.symmetries import Symmetries
    from ncsolve.problem import Problem
    from ncsolve.store import Checkpoint, CheckpointFile

__all__ = ["classify", "resolve", "resume", "solve", "symmetry"]


def solve(
    problem: Problem,
    solver: Any = "auto",
    x0: Any = None,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    max_iterations: int | None = None,
    max_evaluations: int | None = None,
    max_seconds: float | None = None,
    gradient_tolerance: float = 1e-6,
    target: float | None = None,
    starts: int = 1,
    escape: bool = True,
    backend: str = "auto",
    callbacks: Iterable[Callable[[Look], Any]] = (),
    checkpoint: Any = None,
    certify: bool = False,
    executor: Executor | None = None,
) -> Result:
    """Minimise a problem and judge what was found.

    Parameters
    ----------
    solver
        A name (`ncsolve solvers` lists them), a solver class or an instance. "auto" chooses one and says why.
    x0
        {variable: value} or an array (n,); without it the problem's own start.
    seed
        The same seed gives the same bits.
    options
        Options of the solver by name; text is converted.
    max_iterations, max_evaluations, max_seconds
        Limits of each run; without any of them 100 000 iterations. Evaluations are counted in points, of every kind.
    gradient_tolerance
        CONVERGED when the infinity norm of the (projected) gradient is at most this.
    target
        TARGET when the objective is at most this.
    starts
        Number of starting points: the first as above, the others random. The best result is returned, with all in
        `runs`.
    escape
        Step off a saddle or a maximum and go on.
    callbacks
        Called with a `Look` after every iteration; returning True stops (INTERRUPTED), a `Status` stops with it.
    checkpoint
        A folder in which the run is kept: run.json, trace.npz, and every 30 s (`nc.Checkpoint(folder, every=...)`) a
        checkpoint, from which `nc.resume(folder)` goes on.
    certify
        Prove the judgement of the point in ball arithmetic where that is possible; the explanation says why not.
        Needs python-flint.
    executor
        Where the runs of several starts are made: `ncsolve.executors.choose("processes", 4)`, or "dask". Without one
        in this process, with the same bits: each run computes with one BLAS thread.

    Returns a `Result`: `status` says why it stopped, `point` what x is. What goes wrong during the run is told there;
    what is wrong before it raises an `NcsolveError`.
    """
    if isinstance(starts, bool) or not isinstance(starts, Integral) or starts < 1:
        raise OptionError(f"starts must be an integer of at least 1, not {starts!r}.")
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise OptionError(f"seed must be an integer of at least 0, not {seed!r}.")
    if certify:
        _refuse_uncertifiable(problem)
    criteria = Criteria(gradient_tolerance, target, max_iterations, max_evaluations, max_seconds)
    oracle = compile(problem, backend)
    chosen, why = resolve(solver, options or {}, oracle)
    called = tuple(callbacks)
    where = _checked(executor, called if starts > 1 else ())
    task = _Task(
        problem, solver, chosen, why, int(seed), int(starts), criteria, escape, backend, called, where, certify
    )
    if checkpoint is None:
        return task.run(oracle, x0)
    return _kept(task, oracle, x0, checkpoint)


def resume(
    folder: str | Path,
    problem: Problem | None = None,
    solver: Any = None,
    *,
    callbacks: Iterable[Callable[[Look], Any]] = (),
    any_version: bool = False,
    executor: Executor | None = None,
    **limits: Any,
) -> Result:
    """Go on with the run that is kept in `folder`, from its last checkpoint, to the same bits as without the break.

    Parameters
    ----------
    problem
        The same problem again, where it was declared in Python and not in a file.
    solver
        Its class, where it is none that `ncsolve solvers` lists.
    any_version
        Go on although packages have other versions now: the bits may differ then.
    executor
        As in `solve`; it need not be that with which the run began.
    limits
        Other values of max_iterations, max_evaluations, max_seconds, gradient_tolerance or target; they count from
        the beginning of the run.

    Raises StoreError, which says what differs, where problem, versions or options are not those of the run, and where
    the checkpoint is damaged or there is none.
    """
    from ncsolve.store import RunFolder, check_same, configured, keep, problem_of

    path = Path(folder)
    header = RunFolder(path).header()
    problem = problem_of(header.source, path) if problem is None else problem
    check_same(header, problem, path, any_version)
    chosen = configured(solver or registry().solver(header.chosen), header.options, path)
    if header.certify:
        _refuse_uncertifiable(problem)
    unknown = set(limits) - set(header.criteria)
    if unknown:
        raise OptionError(f"resume takes no '{min(unknown)}'. The limits are {', '.join(header.criteria)}.")
    criteria = Criteria(**{**header.criteria, **limits})
    asked = header.solver if header.why else chosen
    called = tuple(callbacks)
    task = _Task(
        problem,
        asked,
        chosen,
        header.why,
        header.seed,
        header.starts,
        criteria,
        header.escape,
        header.backend,
        called,
        _checked(executor, called if header.starts > 1 else ()),
        header.certify,
    )
    oracle = compile(problem, header.backend)
    return keep(path, header, type(chosen), lambda file: task.run(oracle, keeper=file), resume=True)


@dataclass(frozen=True)
class _Task:
    """All that a run is asked to do, but for its start."""

    problem: Problem
    asked: Any
    chosen: Any
    why: str
    seed: int
    starts: int
    criteria: Criteria
    escape: bool
    backend: str
    callbacks: tuple[Callable[[Look], Any], ...]
    executor: Executor
    certify: bool = False

    def run(self, oracle: Oracle, x0: Any = None, keeper: CheckpointFile | None = None) -> Result:
        arguments: dict[str, Any] = {"criteria": self.criteria, "escape": self.escape, "callbacks": self.callbacks}
        arguments |= {"x0": x0, "seed": self.seed, "keeper": keeper}
        if self.starts == 1:
            result = run(oracle, self.chosen, **arguments)
            if self.why and is_stalled(result):
                result = self._switched(oracle, result, arguments)
        else:
            arguments |= {"backend": self.backend, "executor": self.executor}
            result = run_starts(self.problem, self.chosen, self.starts, **arguments)
        if self.certify:
            from ncsolve.critical.certificate import certified

            result = replace(result, point=certified(self.problem, result.point))
        return replace(result, message=f"{result.message}; {self.why}") if self.why else result

    def _switched(self, oracle: Oracle, result: Result, arguments: dict[str, Any]) -> Result:
        """Go on with another solver, if the one that chose has an idea."""
        stalled, given = self.chosen.name, self.asked
        chooser = configure(registry().solver(given) if isinstance(given, str) else given, {})
        if not hasattr(chooser, "instead"):
            return result
        choice = asked(chooser, "instead()", chooser.instead, oracle, stalled, registry().solvers())
        if choice is None:
            return result
        name, reason = choice
        chosen = configure(registry().solver(name), {})
        keeper = arguments["keeper"] and arguments["keeper"].child("switched", type(chosen))

        def again(criteria: Criteria) -> Result:
            return run(oracle, chosen, **{**arguments, "x0": result.x, "criteria": criteria, "keeper": keeper})

        return continued(result, self.criteria, again, f"{stalled} stalled, {name} went on, {reason}")


def _refuse_uncertifiable(problem: Problem) -> None:
    """What cannot be certified at all is told before the run."""
    from ncsolve.critical.certificate import Certifier

    Certifier(problem)


def _checked(executor: Any, callbacks: tuple[Any, ...]) -> Executor:
    """Where several starts run. Raises OptionError where callbacks cannot be called from there."""
    if callbacks and not isinstance(checked(executor), Serial):
        raise OptionError("Callbacks run in this process only: leave them out, or the executor.")
    return checked(executor)


def _kept(task: _Task, oracle: Oracle, x0: Any, checkpoint: str | Path | Checkpoint) -> Result:
    """A new run, in a folder."""
    from ncsolve.store import Checkpoint, Header, absolute, fingerprint, keep

    where = checkpoint if isinstance(checkpoint, Checkpoint) else Checkpoint(checkpoint)
    if not (isinstance(where.folder, (str, Path)) and isinstance(where.every, Real) and where.every >= 0):
        raise OptionError(f"checkpoint must be a folder, or nc.Checkpoint(folder, every=seconds), not {checkpoint!r}.")
    asked = task.asked if isinstance(task.asked, str) else getattr(task.asked, "name", task.chosen.name)
    header = Header(
        problem=task.problem.name,
        source=absolute(task.problem.source),
        fingerprint=fingerprint(task.problem),
        solver=asked,
        chosen=task.chosen.name,
        why=task.why,
        options=option_values(task.chosen),
        criteria=asdict(task.criteria),
        seed=task.seed,
        starts=task.starts,
        escape=task.escape,
        backend=task.backend,
        every=float(where.every),
        certify=task.certify,
    )
    return keep(Path(where.folder), header, type(task.chosen), lambda file: task.run(oracle, x0, file))


def classify(problem: Problem, x: Any, gradient_tolerance: float = 1e-6, certify: bool = False) -> CriticalPoint:
    """Judge a point, {variable: value} or an array (n,): what kind of critical point it is, with the evidence.

    With `certify` also prove it in ball arithmetic, where that is possible; the explanation says why not.
    """
    point = classify_point(compile(problem), problem.pack(x, "x"), gradient_tolerance)
    if not certify:
        return point
    from ncsolve.critical.certificate import certified  # flint and SymPy: only where it is asked for

    return certified(problem, point)


def symmetry(problem: Problem, seed: int = 0) -> Symmetries:
    """The linear symmetries of f, what gradient flow conserves, a gauge, signs and permutations."""
    from ncsolve.critical.symmetries import symmetries

    return symmetries(compile(problem), seed)


def resolve(solver: Any, options: Mapping[str, Any], oracle: Oracle) -> tuple[Any, str]:
    """Return a configured solver instance, and why it was chosen where a chooser chose it."""
    if isinstance(solver, str):
        solver = registry().solver(solver)
    if not hasattr(solver, "choose"):
        return configure(solver, options), ""
    name, why = asked(solver, "choose()", _choice, solver, oracle)
    return configure(registry().solver(name), options), f"{solver.name} chose {name}: {why}"


def _choice(solver: Any, oracle: Oracle) -> tuple[str, str]:
    """The name of a solver and the reason: what a chooser says."""
    name, why = configure(solver, {}).choose(oracle, registry().solvers())
    if hasattr(registry().solvers().get(name, solver), "choose"):
        raise PluginError(f"{who(solver)} chose '{name}', which is no solver that runs.")
    return str(name), str(why)
