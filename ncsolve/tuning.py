"""`nc.tune`: options of a solver with which it reaches a target soonest, by sequential model-based search."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args, get_origin

from ncsolve.errors import MissingExtra, NcsolveError, OptionError, did_you_mean
from ncsolve.extras import installed
from ncsolve.hooks import registry
from ncsolve.solving.options import Option, alternatives, configure, options_of
from ncsolve.solving.status import Status

if TYPE_CHECKING:
    from ncsolve.problem import Problem

__all__ = ["Choice", "Range", "Trial", "Tuned", "search_space", "tune"]

SAMPLERS = ("tpe", "random")
REACH = 100.0
"""A range without an end goes so many times above and below the default."""
UNKNOWN = (1e-5, 10.0)
"""The range of a positive number whose default is left to the solver."""
SAME_NUMBERS = ("workers",)
"""Options that change no number: they are searched where they are asked for."""
NOISE = 1.1
"""Seconds that are the same."""
DIGITS = 3
"""Significant digits of the numbers tried, so that what is printed is what was run."""


@dataclass(frozen=True)
class Range:
    """Numbers between two ends: on a logarithmic scale, whole, or near 1, where it is 1 - value that is logarithmic."""

    low: float
    high: float
    scale: Literal["linear", "log", "near one"] = "log"
    whole: bool = False

    def suggest(self, trial: Any, name: str) -> float | int:
        """A value for this trial, rounded to three digits but never beyond the ends."""
        if self.whole:
            return int(trial.suggest_int(name, int(self.low), int(self.high), log=self.scale == "log"))
        if self.scale == "near one":
            return round(1 - _rounded(trial.suggest_float(name, 1 - self.high, 1 - self.low, log=True)), 12)
        value = _rounded(trial.suggest_float(name, self.low, self.high, log=self.scale == "log"))
        return min(max(value, self.low), self.high)

    def inside(self, value: Any) -> Any | None:
        """What Optuna is told of a value, None where it lies outside."""
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not self.low <= value <= self.high:
            return None
        return 1 - value if self.scale == "near one" else value

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class Choice:
    """One of some values."""

    values: tuple[Any, ...]

    def suggest(self, trial: Any, name: str) -> Any:
        return trial.suggest_categorical(name, list(self.values))

    def inside(self, value: Any) -> Any | None:
        return value if value in self.values else None

    def __str__(self) -> str:
        return ", ".join(map(str, self.values))


Domain: TypeAlias = Range | Choice


@dataclass(frozen=True)
class Trial:
    """One set of options: `cost` in evaluations or seconds for each success, and how many of the runs succeeded."""

    options: Mapping[str, Any]
    cost: float
    successes: int
    runs: int
    message: str = ""

    @property
    def reached(self) -> bool:
        return self.successes > 0


@dataclass(frozen=True)
class Tuned:
    """What a search found. `trials` in the order in which they were made, the first with the solver's defaults."""

    problem: str
    solver: str
    space: Mapping[str, Domain]
    by: str
    target: float
    trials: list[Trial] = field(default_factory=list)
    interrupted: bool = False
    lean: Trial | None = None
    """The best trial without the options that make it no cheaper."""

    @property
    def default(self) -> Trial:
        return self.trials[0]

    @property
    def best(self) -> Trial:
        """The first of the cheapest trials, with the fewest options that make it so."""
        return self.lean or min(self.trials, key=lambda trial: trial.cost)


