"""`ncsolve check`: is a problem file right? Where it is defined, its derivatives, its known points."""

from __future__ import annotations

from dataclasses import asdict

import click

from ncsolve.cli.options import backend_option, json_option, load_problem, param_option, problem_argument
from ncsolve.cli.say import say

FAILED = 5


@click.command("check", short_help="Check a problem: domain, derivatives, known points.")
@problem_argument
@click.option("--box", metavar="BOX", help='Where it should be defined, "x=-5:5,y=0:"; without it, in its bounds.')
@param_option
@backend_option
@json_option
def command(problem: str, box: str | None, params: dict[str, str], backend: str, as_json: bool) -> None:
    """Check PROBLEM: its declaration, gradient and Hessian by the slope of Taylor remainders, also of its constraints,
    and every known point.

    Before anything runs, value and derivatives are looked for where they are undefined: log, sqrt, division, powers.
    What is found is a warning.

    Exit code: 0 all checks hold; 5 one failed; 2 bad input.
    """
    from ncsolve.cli.points import parse_box
    from ncsolve.critical.check import all_checks
    from ncsolve.graph.domain import domain_audit
    from ncsolve.oracle import compile
    from ncsolve.problem.constraints import multiplied
    from ncsolve.report.data import to_json
    from ncsolve.report.table import print_table

    declared = load_problem(problem, params)
    where = None if box is None else parse_box(declared, box, "--box")
    parts = (declared, multiplied(declared)) if declared.constrained else (declared,)
    domain = [finding for part in parts for finding in domain_audit(part, where)]
    for finding in () if as_json else domain:
        say(f"{'warning' if finding.certain else 'note'}: {finding}")
    checks = list(all_checks(compile(declared, backend)))
    ok = all(check.ok for check in checks)
    if as_json:
        tables = {"domain": [asdict(each) for each in domain], "checks": [asdict(check) for check in checks]}
        say(to_json({"problem": declared.name, "ok": ok, **tables}))
    else:
        print_table(
            ["check", "", "detail"], [[each.check, "ok" if each.ok else "FAILED", each.detail] for each in checks]
        )
    click.get_current_context().exit(0 if ok else FAILED)
