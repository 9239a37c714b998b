"""`ncsolve problems`: the problem library and the problems of plugins."""

from __future__ import annotations

from dataclasses import asdict

import click

from ncsolve.cli.options import json_option
from ncsolve.cli.say import say


@click.command("problems", short_help="List the problems that are known by name.")
@json_option
def command(as_json: bool) -> None:
    """List the problems that are known by name, with the parameters that -p takes."""
    from ncsolve.hooks import registry
    from ncsolve.problem import entries
    from ncsolve.report.data import to_json
    from ncsolve.report.table import print_table

    found = entries(registry().problems())
    if as_json:
        say(to_json({"problems": [asdict(entry) for entry in found]}))
    else:
        rows = [[entry.name, ", ".join(entry.parameters), entry.summary] for entry in found]
        print_table(["problem", "parameters", "summary"], rows)
