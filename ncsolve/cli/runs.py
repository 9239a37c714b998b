"""`ncsolve runs`: the runs that are kept below a folder."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from ncsolve.cli.options import json_option


@click.command("runs", short_help="List the runs that are kept below a folder.")
@click.argument(
    "folder",
    metavar="[DIR]",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path("."),
    help="A folder of runs, of any depth.",
)
@click.option("--problem", help="Only runs of this problem.")
@click.option("--solver", help="Only runs of this solver.")
@json_option
def command(folder: Path, problem: str | None, solver: str | None, as_json: bool) -> None:
    """List the runs below DIR. A run whose status is RUNNING goes on elsewhere, or was killed: `ncsolve resume`."""
    from ncsolve.report.data import to_json
    from ncsolve.report.table import print_table
    from ncsolve.store import stored_runs

    wanted = {"problem": problem, "solver": solver}
    runs = [
        each
        for each in stored_runs(folder)
        if all(value is None or each.run[key] == value for key, value in wanted.items())
    ]
    if as_json:
        click.echo(to_json({"runs": [{"path": each.path, **each.run} for each in runs]}))
        return
    columns = ["path", "problem", "solver", "seed", "status", "point", "objective", "iterations", "seconds"]
    rows = [[asdict(each)["path"], *(each.run[name] for name in columns[1:])] for each in runs]
    print_table(columns, rows)
