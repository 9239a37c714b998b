"""`ncsolve report`: kept runs as one page."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from ncsolve.cli.options import load_problem, param_option
from ncsolve.cli.say import say
from ncsolve.errors import OptionError


@click.command("report", short_help="Show kept runs on one page.")
@click.argument(
    "folders",
    metavar="DIR...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folders of runs, of any depth.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("report.html"),
    show_default=True,
    help="The page.",
)
@click.option("--title", help="Of the page. [default: the names of the problems]")
@click.option("--problem", metavar="PROBLEM", help="Of runs from Python, whose problem is in no file.")
@param_option
@click.option("--plane", metavar="X,Y", help='Two entries of x to draw over, "x[0],x[3]". [default: both, if n = 2]')
@click.option("--box", metavar="BOX", help='Where to look for critical points, "x=-5:5,y=-5:5". [default: by the runs]')
@click.option("--certify", is_flag=True, help="Prove the critical points of the box; needs python-flint.")
@click.option("--theorems", is_flag=True, help="Check what theorems promise of the solvers, on runs of their own.")
@click.option(
    "--max-seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=20.0,
    show_default=True,
    help="For the search of critical points, each problem.",
)
def command(
    folders: tuple[Path, ...],
    output: Path,
    title: str | None,
    problem: str | None,
    params: dict[str, str],
    box: str | None,
    **asked: Any,
) -> None:
    """Write a page about all runs in and below DIR: the answer, convergence, the landscape with the paths, the runs.

    It is one HTML file that needs no network. Runs are kept by `solve --out DIR` and `compare --out DIR`.
    """
    from ncsolve.cli.points import parse_box
    from ncsolve.landscapes.words import plural
    from ncsolve.report.page import Asked, make_page
    from ncsolve.store import write_text

    if params and problem is None:
        raise OptionError("-p gives arguments of --problem: name the problem, too.")
    if not output.absolute().parent.is_dir():
        raise OptionError(f"Cannot write {str(output)!r}: there is no folder {str(output.parent)!r}.")
    declared = None if problem is None else load_problem(problem, params)
    where = None if box is None else partial(parse_box, text=box, option="--box")
    page = make_page(folders, Asked(problem=declared, box=where, **asked), title)
    write_text(output, page.html)
    for fault in page.faults:
        say(f"left out: {fault}", err=True)
    size = output.stat().st_size / 1000
    say(f"{output}: {plural(page.runs, 'run')} of {plural(page.problems, 'problem')}, {size:.0f} kB")
