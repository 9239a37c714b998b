"""`ncsolve compare`: problems x solvers x seeds, one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from ncsolve.cli.group import INTERRUPTED
from ncsolve.cli.line import Line
from ncsolve.cli.options import backend_option, jobs_options, json_option, load_problem, param_option, run_options
from ncsolve.cli.say import say


@click.command("compare", short_help="Run several solvers on several problems.")
@click.argument("problems", nargs=-1, required=True, help="Files or names of the library.")
@click.option(
    "-s",
    "--solver",
    "solvers",
    multiple=True,
    required=True,
    help="A solver to compare, with options of its own: 'adam -o step_size=0.01'; repeatable.",
)
@click.option(
    "--seeds", type=click.IntRange(min=1), default=1, show_default=True, help="Runs of each pair, seeds 0 to N-1."
)
@param_option
@run_options
@backend_option
@jobs_options
@click.option(
    "--out", metavar="DIR", type=click.Path(path_type=Path), help="Keep each run there; what is there is not run again."
)
@json_option
@click.option("--export", "table", metavar="FILE", type=click.Path(path_type=Path), help="FILE.csv, .json or .parquet.")
@click.option("--plot", metavar="FILE", type=click.Path(path_type=Path), help="Draw the runs: FILE.svg or FILE.png.")
@click.option(
    "--by",
    type=click.Choice(["evaluations", "iterations", "seconds"]),
    default="evaluations",
    show_default=True,
    help="What the curves of --plot are drawn against.",
)
@click.option(
    "--bounds",
    is_flag=True,
    help="With --plot --by iterations: what theorems promise of the solvers with these options, dashed.",
)
def command(
    problems: tuple[str, ...],
    solvers: tuple[str, ...],
    seeds: int,
    params: dict[str, str],
    jobs: int,
    executor: str,
    out: Path | None,
    as_json: bool,
    table: Path | None,
    plot: Path | None,
    by: str,
    bounds: bool,
    **arguments: Any,
) -> None:
    """Run every solver on every PROBLEM from the same starts and show where each run ended and what it cost.

    Every run computes with one thread. Its numbers do not depend on --jobs and --executor. With --out an interrupted
    comparison goes on where it was; `ncsolve runs DIR` lists it.
    """
    from ncsolve.compare import Entrant, cells, run_cells
    from ncsolve.executors import choose
    from ncsolve.report.bounds import guarantees
    from ncsolve.report.comparison import check_export_file, export, plot_runs
    from ncsolve.report.data import to_json
    from ncsolve.report.plot import check_plot_file
    from ncsolve.store import absolute

    if bounds and (plot is None or by != "iterations"):
        raise click.UsageError("--bounds are drawn over iterations: it needs --plot and --by iterations.")
    if plot:
        check_plot_file(plot)
    if table:
        check_export_file(table)
    entrants = [Entrant.of(solver) for solver in solvers]
    workers = choose(executor, jobs)
    loaded = [load_problem(name, params) for name in problems]
    declared = list({absolute(problem.source): problem for problem in loaded}.values())  # each once
    grid = cells(declared, solvers, seeds, **arguments)
    with Line(len(grid)) as line:
        runs = run_cells(grid, out, workers, lambda run: line.done(run.cell))
    data = [run.data for run in runs]
    if as_json:
        say(to_json({"runs": data}))
    elif data:
        tabulate(data)
    else:
        say("Interrupted before the first run was done.", err=True)
    if table:
        export(table, data)
    if plot and runs:
        promised = [each for problem in declared for each in guarantees(problem, entrants)] if bounds else []
        drawn = {each.theorem for each in promised if not each.demanded}
        for each in {each.theorem: each for each in reversed(promised) if each.theorem not in drawn}.values():
            say(f"{each.theorem} is not drawn: it speaks of -s '{each.demanded}'", err=True)
        plot_runs(plot, declared, runs, by, guarantees=promised)
    interrupted = len(runs) < len(grid) or any(run.interrupted for run in runs)
    click.get_current_context().exit(INTERRUPTED if interrupted else 0)


def tabulate(runs: Sequence[Mapping[str, Any]]) -> None:
    """One row a run; f, g, H, Hv count the points at which value, gradient, Hessian and products were evaluated.

    Where there are several seeds, a row for each pair follows.
    """
    from ncsolve.report.comparison import flat, summary
    from ncsolve.report.table import print_table

    columns = "problem solver seed status point objective |g| steps f g H Hv seconds".split()  # noqa: SIM905
    print_table(columns, [[_short(key, value) for key, value in flat(run).items()] for run in runs])
    pairs = summary(runs)
    if len(pairs) < len(runs):
        say()
        print_table(["problem", "solver", "runs", "ended at", "median objective", "gradients", "seconds"], pairs)


def _short(key: str, value: Any) -> Any:
    if isinstance(value, float) and key in ("gradient_norm", "seconds"):
        return float(f"{value:.2e}" if key == "gradient_norm" else f"{value:.2g}")
    return value
