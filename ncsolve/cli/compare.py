"""`ncsolve compare`: problems x solvers x seeds, one table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ncsolve.cli.group import INTERRUPTED
from ncsolve.cli.options import backend_option, json_option, load_problem, param_option, run_options

if TYPE_CHECKING:
    from ncsolve.solving import Result


@click.command("compare", short_help="Run several solvers on several problems.")
@click.argument("problems", nargs=-1, required=True, help="Files or names of the library.")
@click.option("-s", "--solver", "solvers", multiple=True, required=True, help="A solver to compare; repeatable.")
@click.option(
    "--seeds", type=click.IntRange(min=1), default=1, show_default=True, help="Runs of each pair, seeds 0 to N-1."
)
@param_option
@run_options
@backend_option
@json_option
@click.option("--plot", metavar="FILE", type=click.Path(path_type=Path), help="Draw the runs: FILE.svg or FILE.png.")
@click.pass_context
def command(
    ctx: click.Context,
    problems: tuple[str, ...],
    solvers: tuple[str, ...],
    seeds: int,
    params: dict[str, str],
    as_json: bool,
    plot: Path | None,
    **arguments: Any,
) -> None:
    """Run every solver on every PROBLEM from the same starts and show where each run ended and what it cost."""
    from ncsolve.report.data import to_json
    from ncsolve.report.plot import check_plot_file, plot_runs

    if plot:
        check_plot_file(plot)
    results = run_all(problems, solvers, seeds, params, arguments)
    if as_json:
        click.echo(to_json({"runs": [result.to_json() for result in results]}))
    else:
        tabulate(results)
    if plot and results:
        plot_runs(plot, results)
    ctx.exit(INTERRUPTED if interrupted(results) else 0)


def run_all(
    problems: tuple[str, ...], solvers: tuple[str, ...], seeds: int, params: dict[str, str], arguments: dict[str, Any]
) -> list[Result]:
    """All runs in order; those before an interrupted one, and it, where the user interrupts."""
    from ncsolve.api import solve
    from ncsolve.hooks import registry

    for solver in solvers:
        registry().solver(solver)
    results: list[Result] = []
    for problem in [load_problem(name, params) for name in problems]:
        for solver in solvers:
            for seed in range(seeds):
                results.append(solve(problem, solver, seed=seed, **arguments))
                if interrupted(results):
                    return results
    return results


def interrupted(results: list[Result]) -> bool:
    from ncsolve.solving import Status

    return bool(results) and results[-1].status is Status.INTERRUPTED


def tabulate(results: list[Result]) -> None:
    from ncsolve.report.table import print_table

    rows = [
        [
            run.problem,
            run.solver,
            run.seed,
            run.status,
            run.point.kind,
            run.objective,
            run.gradient_norm,
            run.iterations,
            sum(run.evaluations.values()),
            run.seconds,
        ]
        for run in results
    ]
    columns = [
        "problem",
        "solver",
        "seed",
        "status",
        "point",
        "objective",
        "|gradient|",
        "iterations",
        "evaluations",
        "seconds",
    ]
    print_table(columns, rows)
