"""`ncsolve constants`: smoothness, convexity and PL constants over a box, with what proves them."""

from __future__ import annotations

import click

from ncsolve.cli.options import json_option, load_problem, param_option, problem_argument
from ncsolve.cli.say import say


@click.command("constants", short_help="Bound smoothness, convexity and PL constants in a box.")
@problem_argument
@click.option("--box", metavar="BOX", help='Where they hold, "x=-5:5,y=-5:5"; without it, the problem\'s bounds.')
@param_option
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0, max=1, min_open=True, max_open=True),
    help="Relative width of the proven intervals; by default 1e-5 in one variable and where f is separable, else 1e-2.",
)
@click.option(
    "--max-boxes", type=click.IntRange(min=1), default=100_000, show_default=True, help="For each constant, at most."
)
@click.option(
    "--max-seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="For all of them, at most.",
)
@json_option
def command(
    problem: str,
    box: str | None,
    params: dict[str, str],
    tolerance: float | None,
    max_boxes: int,
    max_seconds: float,
    as_json: bool,
) -> None:
    """Enclose the constants of PROBLEM in a box: L and M of its gradient and Hessian, m, PL mu, its least value, and
    the strict-saddle triple: everywhere the gradient is saddle_gradient, or the lowest eigenvalue is -saddle_curvature
    at most, or all eigenvalues are saddle_convexity at least.

    The value is the safe side. Provenance: closed-form, certified(box) by branch and bound with outward rounding,
    declared by the problem, or sampled, which proves nothing.
    """
    from ncsolve.cli.points import parse_box
    from ncsolve.report.data import to_json
    from ncsolve.report.table import print_table
    from ncsolve.theory.certified import constants

    declared = load_problem(problem, params)
    within = None if box is None else parse_box(declared, box, "--box")
    found = constants(declared, within, tolerance, max_boxes, max_seconds=max_seconds)
    if as_json:
        keys = ("value", "lower", "upper", "provenance")
        rows = {name: {key: getattr(c, key) for key in keys} for name, c in found.items()}
        say(to_json({"problem": declared.name, "box": box, "constants": rows}))
    else:
        columns = ("constant", "value", "at least", "at most", "provenance")
        numbers = [
            (name, *(f"{v:.8g}" for v in (c.value, c.lower, c.upper)), c.provenance) for name, c in found.items()
        ]
        print_table(columns, numbers)
