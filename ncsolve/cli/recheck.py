"""`ncsolve recheck`: prove a report again."""

from __future__ import annotations

from pathlib import Path

import click

from ncsolve.cli.options import json_option, key_values, load_problem
from ncsolve.cli.say import say

FAILED = 5


@click.command("recheck", short_help="Prove a report again.")
@click.argument("report", type=click.Path(path_type=Path), help="What `--certify --out FILE` wrote.")
@click.option("--problem", help="Whose expression it must be: FILE.py, FILE.py:NAME or a name of the library.")
@click.option(
    "-p", "--param", "params", metavar="KEY=VALUE", multiple=True, callback=key_values, help="With --problem: as there."
)
@json_option
def command(report: Path, problem: str | None, params: dict[str, str], as_json: bool) -> None:
    """Prove every point of REPORT, and the completeness of its list, again: nothing is believed but the expression.

    Exit code: 0 all of it holds; 5 something does not; 2 the file is no report.
    """
    from ncsolve.landscapes import recheck
    from ncsolve.report.data import to_json

    again = recheck(report, load_problem(problem, params) if problem else None)
    say(to_json(again.to_json()) if as_json else again.summary())
    click.get_current_context().exit(0 if again.holds else FAILED)