def tune(
    problem: Problem,
    solver: str,
    *,
    trials: int = 50,
    seeds: int = 3,
    target: float | None = None,
    by: Literal["evaluations", "seconds"] = "evaluations",
    fixed: Mapping[str, Any] | None = None,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    only: Iterable[str] = (),
    sampler: str = "tpe",
    seed: int = 0,
    max_evaluations: int = 10_000,
    report: Callable[[Trial], None] = lambda trial: None,
) -> Tuned:
    """Search the options of a solver for those with which it reaches f(x) <= target soonest.

    What is minimised is the expected running time [Hansen, Auger, Brockhoff, Mat & Povoda 2010],

        ERT = (evaluations, or seconds, of all runs) / (runs that reached the target),

    over the seeds 0 to seeds - 1; where no run did, a number that is worse than any ERT and falls with the gap that is
    left. The first trial is the solver as it is, so that the best one is never worse. The same seed makes the same
    trials, where cost is counted in evaluations.

    Parameters
    ----------
    target
        By default the declared or known minimum, with 1e-6 of the way from the first start added.
    fixed, ranges, only
        Options that are given; ranges (low, high) instead of those that options declare; names of the only options that
        shall be searched, which may also be words and switches.
    sampler
        "tpe", the tree-structured Parzen estimator [Bergstra, Bardenet, Bengio & Kegl 2011], or "random".

    Raises OptionError where there is nothing to search or no target, MissingExtra without Optuna.
    """
    if not installed("optuna"):
        raise MissingExtra("optuna", "tune")
    if sampler not in SAMPLERS:
        raise OptionError(
            f"Unknown sampler '{sampler}'.{did_you_mean(sampler, SAMPLERS)} Known: {', '.join(SAMPLERS)}."
        )
    import optuna

    cls, fixed = registry().solver(solver), dict(fixed or {})
    configure(cls, fixed)
    space = search_space(cls, ranges or {}, only, fixed)
    race = _Race(problem, solver, seeds, by, max_evaluations, *_aim(problem, solver, fixed, target))
    found = Tuned(problem.name, solver, space, by, race.target)
    samplers = {"tpe": optuna.samplers.TPESampler, "random": optuna.samplers.RandomSampler}
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=samplers[sampler](seed=seed))
    try:
        found.trials.append(race.run(fixed))
        report(found.default)
        _teach(study, cls, space, found.default)
        for _ in range(trials - 1):
            asked = study.ask()
            chosen = {name: domain.suggest(asked, name) for name, domain in space.items()}
            trial = race.run({**fixed, **chosen})
            study.tell(asked, trial.cost)
            found.trials.append(trial)
            report(trial)
        lean = race.lean(found.best, fixed)
        return replace(found, lean=min(found.default, lean, key=lambda trial: trial.cost))
    except KeyboardInterrupt:
        if not found.trials:
            raise
        return replace(found, interrupted=True)


def search_space(
    solver: type, ranges: Mapping[str, tuple[float, float]], only: Iterable[str], fixed: Mapping[str, Any]
) -> dict[str, Domain]:
    """The options that are searched, each with its domain: by default all numbers that are not zero."""
    declared = {each.name: each for each in options_of(solver)}
    only = tuple(only)
    for name in (*ranges, *only):
        if name not in declared:
            raise OptionError(
                f"There is no option '{name}' of solver '{solver.name}'.{did_you_mean(name, declared)}"  # type: ignore[attr-defined]
            )
        if name in fixed:
            raise OptionError(f"Option '{name}' is given and searched at once. It can only be one of them.")
    space: dict[str, Domain] = {}
    for name, each in declared.items():
        if name in ranges:
            space[name] = _given_range(each, *ranges[name])
        elif name in only or (not only and name not in fixed and name not in SAME_NUMBERS):
            domain = _number(each) or (_words(each) if name in only else None)
            if domain is not None:
                space[name] = domain
            elif name in only:
                raise OptionError(f"Option '{name}' has no range to search: give one with --range {name}=LOW:HIGH.")
    if not space:
        words = [name for name, each in declared.items() if _words(each)]
        others = f" among its numbers; --only takes words and switches: {', '.join(words)}" if words else ""
        raise OptionError(f"Solver '{solver.name}' has no option to search{others}.")  # type: ignore[attr-defined]
    return space


