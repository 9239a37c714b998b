"""`ncsolve symmetry`: what leaves the objective as it is."""

from __future__ import annotations

import click

from ncsolve.cli.options import json_option, load_problem, param_option, problem_argument
from ncsolve.cli.say import say


@click.command("symmetry", short_help="Find the linear symmetries of an objective.")
@problem_argument
@param_option
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the random points.")
@json_option
def command(problem: str, params: dict[str, str], seed: int, as_json: bool) -> None:
    """List what leaves the objective f of PROBLEM as it is: groups of linear maps, changes of sign, permutations.

    Of each continuous symmetry a generator A x + b is shown, with grad f . (A x + b) = 0; what gradient flow conserves;
    and which variables to hold so that none is left. Bounds, penalties and constraints are not looked at.
    """
    from ncsolve.api import symmetry
    from ncsolve.report.data import to_json
    from ncsolve.report.symmetry import describe, to_dict

    declared = load_problem(problem, params)
    found = symmetry(declared, seed)
    say(to_json(to_dict(found, declared)) if as_json else describe(found, declared))
