"""`ncsolve landscape`: all critical points in a box, and the proof that there are no others."""

from __future__ import annotations

from pathlib import Path

import click

from ncsolve.cli.group import INTERRUPTED
from ncsolve.cli.options import (
    jobs_options,
    json_option,
    load_problem,
    needs_certify,
    param_option,
    problem_argument,
    report_option,
)
from ncsolve.cli.say import say


@click.command("landscape", short_help="Find all critical points in a box, and prove it.")
@problem_argument
@click.option("--box", metavar="BOX", help='Where to look, "x=-5:5,y=-5:5"; without it, the problem\'s bounds.')
@click.option("--certify", is_flag=True, help="Prove the points and that there are no others; needs python-flint.")
@param_option
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the sampled starts.")
@click.option(
    "--max-boxes", type=click.IntRange(min=1), default=400_000, show_default=True, help="Look at so many boxes at most."
)
@click.option(
    "--max-seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Stop the search after this time.",
)
@click.option(
    "--connect/--no-connect", default=True, show_default=True, help="Find the minima on both sides of each saddle."
)
@jobs_options
@json_option
@report_option
@click.option("--plot", metavar="FILE", type=click.Path(path_type=Path), help="Draw two variables: FILE.svg or .png.")
def command(
    problem: str,
    box: str | None,
    certify: bool,
    params: dict[str, str],
    seed: int,
    max_boxes: int,
    max_seconds: float,
    connect: bool,
    jobs: int,
    executor: str,
    as_json: bool,
    out: Path | None,
    plot: Path | None,
) -> None:
    """Find the critical points of PROBLEM in a box, where its gradient is zero, with their index.

    With --certify boxes are divided until every point is proven and everything else excluded, or the budget is used up;
    without it, or for more than 12 variables, points are sampled and the list is not proven complete. Without a box,
    bounds and --certify, minima and the saddles of index 1 between them are explored, for up to 300 variables.

    With --jobs a certified search that lasts longer than a second is shared among workers; what is found and proven
    does not depend on them.

    Exit code: 0 done (with --certify: complete); 4 some of the box is undecided; 2 bad input; 130 interrupted
    (what was found is printed).
    """
    from ncsolve.cli.points import parse_box
    from ncsolve.executors import choose
    from ncsolve.landscapes import landscape
    from ncsolve.landscapes.report import report_of_landscape, write_report
    from ncsolve.report.data import to_json
    from ncsolve.report.landscape_plot import plot_landscape
    from ncsolve.report.plot import check_plot_file

    if plot:
        check_plot_file(plot)
    declared = load_problem(problem, params)
    where = None if box is None else parse_box(declared, box, "--box")
    needs_certify(out, certify)
    found = landscape(declared, where, certify, seed, max_boxes, max_seconds, connect, choose(executor, jobs))
    say(to_json(found.to_json()) if as_json else found.summary())
    if out:
        write_report(out, report_of_landscape(found))
    if plot:
        plot_landscape(plot, found)
    undecided = certify and not found.complete
    click.get_current_context().exit(INTERRUPTED if found.interrupted else 4 if undecided else 0)
