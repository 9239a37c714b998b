"""`ncsolve tune`: options with which a solver reaches a target soonest."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from ncsolve.cli.group import INTERRUPTED
from ncsolve.cli.line import Line
from ncsolve.cli.options import (
    json_option,
    key_values,
    load_problem,
    param_option,
    problem_argument,
    solver_options_option,
)
from ncsolve.cli.say import say

if TYPE_CHECKING:
    from ncsolve.tuning import Trial, Tuned


def ranges_of(ctx: click.Context, param: click.Parameter, pairs: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    """("step_size=1e-4:1",) -> {"step_size": (1e-4, 1.0)}."""
    ranges = {}
    for name, text in key_values(ctx, param, pairs).items():
        low, _, high = text.partition(":")
        try:
            ranges[name] = (float(low), float(high))
        except ValueError:
            raise click.BadParameter(f"{name}={text} is not NAME=LOW:HIGH with two numbers.", ctx, param) from None
    return ranges


@click.command("tune", short_help="Search a solver's options for those that reach a target soonest.")
@problem_argument
@click.option("-s", "--solver", required=True, help="The solver to tune.")
@click.option("--trials", type=click.IntRange(min=2), default=50, show_default=True, help="Sets of options to try.")
@click.option("--seeds", type=click.IntRange(min=1), default=3, show_default=True, help="Runs of each, seeds 0 to N-1.")
@click.option("--target", type=float, help="The value to reach; by default the known minimum, to about 1e-6.")
@click.option(
    "--by",
    type=click.Choice(["evaluations", "seconds"]),
    default="evaluations",
    show_default=True,
    help="What reaching it costs.",
)
@click.option(
    "--range",
    "ranges",
    metavar="NAME=LOW:HIGH",
    multiple=True,
    callback=ranges_of,
    help="Search an option in this range instead of its own; repeatable.",
)
@click.option("--only", multiple=True, metavar="NAME", help="Search only this, also words and switches; repeatable.")
@click.option("--sampler", default="tpe", show_default=True, help="tpe (a model of what has been tried) or random.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the sampler.")
@click.option(
    "--max-evaluations", type=click.IntRange(min=1), default=10_000, show_default=True, help="Of each run, at most."
)
@param_option
@solver_options_option
@json_option
def command(
    problem: str, solver: str, params: dict[str, str], options: dict[str, str], as_json: bool, **given: Any
) -> None:
    """Search the options of a solver for those with which it gets PROBLEM to the target with the fewest evaluations.

    The first trial is the solver as it is; options given by -o are kept. What counts is the expected running time, the
    cost of all runs over the number of those that succeed. Ctrl-C ends the search and keeps what was found.
    """
    from ncsolve.report.data import to_json
    from ncsolve.tuning import tune

    declared = load_problem(problem, params)
    best = float("inf")
    with Line(given["trials"]) as line:

        def report(trial: Trial) -> None:
            nonlocal best
            best = min(best, trial.cost) if trial.reached else best
            line.done(f"the best so far {best:g}")

        found = tune(declared, solver, fixed=options, report=report, **given)
    words = ["ncsolve", "solve", problem, *(w for k, v in params.items() for w in ("-p", f"{k}={v}")), "-s", solver]
    words += [w for k, v in found.best.options.items() for w in ("-o", f"{k}={_text(v)}")]
    if as_json:
        say(to_json(as_data(found) | {"command": shlex.join(words)}))
    else:
        tell(found)
        say(shlex.join(words))
    click.get_current_context().exit(INTERRUPTED if found.interrupted else 0)


def tell(found: Tuned) -> None:
    """The ranges searched, and the best options beside the defaults."""
    from ncsolve.hooks import registry
    from ncsolve.report.table import print_table
    from ncsolve.solving import options_of

    unit, default, best = found.by, found.default, found.best
    own = {each.name: each.default for each in options_of(registry().solver(found.solver))}
    rows = [
        [name, *(_text({**own, **trial.options}[name]) for trial in (default, best)), str(domain)]
        for name, domain in found.space.items()
    ]
    rows.append([f"{unit} to {found.target:.6g}", cost(default, unit), cost(best, unit), f"{len(found.trials)} trials"])
    print_table(["option", "as it is", "best", "searched"], rows)
    if not best.reached:
        say("No trial reached the target: allow more evaluations, or set another target.")
    elif best.options == default.options:
        say("Nothing better than the solver as it is was found.")
    elif default.reached:
        ratio = default.cost / best.cost
        saved = f"{ratio:.1f} times" if ratio >= 2 else f"{100 * (1 - 1 / ratio):.0f}%"
        say(f"{saved} fewer {unit} than as it is.")


def cost(trial: Trial, unit: str) -> str:
    """The cost in words."""
    if not trial.reached:
        return trial.message
    number = f"{trial.cost:.0f}" if unit == "evaluations" else f"{trial.cost:.3g}"
    return number if trial.successes == trial.runs else f"{number} ({trial.successes} of {trial.runs} runs)"


def as_data(found: Tuned) -> dict[str, Any]:
    """Plain data for --json; the cost of a trial that never reached the target is null."""

    def of(trial: Trial) -> Mapping[str, Any]:
        reached = {"successes": trial.successes, "runs": trial.runs, "message": trial.message}
        return {"options": dict(trial.options), "cost": trial.cost if trial.reached else None, **reached}

    head = {"problem": found.problem, "solver": found.solver, "by": found.by, "target": found.target}
    searched = {name: str(domain) for name, domain in found.space.items()}
    return {**head, "space": searched, "best": of(found.best), "trials": [of(each) for each in found.trials]}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "none"
    return f"{value:.12g}" if isinstance(value, float) else str(value)
