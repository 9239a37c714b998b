"""`ncsolve check`: is a problem file right? Its values, its derivatives, its known points."""

from __future__ import annotations

from dataclasses import asdict

import click

from ncsolve.cli.options import backend_option, json_option, load_problem, param_option, problem_argument

FAILED = 5


@click.command("check", short_help="Check a problem: values, derivatives, known points.")
@problem_argument
@param_option
@backend_option
@json_option
def command(problem: str, params: dict[str, str], backend: str, as_json: bool) -> None:
    """Check PROBLEM: its declaration, gradient and Hessian by the slope of Taylor remainders, and every known point.

    Exit code: 0 all checks hold; 5 one failed; 2 bad input.
    """
    from ncsolve.critical.check import all_checks
    from ncsolve.oracle import compile
    from ncsolve.report.data import to_json
    from ncsolve.report.table import print_table

    oracle = compile(load_problem(problem, params), backend)
    checks = list(all_checks(oracle))
    ok = all(check.ok for check in checks)
    if as_json:
        click.echo(to_json({"problem": oracle.problem.name, "ok": ok, "checks": [asdict(check) for check in checks]}))
    else:
        print_table(
            ["check", "", "detail"], [[each.check, "ok" if each.ok else "FAILED", each.detail] for each in checks]
        )
    click.get_current_context().exit(0 if ok else FAILED)
