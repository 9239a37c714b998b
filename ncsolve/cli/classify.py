"""`ncsolve classify`: what kind of point a given one is."""

from __future__ import annotations

from pathlib import Path

import click

from ncsolve.cli.options import (
    certify_option,
    json_option,
    load_problem,
    needs_certify,
    param_option,
    problem_argument,
    report_option,
)
from ncsolve.cli.say import say


@click.command("classify", short_help="Say what kind of critical point a point is.")
@problem_argument
@click.option("--at", required=True, metavar="POINT", help='"1,2" or "x=1,y=2" or "x[0]=1,x[1]=2".')
@param_option
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    default=1e-6,
    show_default=True,
    help="Critical where the infinity norm of the gradient is at most this.",
)
@certify_option
@json_option
@report_option
def command(
    problem: str, at: str, params: dict[str, str], tolerance: float, certify: bool, as_json: bool, out: Path | None
) -> None:
    """Judge a point of PROBLEM: minimum, maximum, saddle, degenerate, not-critical or undecided, with the evidence."""
    from ncsolve.api import classify
    from ncsolve.cli.points import parse_point
    from ncsolve.landscapes.report import report_of_point, write_report
    from ncsolve.report.data import to_json
    from ncsolve.report.text import describe_point

    needs_certify(out, certify)
    declared = load_problem(problem, params)
    point = classify(declared, parse_point(declared, at, "--at"), gradient_tolerance=tolerance, certify=certify)
    if as_json:
        keys = (
            "kind",
            "index",
            "nullity",
            "eigenvalues",
            "tolerance",
            "certified",
            "explanation",
            "objective",
            "gradient_norm",
        )
        kkt = {} if point.kkt is None else {"kkt": point.kkt.to_dict()}
        say(to_json({"problem": declared.name, **{key: getattr(point, key) for key in keys}, **kkt}))
    else:
        say(describe_point(point, declared))
    if out:
        write_report(out, report_of_point(declared, point))
