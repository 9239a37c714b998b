"""`ncsolve spectrum`: the eigenvalues of the Hessian, of few variables or of many."""

from __future__ import annotations

from pathlib import Path

import click

from ncsolve.cli.options import json_option, load_problem, param_option, problem_argument
from ncsolve.cli.say import say


@click.command("spectrum", short_help="Eigenvalues, density and trace of the Hessian at a point.")
@problem_argument
@param_option
@click.option("--at", metavar="POINT", help='The point, "1,2" or "x=1,y=2". [default: the start of the problem]')
@click.option("--run", metavar="DIR", type=click.Path(path_type=Path), help="The end of a run kept by solve --out.")
@click.option("--top", type=click.IntRange(min=1), default=5, show_default=True, help="Eigenvalues at each end.")
@click.option("--probes", type=click.IntRange(min=1), default=5, show_default=True, help="Random vectors.")
@click.option("--steps", type=click.IntRange(min=1), default=60, show_default=True, help="Lanczos steps of each.")
@click.option("--products", type=click.IntRange(min=6), default=60, show_default=True, help="For the trace.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of start and random vectors.")
@json_option
@click.option("--plot", metavar="FILE", type=click.Path(path_type=Path), help="Draw the density: FILE.svg or .png.")
def command(
    problem: str,
    params: dict[str, str],
    at: str | None,
    run: Path | None,
    top: int,
    probes: int,
    steps: int,
    products: int,
    seed: int,
    as_json: bool,
    plot: Path | None,
) -> None:
    """Show the spectrum of the Hessian of PROBLEM at a point: all of it up to 1000 variables.

    Beyond, by Hessian-vector products: the ends by Lanczos, the density by stochastic Lanczos quadrature, the trace by
    Hutch++. Bounds, penalties and constraints are not looked at.
    """
    from ncsolve.cli.points import chosen_point
    from ncsolve.report.data import to_json
    from ncsolve.report.plot import check_plot_file
    from ncsolve.report.section_plot import plot_spectrum
    from ncsolve.spectra import spectrum

    if plot:
        check_plot_file(plot)
    declared = load_problem(problem, params)
    found = spectrum(declared, chosen_point(declared, at, run, seed), top, probes, steps, products, seed)
    say(to_json(found.to_json()) if as_json else found.summary())
    if plot:
        plot_spectrum(plot, found)
