"""`ncsolve slice`: f on lines and planes through a point, and on the way between two."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ncsolve.cli.options import (
    json_option,
    load_problem,
    param_option,
    problem_argument,
    run_options,
    solver_options_option,
)
from ncsolve.cli.say import say
from ncsolve.errors import OptionError


@click.command("slice", short_help="Look at f on a line or a plane through a point.")
@problem_argument
@param_option
@click.option("--at", metavar="POINT", help='The point, "1,2" or "x=1,y=2". [default: the start of the problem]')
@click.option("--run", metavar="DIR", type=click.Path(path_type=Path), help="The end of a run kept by solve --out.")
@click.option("-s", "--solver", help="Run this solver first: its end is the point, its way is shown.")
@solver_options_option
@click.option("--to", metavar="POINT", help="Look at the straight line from the point to this one instead.")
@click.option("--to-run", metavar="DIR", type=click.Path(path_type=Path), help="The same, to the end of a kept run.")
@click.option("--directions", help="random, eigen or pca. [default: pca with -s, else random]")
@click.option("--dimensions", type=click.IntRange(1, 2), help="A line or a plane. [default: a plane, if n > 1]")
@click.option("--radius", type=click.FloatRange(min=0, min_open=True), default=1.0, show_default=True, help="How far.")
@click.option("--points", type=click.IntRange(min=3), help="Along each axis. [default: 201, in a plane 41]")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of start and directions.")
@run_options
@json_option
@click.option("--plot", metavar="FILE", type=click.Path(path_type=Path), help="Draw it: FILE.svg or FILE.png.")
def command(
    problem: str,
    params: dict[str, str],
    at: str | None,
    run: Path | None,
    solver: str | None,
    options: dict[str, str],
    to: str | None,
    to_run: Path | None,
    directions: str | None,
    dimensions: int | None,
    radius: float,
    points: int | None,
    seed: int,
    as_json: bool,
    plot: Path | None,
    **limits: Any,
) -> None:
    """Evaluate the objective of PROBLEM on a line or a plane through a point.

    Directions are random (each filter scaled to that of the point), along the highest and the lowest eigenvalue of the
    Hessian (eigen), or the principal directions of a run (pca): -s SOLVER makes one, and its iterates are shown in the
    plane with their true values. With --to: whether f is monotone on the way, and how high the barrier is.
    """
    from ncsolve.cli.points import chosen_point
    from ncsolve.report.data import to_json
    from ncsolve.report.plot import check_plot_file
    from ncsolve.report.section_plot import plot_section, plot_segment
    from ncsolve.spectra import section, segment
    from ncsolve.spectra.runs import kept_path, run_and_keep

    if plot:
        check_plot_file(plot)
    if options and not solver:
        raise OptionError("slice: -o is an option of a solver, and none is given (-s SOLVER).")
    declared = load_problem(problem, params)
    point, path = chosen_point(declared, at, run, seed), None
    if solver:
        result, path = run_and_keep(declared, solver, options, x0=point, seed=seed, **limits)
        point = result.x
    elif run and directions == "pca":
        path = kept_path(run, declared)
    if to is not None or to_run is not None:
        line = segment(declared, point, chosen_point(declared, to, to_run, seed, "--to"), points or 201)
        say(to_json(line.to_json()) if as_json else line.summary())
        if plot:
            plot_segment(plot, line)
        return
    wanted = directions or ("pca" if solver else "random")
    found = section(declared, point, wanted, dimensions, radius, points, path, seed)
    say(to_json(found.to_json()) if as_json else found.summary())
    if plot:
        plot_section(plot, found)
