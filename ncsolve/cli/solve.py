"""`ncsolve solve`: run a solver, print the judged answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ncsolve.cli.group import INTERRUPTED
from ncsolve.cli.options import (
    backend_option,
    certify_option,
    jobs_options,
    json_option,
    load_problem,
    param_option,
    problem_argument,
    run_options,
    solver_options_option,
)
from ncsolve.cli.say import say
from ncsolve.errors import OptionError, StoreError

if TYPE_CHECKING:
    from ncsolve.problem import Problem
    from ncsolve.solving import Result

NOT_CONVERGED, NOT_A_MINIMUM = 3, 4


@click.command("solve", short_help="Find a minimum and judge it.")
@problem_argument
@click.option("-s", "--solver", default="auto", show_default=True, help="A name that `ncsolve solvers` lists.")
@solver_options_option
@param_option
@click.option("--x0", metavar="POINT", help='Start: "1,2" or "x=1,y=2" or "x[0]=1,x[1]=2". [default: the problem\'s]')
@click.option("--starts", type=click.IntRange(min=1), default=1, show_default=True, help="Runs from random points too.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of everything random.")
@run_options
@backend_option
@jobs_options
@certify_option
@json_option
@click.option("--plot", metavar="FILE", type=click.Path(path_type=Path), help="Draw the run: FILE.svg or FILE.png.")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help="Keep the run there: `ncsolve resume DIR`.")
@click.option(
    "--checkpoint",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    help="With --out: time between two checkpoints.",
)
def command(
    problem: str,
    params: dict[str, str],
    x0: str | None,
    as_json: bool,
    plot: Path | None,
    out: Path | None,
    checkpoint: float,
    jobs: int,
    executor: str,
    **arguments: Any,
) -> None:
    """Find a minimum of PROBLEM and judge what was found.

    Exit code: 0 a minimum; 3 stopped without converging; 4 converged to a point that is not a minimum, or not decided;
    2 bad input; 130 interrupted (what was found is printed).
    """
    from ncsolve.api import solve
    from ncsolve.cli.points import parse_point
    from ncsolve.executors import choose
    from ncsolve.report.plot import check_plot_file
    from ncsolve.store import Checkpoint

    if plot:
        check_plot_file(plot)
    if jobs > 1 and arguments["starts"] == 1:
        raise OptionError(f"--jobs {jobs} is for several starts: add --starts N. A population takes -o workers={jobs}.")
    declared = load_problem(problem, params)
    start = None if x0 is None else parse_point(declared, x0, "--x0")
    kept = Checkpoint(out, checkpoint) if out else None
    workers = choose(executor, jobs)
    finish(solve(declared, x0=start, checkpoint=kept, executor=workers, **arguments), as_json, plot, declared)


def exit_code(result: Result) -> int:
    from ncsolve.solving import Status

    if result.status is Status.INTERRUPTED:
        return INTERRUPTED
    if result.status not in (Status.CONVERGED, Status.TARGET):
        return NOT_CONVERGED
    return 0 if result.success else NOT_A_MINIMUM


def finish(result: Result, as_json: bool, plot: Path | None, problem: Problem) -> None:
    """Print the answer, draw it, and exit; what could not be kept is told after the answer."""
    from ncsolve.report.data import to_json
    from ncsolve.report.plot import plot_run

    say(to_json(result.to_json()) if as_json else result.summary())
    if plot:
        plot_run(plot, problem, result)
    if isinstance(result.error, StoreError):
        raise result.error
    click.get_current_context().exit(exit_code(result))
