"""The solver contract: what a solver is, what it may need, and the check that a problem offers it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from ncsolve.errors import OptionError, PluginError, did_you_mean
from ncsolve.solving.asking import asked
from ncsolve.solving.options import configure, options_of

if TYPE_CHECKING:
    from ncsolve.oracle import Oracle
    from ncsolve.problem import Problem

__all__ = ["NEEDS", "Solver", "check_contract", "check_needs", "summary_of"]

NEEDS: Mapping[str, str] = {
    "gradient": "a gradient",
    "hessian": "a Hessian",
    "hvp": "Hessian-vector products",
    "residuals": "a sum of squares",
    "samples": "a finite sum",
    "prox": "a penalty with a proximal operator",
    "blocks": "blocks of variables",
    "clusters": "a clustering problem, sum_i min_k |a_i - c_k|^2",
    "bounds": "bounds",
    "constraints": "constraints",
    "box": "finite bounds",
    "minmax": "variables to maximise over (nc.MinMax)",
}
"""What a solver may declare in `needs`. "bounds" means that it keeps every iterate inside them, "box" that it cannot
begin without finite ones, unless its option `width` is given."""

ADVICE: Mapping[str, str] = {
    "box": "Declare bounds={x: (low, high)} for every variable, or give the option width: the search begins in "
    "x0 +- width where there are no bounds. ",
}


def _is_count(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


DECLARED: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "default_iterations": (lambda value: _is_count(value, 1), "an integer of at least 1"),
    "burn_in": (lambda value: _is_count(value, 0), "an integer of at least 0"),
    "thin": (lambda value: _is_count(value, 1), "an integer of at least 1"),
    "state_type": (lambda value: isinstance(value, type), "a class"),
    "resumable": (lambda value: isinstance(value, bool), "True or False"),
}
"""What the core reads of a class where it is there."""


class Solver(Protocol):
    """A solver: a frozen dataclass of options with two methods; the core owns everything else of a run.

    A state is a frozen dataclass of arrays, numbers and tuples of arrays with at least `x`, shape (n,), float64. Once
    returned it is never written to again; neither is `x0`, which arrives read-only. The core reads these fields where
    a state has them, and asks the oracle where it does not:

    objective, gradient
        f(x) and its gradient at the state's x, both without the penalty of the problem.
    converged
        True where the solver has its own proof of convergence.
    stalled
        True where it cannot go on from here.
    message
        Why, in words, in both cases.
    multipliers
        Of the constraints, shape (m,), where the problem has some: equalities first.
    exploring
        True where a small gradient or a lack of progress is no reason to stop: a sampler at any time, a solver that
        still tests whether it stands at a saddle.
    chains
        The points of Markov chains, shape (chains, n), which the core keeps as samples: every `thin` iterations after
        the first `burn_in`, where the solver has these options.
    minima, counts
        Distinct points at which local runs of its own ended, shape (k, n), the lowest first, and how many ended at
        each: the core lists them in the result.

    Every other number in a state becomes a column of the trace. `rng` is the only source of randomness.

    A wrapped solver, whose loop is not its own to give away, has instead of init and step

        drive(oracle, x0, rng, report) -> state

    and calls `report(state)` for the start and for each iterate; what that raises ends the run. Options that are known
    only when they are asked for come from a class method declared_options() -> tuple[Option, ...]; the class is called
    with those that are given and keeps them in `options`. A method draw_start(oracle, rng) -> x draws the first point
    where neither the problem nor the user gives one. A method check(oracle) raises OptionError for a
    problem that the solver cannot take.

    A class may set `default_iterations`, the limit where a run is given none; else that is 100 000.
    """

    name: ClassVar[str]
    needs: ClassVar[frozenset[str]]
    state_type: ClassVar[type]

    def init(self, oracle: Oracle, x0: NDArray[np.float64], rng: np.random.Generator) -> Any:
        """Return the state at x0."""

    def step(self, oracle: Oracle, state: Any, rng: np.random.Generator) -> Any:
        """Return the state after one iteration."""


def check_contract(solver: Any) -> None:
    """Raise PluginError, unless `solver` is a class that the core can run, or that chooses one."""
    name = getattr(solver, "name", None)
    where = f"Solver class {getattr(solver, '__qualname__', repr(solver))}"
    if not isinstance(solver, type):
        raise PluginError(f"{where} is an instance. Register the class itself.")
    if not isinstance(name, str) or not name or not name.isprintable() or " " in name:
        raise PluginError(f'{where} has no name. Write: name: ClassVar[str] = "my-solver".')
    unknown = set(getattr(solver, "needs", ())) - set(NEEDS)
    if unknown:
        word = min(unknown)
        raise PluginError(
            f"Solver '{name}' needs '{word}', which is nothing that a problem has.{did_you_mean(word, NEEDS)} "
            f"Needs are {', '.join(NEEDS)}."
        )
    wanted = next((only for only in (("choose",), ("drive",)) if hasattr(solver, only[0])), ("init", "step"))
    missing = [method for method in wanted if not callable(getattr(solver, method, None))]
    if missing:
        raise PluginError(
            f"Solver '{name}' has no method {missing[0]}(). A solver has init(oracle, x0, rng) and "
            "step(oracle, state, rng)."
        )
    for attribute, (holds, kind) in DECLARED.items():
        value = getattr(solver, attribute, None)
        if value is not None and not holds(value):
            raise PluginError(f"Solver '{name}' declares {attribute} = {value!r}, which must be {kind}.")
    if not hasattr(solver, "declared_options"):
        options_of(solver)


def check_needs(solver: Any, oracle: Oracle, own: bool = True) -> None:
    """Raise OptionError if the problem does not offer what the solver needs; `own`: by its own check as well."""
    problem = oracle.problem
    offers: Mapping[str, Callable[[], bool]] = {
        "residuals": lambda: oracle.structure.least_squares,
        "samples": lambda: oracle.structure.samples is not None,
        "prox": lambda: problem.penalty is not None,
        "clusters": lambda: oracle.clustering is not None,
        "blocks": lambda: len(oracle.structure.blocks) > 0,
        "minmax": lambda: problem.signs is not None,
        "box": lambda: getattr(solver, "width", None) is not None or _has_box(oracle),
    }
    needs: frozenset[str] = getattr(solver, "needs", frozenset())
    if not hasattr(solver, "choose"):
        for need, refusal in _refusals(problem):
            if need not in needs:
                raise OptionError(f"Solver '{solver.name}' {refusal}")
    for need in sorted(needs):
        if need in offers and not offers[need]():
            shown = problem.source or problem.name
            raise OptionError(
                f"Solver '{solver.name}' needs {NEEDS[need]}, which problem '{problem.name}' does not have. "
                f"{ADVICE.get(need, '')}See `ncsolve solvers --for {shown}`."
            )
    if own and hasattr(solver, "check"):
        made = configure(solver, {}) if isinstance(solver, type) else solver
        asked(made, "check()", made.check, oracle)


def _refusals(problem: Problem) -> Iterator[tuple[str, str]]:
    """What a problem has that a solver must be made for: the need, and what is said of a solver without it."""
    if problem.signs is not None:
        yield (
            "minmax",
            (
                f"minimises, but problem '{problem.name}' also has variables to maximise over. "
                "Choose gda, extragradient or optimistic-gda."
            ),
        )
    if problem.penalty is not None:
        yield (
            "prox",
            (
                f"is for smooth objectives, but problem '{problem.name}' has the penalty {problem.penalty}. "
                "Choose a solver that needs prox, such as prox-gradient."
            ),
        )
    if problem.constrained:
        yield (
            "constraints",
            (
                f"is for problems without constraints, but problem '{problem.name}' has "
                f"{len(problem.equal) + len(problem.less)}. Use 'augmented-lagrangian', which takes any solver as its "
                "option inner."
            ),
        )


def _has_box(oracle: Oracle) -> bool:
    """Whether every variable is bounded on both sides."""
    lower, upper = oracle.lower, oracle.upper
    return lower is not None and upper is not None and bool(np.isfinite(lower).all() and np.isfinite(upper).all())


def summary_of(solver: Any) -> str:
    """The first line of the solver's docstring, "" where it has none."""
    return (solver.__doc__ or "").strip().partition("\n")[0].strip()
