"""`ncsolve rate`: how fast a kept run converged."""

from __future__ import annotations

from pathlib import Path

import click

from ncsolve.cli.options import json_option
from ncsolve.cli.say import say


@click.command("rate", short_help="Fit the rate at which a kept run converged.")
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path), help="A folder of a run, or its trace.npz.")
@click.option("--minimum", type=float, help="f*. [default: what the problem declares, if the run went there]")
@json_option
@click.option(
    "--plot", metavar="FILE", type=click.Path(path_type=Path), help="Draw the errors and the model that fits."
)
def command(run: Path, minimum: float | None, as_json: bool, plot: Path | None) -> None:
    """Say whether RUN converged linearly (ratio), sublinearly (exponent) or superlinearly (order), and how fast.

    Of the gradient norm, and of f - f* where f* is known. The transient and what rounding hides are left out; numbers
    in brackets are a 95% confidence interval, of an order the last two.
    """
    from ncsolve.rates import rate
    from ncsolve.report.data import to_json
    from ncsolve.report.plot import check_plot_file
    from ncsolve.report.rate import plot_rates

    if plot:
        check_plot_file(plot)
    rates = rate(run, minimum)
    if as_json:
        say(to_json({"run": str(run), "rates": {name: found.to_json() for name, found in rates.items()}}))
    else:
        for name, found in rates.items():
            say(f"{'f - f*' if name == 'objective' else name}: {found}")
    if plot:
        plot_rates(plot, run, rates, minimum)
