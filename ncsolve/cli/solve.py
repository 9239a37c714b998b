"""`ncsolve solve`: run a solver, print the judged answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ncsolve.cli.group import INTERRUPTED
from ncsolve.cli.options import (
    backend_option,
    certify_option,
    json_option,
    load_problem,
    param_option,
    problem_argument,
    run_options,
    solver_options_option,
)
from ncsolve.errors import OptionError

if TYPE_CHECKING:
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
@certify_option
@json_option
@click.option("--plot", metavar="FILE", type=click.Path(path_type=Path), help="Draw the run: FILE.svg or FILE.png.")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help="Write run.json and trace.npz there.")
def command(
    problem: str,
    params: dict[str, str],
    x0: str | None,
    as_json: bool,
    plot: Path | None,
    out: Path | None,
    **arguments: Any,
) -> None:
    """Find a minimum of PROBLEM and judge what was found.

    Exit code: 0 a minimum; 3 stopped without converging; 4 converged to a point that is not a minimum, or not decided;
    2 bad input; 130 interrupted (what was found is printed).
    """
    from ncsolve.api import solve
    from ncsolve.cli.points import parse_point
    from ncsolve.report.data import to_json
    from ncsolve.report.plot import check_plot_file, plot_run

    if plot:
        check_plot_file(plot)
    declared = load_problem(problem, params)
    start = None if x0 is None else parse_point(declared, x0, "--x0")
    result = solve(declared, x0=start, **arguments)
    click.echo(to_json(result.to_json()) if as_json else result.summary())
    if plot:
        plot_run(plot, declared, result)
    if out:
        save(result, out)
    click.get_current_context().exit(exit_code(result))


def exit_code(result: Result) -> int:
    from ncsolve.solving import Status

    if result.status is Status.INTERRUPTED:
        return INTERRUPTED
    if result.status not in (Status.CONVERGED, Status.TARGET):
        return NOT_CONVERGED
    return 0 if result.success else NOT_A_MINIMUM


def save(result: Result, folder: Path) -> None:
    """run.json holds what `--json` prints, trace.npz the columns of the trace, samples.npy those of a sampler."""
    import numpy as np

    from ncsolve.report.data import to_json

    columns: dict[str, Any] = dict(result.trace)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "run.json").write_text(to_json(result.to_json()) + "\n")
        np.savez_compressed(folder / "trace.npz", **columns)
        if result.samples is not None:
            np.save(folder / "samples.npy", result.samples)
    except OSError as error:
        raise OptionError(f"--out: cannot write into {folder}: {error.strerror}.") from error