def _number(each: Option) -> Range | None:
    """The range of a number: within its limits, and around its default where these leave it open."""
    kinds = [kind for kind in alternatives(each.type) if kind in (int, float)]
    if not kinds or not each.limits or each.default == 0 or isinstance(each.default, bool):
        return None
    whole = float not in kinds
    low = each.limits.get("at_least", each.limits.get("above", -math.inf))
    high = each.limits.get("at_most", each.limits.get("below", math.inf))
    if each.default is None:
        return None if whole or low < 0 else Range(max(low, UNKNOWN[0]), min(0.99 * high, UNKNOWN[1]))
    default = float(each.default)
    if not math.isfinite(default) or default < 0:
        return None
    if whole:
        return Range(max(low, 1.0, default // 8), min(high, default * 8), whole=True)
    if high == 1 and default >= 0.9:
        bottom = max(low, 0.0) if "at_least" in each.limits else 0.01
        return Range(bottom, 1 - (1 - default) / 30, "near one") if default < 1 else None
    if math.isfinite(high) and low >= 0 and high <= 2 * default:
        return Range(low + 0.01 * (high - low), high - 0.01 * (high - low), "linear")
    top = default * REACH if math.isinf(high) else high - 0.01 * (high - default)
    bottom = low + 0.01 * (default - low) if low > 0 else 0.0
    return Range(max(default / REACH, bottom), top)


def _words(each: Option) -> Choice | None:
    """The words of an option, or its two states."""
    values: list[Any] = []
    for kind in alternatives(each.type):
        values += [True, False] if kind is bool else get_args(kind) if get_origin(kind) is Literal else []
    return Choice(tuple(values)) if len(values) > 1 else None


def _given_range(each: Option, low: float, high: float) -> Range:
    kinds = alternatives(each.type)
    if int not in kinds and float not in kinds:
        raise OptionError(f"Option '{each.name}' is {each.type_name}: it has no range.")
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise OptionError(f"The range of '{each.name}' must be LOW:HIGH with LOW below HIGH, not {low:g}:{high:g}.")
    for end in (low, high):
        each.convert(int(end) if float not in kinds else end, "the range")
    scale: Literal["linear", "log"] = "log" if low > 0 and high / low > 10 else "linear"
    return Range(low, high, scale, whole=float not in kinds)


def _aim(problem: Problem, solver: str, fixed: Mapping[str, Any], target: float | None) -> tuple[float, float]:
    """The value to reach, and that of the first start, from which the way to it is measured."""
    from ncsolve.api import solve

    first = float(solve(problem, solver, options=fixed, max_iterations=0, escape=False).trace.objective[0])
    if target is not None:
        return float(target), first
    values = [known.value for known in problem.known if known.kind == "minimum" and known.value is not None]
    least = min((*values, problem.constants.get("minimum", math.inf)))
    if math.isinf(least):
        raise OptionError(
            f"Problem '{problem.name}' does not say what its minimum is: give the value to reach as --target, such as "
            "the one that `ncsolve solve` ends at."
        )
    return least + 1e-6 * max(abs(first - least), 1e-6), first


@dataclass
class _Race:
    """Runs of one solver to one target."""

    problem: Problem
    solver: str
    seeds: int
    by: str
    max_evaluations: int
    target: float
    first: float

    def run(self, options: Mapping[str, Any]) -> Trial:
        from ncsolve.api import solve

        spent, successes, gaps = 0.0, 0, []
        for seed in range(self.seeds):
            try:
                result = solve(
                    self.problem,
                    self.solver,
                    options=options,
                    seed=seed,
                    target=self.target,
                    max_evaluations=self.max_evaluations,
                    escape=False,
                )
            except NcsolveError as refused:  # options that do not go together
                return Trial(options, self._worst(math.inf), 0, self.seeds, str(refused))
            if result.status is Status.INTERRUPTED:
                raise KeyboardInterrupt
            spent += float(result.trace[self.by][-1]) if result.trace.rows else 0.0
            successes += result.status is Status.TARGET or result.objective <= self.target
            gaps.append((result.objective - self.target) / max(self.first - self.target, 1e-300))
        if successes:
            return Trial(options, spent / successes, successes, self.seeds)
        return Trial(options, self._worst(min(gaps)), 0, self.seeds, "the target was not reached")

    def lean(self, best: Trial, fixed: Mapping[str, Any]) -> Trial:
        """`best` with as many options as they are by default as make it no dearer, of those that are not fixed.

        Seconds are measured again: the least of many is a lucky one.
        """
        if self.by == "seconds" and best.reached:
            best = self.run(best.options)
        most = best.cost * (1 if self.by == "evaluations" else NOISE)
        for name in [name for name in best.options if name not in fixed] if best.reached else ():
            trial = self.run({key: value for key, value in best.options.items() if key != name})
            best = trial if trial.reached and trial.cost <= most else best
        return best

    def _worst(self, gap: float) -> float:
        """More than any ERT: up to twice the budget of all runs, which falls with the gap that is left."""
        budget = float(self.seeds * self.max_evaluations) if self.by == "evaluations" else 1e9
        return budget * (1 + (gap / (1 + gap) if 0 <= gap < math.inf else 1.0))


def _teach(study: Any, cls: type, space: Mapping[str, Domain], first: Trial) -> None:
    """Tell the sampler of the defaults, where they lie in its ranges."""
    defaults = {each.name: first.options.get(each.name, each.default) for each in options_of(cls)}
    point = {name: domain.inside(defaults[name]) for name, domain in space.items()}
    if None in point.values():
        return
    study.enqueue_trial(point)
    asked = study.ask()
    for name, domain in space.items():
        domain.suggest(asked, name)
    study.tell(asked, first.cost)


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
