"""`ncsolve compare`: problems x solvers x seeds, one table."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ncsolve.cli.group import INTERRUPTED
from ncsolve.cli.options import backend_option, json_option, load_problem, param_option, run_options

if TYPE_CHECKING:
    from ncsolve.problem import Problem
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
def command(
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
    declared = [load_problem(name, params) for name in problems]
    results = run_all(declared, solvers, seeds, arguments)
    if as_json:
        click.echo(to_json({"runs": [result.to_json() for result in results]}))
    else:
        tabulate(results)
    if plot:
        plot_runs(plot, declared, results)
    click.get_current_context().exit(INTERRUPTED if interrupted(results) else 0)


def run_all(problems: list[Problem], solvers: tuple[str, ...], seeds: int, arguments: dict[str, Any]) -> list[Result]:
    """All runs in order; those before an interrupted one, and it, where the user interrupts."""
    from ncsolve.api import solve
    from ncsolve.hooks import registry

    for solver in solvers:
        registry().solver(solver)
    results: list[Result] = []
    for problem, solver, seed in product(problems, solvers, range(seeds)):
        results.append(solve(problem, solver, seed=seed, **arguments))
        if interrupted(results):
            break
    return results


def interrupted(results: list[Result]) -> bool:
    from ncsolve.solving import Status

    return results[-1].status is Status.INTERRUPTED


def tabulate(results: list[Result]) -> None:
    """One row a run; f, g, H, Hv count the points at which value, gradient, Hessian and products were evaluated."""
    from ncsolve.report.table import print_table

    rows = [
        [
            run.problem,
            run.solver,
            run.seed,
            run.status,
            run.point.kind,
            run.objective,
            float(f"{run.gradient_norm:.2e}"),
            run.iterations,
            *run.evaluations.values(),
            float(f"{run.seconds:.2g}"),
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
        "|g|",
        "steps",
        "f",
        "g",
        "H",
        "Hv",
        "seconds",
    ]
    print_table(columns, rows)
