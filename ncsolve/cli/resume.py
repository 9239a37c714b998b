"""`ncsolve resume`: go on with a run that was kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ncsolve.cli.options import jobs_options, json_option, key_values, load_problem
from ncsolve.cli.solve import finish


@click.command("resume", short_help="Go on with a run that was kept.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path), help="What `ncsolve solve --out` wrote.")
@click.option("--problem", help="Where the problem is now. [default: where it was]")
@click.option(
    "-p", "--param", "params", metavar="KEY=VALUE", multiple=True, callback=key_values, help="With --problem: as there."
)
@click.option("--max-iterations", type=click.IntRange(min=0), help="Another limit, from the beginning of the run.")
@click.option("--max-evaluations", type=click.IntRange(min=1), help="Another limit, from the beginning of the run.")
@click.option("--max-seconds", type=click.FloatRange(min=0, min_open=True), help="Another limit, without the break.")
@click.option("--tolerance", "gradient_tolerance", type=click.FloatRange(min=0, min_open=True), help="Another one.")
@click.option("--any-version", is_flag=True, help="Although packages have other versions now: bits may differ then.")
@jobs_options
@json_option
@click.option("--plot", metavar="FILE", type=click.Path(path_type=Path), help="Draw the run: FILE.svg or FILE.png.")
def command(
    folder: Path,
    problem: str | None,
    params: dict[str, str],
    any_version: bool,
    jobs: int,
    executor: str,
    as_json: bool,
    plot: Path | None,
    **limits: Any,
) -> None:
    """Go on with the run in DIR from its last checkpoint: the trace has the bits of a run that was never interrupted.

    Problem, versions and options must be those with which it began. Limits may be others. Exit codes are as of solve.
    """
    from ncsolve.api import resume
    from ncsolve.executors import choose
    from ncsolve.report.plot import check_plot_file
    from ncsolve.store import RunFolder, problem_of

    if plot:
        check_plot_file(plot)
    if params and problem is None:
        raise click.UsageError("-p says arguments of --problem; without it the problem is the one of the run.")
    declared = load_problem(problem, params) if problem else problem_of(RunFolder(folder).header().source, folder)
    given = {name: limit for name, limit in limits.items() if limit is not None}
    result = resume(folder, declared, any_version=any_version, executor=choose(executor, jobs), **given)
    finish(result, as_json, plot, declared)
