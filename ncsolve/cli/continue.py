"""`ncsolve continue`: what becomes of critical points along a parameter."""

from __future__ import annotations

from pathlib import Path

import click

from ncsolve.cli.group import INTERRUPTED
from ncsolve.cli.options import json_option, load_problem, param_option, problem_argument
from ncsolve.cli.say import say
from ncsolve.errors import OptionError


@click.command("continue", short_help="Follow critical points along a parameter.")
@problem_argument
@click.option("--parameter", metavar="NAME=LOW:HIGH", required=True, help="A parameter of the problem, and its range.")
@param_option
@click.option(
    "--x0",
    metavar="POINT",
    multiple=True,
    help='Follow what is found from here, "1,2" or "x=1,y=2"; repeatable. Without it points are sampled.',
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the sampled points.")
@click.option("--max-points", type=click.IntRange(min=2), default=2000, show_default=True, help="Of a branch.")
@click.option("--max-branches", type=click.IntRange(min=1), default=100, show_default=True, help="Follow at most.")
@json_option
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Write the JSON there.")
@click.option("--plot", metavar="FILE", type=click.Path(path_type=Path), help="Draw the diagram: FILE.svg or .png.")
def command(
    problem: str,
    parameter: str,
    params: dict[str, str],
    x0: tuple[str, ...],
    seed: int,
    max_points: int,
    max_branches: int,
    as_json: bool,
    out: Path | None,
    plot: Path | None,
) -> None:
    """Follow the critical points of PROBLEM while a parameter passes through a range.

    Branches are followed by pseudo-arclength continuation, around folds and onto the branches that meet them; each
    segment is labelled by its index. The points to begin with are sampled: nothing proves that no branch is missing.

    Exit code: 0 done; 2 bad input; 130 interrupted (what was found is printed).
    """
    from ncsolve.cli.points import parse_point, parse_range
    from ncsolve.continuations import continuation
    from ncsolve.report.data import to_json, write_json
    from ncsolve.report.diagram_plot import plot_diagram
    from ncsolve.report.plot import check_plot_file

    if plot:
        check_plot_file(plot)
    if out and not out.absolute().parent.is_dir():
        raise OptionError(f"Cannot write {str(out)!r}: there is no folder {str(out.parent)!r}.")
    declared = load_problem(problem, params)
    name, between = parse_range(parameter, "--parameter")
    points = [parse_point(declared, text, "--x0") for text in x0]
    found = continuation(declared, name, between, points or None, seed, max_points, max_branches)
    if out:
        write_json(out, found.to_json())
    say(to_json(found.to_json()) if as_json else found.summary())
    if plot:
        plot_diagram(plot, found)
    click.get_current_context().exit(INTERRUPTED if found.interrupted else 0)
