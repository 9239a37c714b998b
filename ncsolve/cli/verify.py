"""`ncsolve verify`: what theorems promise, checked on a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ncsolve.cli.options import (
    backend_option,
    json_option,
    key_values,
    load_problem,
    param_option,
    problem_argument,
    solver_options_option,
)
from ncsolve.cli.say import say

FAILED = 5


@click.command("verify", short_help="Check what theorems promise, on a run.")
@problem_argument
@click.option("--theorem", metavar="NAME", help="A name or id that `ncsolve theorems` lists. [default: all that apply]")
@click.option("-s", "--solver", help="The solver. [default: the one that the theorem speaks of]")
@solver_options_option
@click.option(
    "-c",
    "--constant",
    "constants",
    metavar="NAME=VALUE",
    multiple=True,
    callback=key_values,
    help="A constant to claim, such as pl=0.36 or minimum=0; strong_convexity=0 claims convexity; repeatable.",
)
@click.option("--as-demanded", is_flag=True, help="Where an option contradicts the theorem, take the demanded one.")
@click.option(
    "--certify", is_flag=True, help="Prove the constants in the box, and both sides in ball arithmetic; python-flint."
)
@click.option("--box", metavar="BOX", help='With --certify: "x=-5:5,y=-5:5". [default: the problem\'s bounds]')
@param_option
@click.option("--x0", metavar="POINT", help='Start: "1,2" or "x=1,y=2" or "x[0]=1,x[1]=2". [default: the problem\'s]')
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of everything random.")
@click.option("--max-iterations", type=click.IntRange(min=2), help="Length of the run. [default: the theorem's]")
@backend_option
@json_option
@click.option("--plot", metavar="FILE", type=click.Path(path_type=Path), help="Draw the runs under their bounds.")
def command(
    problem: str,
    params: dict[str, str],
    x0: str | None,
    box: str | None,
    as_json: bool,
    plot: Path | None,
    **arguments: Any,
) -> None:
    """Run a solver on PROBLEM as a theorem demands and say whether it kept the promise.

    HOLDS, VIOLATED (where first, by how much), NOT-APPLICABLE (which assumption fails) or INCONCLUSIVE (what is
    missing). Exit code: 5 if anything is VIOLATED, else 0; 2 bad input.
    """
    from ncsolve.cli.points import parse_box, parse_point
    from ncsolve.report.bounds import plot_bounds
    from ncsolve.report.data import to_json
    from ncsolve.report.plot import check_plot_file
    from ncsolve.theorems import verify
    from ncsolve.theory import VIOLATED

    if plot:
        check_plot_file(plot)
    declared = load_problem(problem, params)
    start = None if x0 is None else parse_point(declared, x0, "--x0")
    within = None if box is None else parse_box(declared, box, "--box")
    verdicts = verify(declared, x0=start, box=within, **arguments)
    if as_json:
        listed = [verdict.to_json() for verdict in verdicts]
        solver = arguments["solver"] or (verdicts[0].solver if arguments["theorem"] else None)
        say(to_json({"problem": declared.name, "solver": solver, "verdicts": listed}))
    else:
        say("\n\n".join(map(str, verdicts)) or f"No theorem speaks of solver '{arguments['solver']}'.")
    if plot:
        plot_bounds(plot, verdicts)
    violated = any(verdict.verdict == VIOLATED for verdict in verdicts)
    click.get_current_context().exit(FAILED if violated else 0)
